/* digest.h: content addresses: "sha256:" and 64 lower-case hexadecimal digits
 * (OCI image-spec, descriptor.md). Other algorithms are refused. Pure. */
#ifndef SK_OCI_DIGEST_H
#define SK_OCI_DIGEST_H

#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

#define SK_DIGEST_SIZE 72 /* "sha256:", 64 digits, NUL */

/* Whether `text` is one. */
bool sk_digest_is_valid(const char *text);

/* Of bytes that lie in memory. */
void sk_digest_of(const void *data, size_t len, char out_digest[SK_DIGEST_SIZE]);

/* Of bytes that come piece by piece. Heap; one owner. */
struct sk_digest;
struct sk_digest *sk_digest_new(void);
void sk_digest_add(struct sk_digest *digest, const void *data, size_t len);
/* Writes the digest of all that was added, and frees. */
void sk_digest_end(struct sk_digest *digest_take, char out_digest[SK_DIGEST_SIZE]);
/* Without asking for it. NULL is fine. */
void sk_digest_free(struct sk_digest *digest);

#endif
