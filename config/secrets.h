/* secrets.h: the secrets of this node, from the file that the configuration
 * names: an object of stores, each an object of paths, each a text or an
 * object of fields.
 *
 *     {"wandb": {"ghcr": {"username": "robot", "password": "…", "registry": "ghcr.io", "tenant": "blue"}}}
 *
 * Whoever asks chooses where a login goes, so the secret itself says where it may: to `registry`, for
 * `tenant`. One without a registry is for the tenant "default" alone, one without a tenant for all.
 *
 * Pure but for sk_secrets_load. No value ever stands in an error. */
#ifndef SK_CONFIG_SECRETS_H
#define SK_CONFIG_SECRETS_H

#include "base/arena.h"
#include "config/faults.h"

#include <stdbool.h>

struct sk_json;

/* Zeroed has no stores; fini twice is harmless. */
struct sk_secrets {
    struct sk_arena arena;
    const struct sk_json *root;
};

/* How somebody shows who they are. */
struct sk_secret_login {
    const char *username, *password;
};

struct sk_secret_ask {
    const char *store, *path;
    const char *field;    /* "" or NULL = none is named */
    const char *registry; /* where the login is to be sent, as in a reference */
    const char *tenant;   /* for whom */
};

void sk_secrets_fini(struct sk_secrets *secrets);

/* The file must be private (base/file.h). Errors: SK_INVALID_ARGUMENT (the faults say all);
 * SK_PERMISSION_DENIED and others (it cannot be read). */
SK_MUST_CHECK enum sk_code sk_secrets_load(struct sk_secrets *secrets, const char *path,
                                           struct sk_faults *faults, struct sk_err *err);
/* The same from memory; false when there are faults. */
SK_MUST_CHECK bool sk_secrets_parse(struct sk_secrets *secrets, const char *text, size_t len,
                                    struct sk_faults *faults);

/* A secret that is an object with username and password, or has such an object in its field; a text that
 * holds such an object as JSON counts as one. Both the secret and the field's object may say registry and
 * tenant. The texts are copied to `arena`. Errors: SK_FAILED_PRECONDITION (no such store, with the reason
 * SECRET_STORE_NOT_PROVISIONED; no such secret or field, which is also what other tenants are told; not a
 * login; not for that registry). */
SK_MUST_CHECK enum sk_code sk_secrets_find_login(const struct sk_secrets *secrets,
                                                 const struct sk_secret_ask *ask, struct sk_arena *arena,
                                                 struct sk_secret_login *out_login, struct sk_err *err);

#endif
