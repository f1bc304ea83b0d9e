/* secret.h: the text of an API key: "sk-<id>-<secret>": the id is 12 hexadecimal digits and no secret, the
 * secret 32 characters of lower-case base32 (160 bits). And SHA-256, as which keys are kept. Pure. */
#ifndef SK_IDENTITY_SECRET_H
#define SK_IDENTITY_SECRET_H

#include "base/key_entry.h"

#define SK_SECRET_LEN (3 + SK_KEY_ID_LEN + 1 + 32)

struct sk_secret {
    char text[SK_SECRET_LEN + 1];
};

/* A fresh one; aborts if the kernel has no random bytes. */
struct sk_secret sk_secret_make(void);
/* The id that stands in it; false for texts of any other shape. */
bool sk_secret_id(const char *text, char out_id[SK_KEY_ID_LEN + 1]);
/* In constant time. */
bool sk_digest_equals(const uint8_t a[SK_DIGEST_LEN], const uint8_t b[SK_DIGEST_LEN]);
/* The id of a key that has none in its text: the first digits of its digest. */
void sk_digest_id(const uint8_t digest[SK_DIGEST_LEN], char out_id[SK_KEY_ID_LEN + 1]);
/* All of it, in hexadecimal digits. */
#define SK_DIGEST_TEXT_LEN (2 * SK_DIGEST_LEN)
void sk_digest_text(const uint8_t digest[SK_DIGEST_LEN], char out[SK_DIGEST_TEXT_LEN + 1]);
void sk_sha256(const void *data, size_t len, uint8_t out_digest[SK_DIGEST_LEN]);

#endif
