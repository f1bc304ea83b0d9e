#include "identity/secret.h"

#include "base/hex.h"
#include "base/random.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "sk-"

enum { ID_BYTES = SK_KEY_ID_LEN / 2, SECRET_CHARS = 32 };
static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648, section 6, lower case */

struct sk_secret sk_secret_make(void)
{
    uint8_t id[ID_BYTES], bytes[SECRET_CHARS];
    char hex[SK_KEY_ID_LEN + 1];
    struct sk_secret secret;

    sk_random(id, sizeof(id));
    sk_random(bytes, sizeof(bytes));
    sk_hex_print(id, sizeof(id), hex);
    int at = snprintf(secret.text, sizeof(secret.text), PREFIX "%s-", hex);
    for (size_t i = 0; i < SECRET_CHARS; i++)
        secret.text[at++] = digits[bytes[i] % 32]; /* five bits of each: 160 */
    secret.text[at] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
    return secret;
}

bool sk_secret_id(const char *text, char out_id[SK_KEY_ID_LEN + 1])
{
    const char *id = text + strlen(PREFIX);

    if (strncmp(text, PREFIX, strlen(PREFIX)) != 0 || strnlen(text, SK_SECRET_LEN + 1) != SK_SECRET_LEN ||
        id[SK_KEY_ID_LEN] != '-')
        return false;
    memcpy(out_id, id, SK_KEY_ID_LEN);
    out_id[SK_KEY_ID_LEN] = '\0';
    return sk_key_id_is_valid(out_id);
}

bool sk_digest_equals(const uint8_t a[SK_DIGEST_LEN], const uint8_t b[SK_DIGEST_LEN])
{
    return CRYPTO_memcmp(a, b, SK_DIGEST_LEN) == 0;
}

void sk_digest_id(const uint8_t digest[SK_DIGEST_LEN], char out_id[SK_KEY_ID_LEN + 1])
{
    sk_hex_print(digest, ID_BYTES, out_id);
}

void sk_digest_text(const uint8_t digest[SK_DIGEST_LEN], char out[SK_DIGEST_TEXT_LEN + 1])
{
    sk_hex_print(digest, SK_DIGEST_LEN, out);
}

void sk_sha256(const void *data, size_t len, uint8_t out_digest[SK_DIGEST_LEN])
{
    (void)SHA256(data, len, out_digest);
}
