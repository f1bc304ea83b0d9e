/* pull_login.h: a login for one registry that a create brings along: from
 * which secret it comes, and what is remembered of it.
 *
 * The source is recorded, the login itself never: it is looked up at each
 * attempt, and wiped after it. What stays with an image is a digest of the login
 * under a salt of this node: two creates are known to have the same login,
 * and nobody can look the password up in a table. */
#ifndef SK_CORE_PULL_LOGIN_H
#define SK_CORE_PULL_LOGIN_H

#include "core/secrets.h"
#include "drivers/image.h"
#include "oci/digest.h"
#include "store/records.h"

/* A login with its texts on the heap; zeroed = none. */
struct sk_pull_login {
    char *registry, *username, *password;
};

void sk_pull_login_copy(struct sk_pull_login *out, const struct sk_image_login *login);
/* Wipes. */
void sk_pull_login_fini(struct sk_pull_login *login);
/* Borrowed; valid as long as the login. NULL when there is none. */
const struct sk_image_login *sk_pull_login_borrow(const struct sk_pull_login *login,
                                                  struct sk_image_login *out);

/* Looks up what the source names, for that tenant. Errors: of the lookup. */
SK_MUST_CHECK enum sk_code sk_pull_login_find(const struct sk_secret_lookup *secrets,
                                              const struct sk_login_source *source, const char *tenant,
                                              struct sk_pull_login *out_login, struct sk_err *err);

/* "" for none. salt: NULL = none. */
void sk_pull_login_digest(const struct sk_pull_login *login, const char *salt, char out[SK_DIGEST_SIZE]);

#endif
