/* auth.h: who is calling: API keys, kept as SHA-256 digests and compared in
 * constant time. Pure. */
#ifndef SK_API_AUTH_H
#define SK_API_AUTH_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SK_KEY_ID_LEN 12 /* hexadecimal digits that name a key in records and logs */

struct sk_auth;

/* keys: NULL-terminated; NULL or empty = everyone may call. Heap; one owner. */
struct sk_auth *sk_auth_new(const char *const *keys);
void sk_auth_free(struct sk_auth *auth);

/* header(arg, name) gives the first value of a request header, or NULL. Any
 * one valid credential is enough. out_key_id: "" when no keys are configured.
 * Errors: SK_UNAUTHENTICATED. */
SK_MUST_CHECK enum sk_code sk_auth_check(const struct sk_auth *auth,
                                         const char *(*header)(void *arg, const char *name), void *arg,
                                         char out_key_id[SK_KEY_ID_LEN + 1], struct sk_err *err);

void sk_sha256(const void *data, size_t len, uint8_t out_digest[32]);

#endif
