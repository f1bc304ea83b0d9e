/* logins.h: the node's own logins for registries, from a file as `docker
 * login` writes it (config.json: "auths", by registry).
 *
 * Programs that Docker would ask for logins (credsStore, credHelpers) are not
 * run: what only they know is left out, with a warning. Pure but for
 * sk_logins_load. */
#ifndef SK_CONFIG_LOGINS_H
#define SK_CONFIG_LOGINS_H

#include "base/arena.h"
#include "config/faults.h"

#include <stdbool.h>

/* What a login with an identity token has for a name, as Docker writes it; the password is then the token.
 * What asks registries may refuse it (drivers/image.h has the same word). */
#define SK_LOGIN_TOKEN "<token>"

#define SK_LOGIN_REGISTRY_SIZE 256

struct sk_login {
    const char *registry; /* as in full image names: "docker.io", "registry.corp:5000" */
    const char *username, *password;
};

/* Zeroed is empty; fini twice is harmless. No two are of one registry. */
struct sk_logins {
    struct sk_arena arena;
    struct sk_login *items;
    size_t len;
};

/* The registry that somebody means: "https://index.docker.io/v1/" -> "docker.io"; false when it names no
 * whole registry. */
bool sk_login_registry(const char *key, char out[SK_LOGIN_REGISTRY_SIZE]);

void sk_logins_fini(struct sk_logins *logins);

/* The file must be private (base/file.h). Warnings: what was left out. Errors: SK_INVALID_ARGUMENT (the
 * faults say all); SK_PERMISSION_DENIED and others (it cannot be read). Neither shows a secret. */
SK_MUST_CHECK enum sk_code sk_logins_load(struct sk_logins *logins, const char *path,
                                          struct sk_faults *faults, struct sk_faults *warnings,
                                          struct sk_err *err);
/* The same from memory; false when there are faults. */
SK_MUST_CHECK bool sk_logins_parse(struct sk_logins *logins, const char *text, size_t len,
                                   struct sk_faults *faults, struct sk_faults *warnings);

#endif
