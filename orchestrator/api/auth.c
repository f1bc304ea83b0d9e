#include "api/auth.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct sk_auth {
    size_t count;
    uint8_t digests[][32];
};

void sk_sha256(const void *data, size_t len, uint8_t out_digest[32])
{
    (void)SHA256(data, len, out_digest);
}

struct sk_auth *sk_auth_new(const char *const *keys)
{
    size_t count = 0;
    while (keys && keys[count])
        count++;
    struct sk_auth *auth = sk_alloc(sizeof(*auth) + count * sizeof(auth->digests[0]));
    for (auth->count = 0; auth->count < count; auth->count++)
        sk_sha256(keys[auth->count], strlen(keys[auth->count]), auth->digests[auth->count]);
    return auth;
}

void sk_auth_free(struct sk_auth *auth)
{
    free(auth);
}

/* Looks at every key, so that time says nothing about which one came close. */
static bool is_known(const struct sk_auth *auth, const char *credential, uint8_t digest[32])
{
    bool known = false;
    sk_sha256(credential, strlen(credential), digest);
    for (size_t i = 0; i < auth->count; i++)
        known |= CRYPTO_memcmp(auth->digests[i], digest, 32) == 0;
    return known;
}

static const char *bearer_token(const char *value)
{
    if (!value || strncasecmp(value, "bearer ", 7) != 0)
        return NULL;
    value += 7;
    return value + strspn(value, " ");
}

static void write_key_id(const uint8_t digest[32], char out[SK_KEY_ID_LEN + 1])
{
    for (size_t i = 0; i < SK_KEY_ID_LEN / 2; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

enum sk_code sk_auth_check(const struct sk_auth *auth, const char *(*header)(void *arg, const char *name),
                           void *arg, char out_key_id[SK_KEY_ID_LEN + 1], struct sk_err *err)
{
    if (!auth->count) {
        out_key_id[0] = '\0';
        return SK_OK;
    }
    const char *credentials[] = {bearer_token(header(arg, "authorization")), header(arg, "x-api-key"),
                                 header(arg, "x-wandb-api-key")};
    bool any = false;
    for (size_t i = 0; i < sk_array_len(credentials); i++) {
        uint8_t digest[32];
        if (!credentials[i])
            continue;
        any = true;
        if (is_known(auth, credentials[i], digest)) {
            write_key_id(digest, out_key_id);
            return SK_OK;
        }
    }
    return sk_fail(err, SK_UNAUTHENTICATED, any ? "this API key is not known here" : "no API key was sent");
}
