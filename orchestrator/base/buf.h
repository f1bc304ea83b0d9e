/* buf.h: growable bytes with a ceiling given at birth.
 *
 * A zeroed struct with a ceiling is an empty buffer. Appending past the
 * ceiling changes nothing and returns SK_RESOURCE_EXHAUSTED. */
#ifndef SK_BASE_BUF_H
#define SK_BASE_BUF_H

#include "base/err.h"

#include <stdint.h>

struct sk_buf {
    uint8_t *data; /* owned */
    size_t len;
    size_t cap;
    size_t ceiling;
};

void sk_buf_init(struct sk_buf *buf, size_t ceiling);
void sk_buf_fini(struct sk_buf *buf);
SK_MUST_CHECK enum sk_code sk_buf_append(struct sk_buf *buf, const void *data, size_t len);
SK_MUST_CHECK enum sk_code sk_buf_printf(struct sk_buf *buf, const char *fmt, ...) SK_PRINTF(2, 3);
void sk_buf_clear(struct sk_buf *buf);
/* Moves the bytes out as a NUL-terminated heap string; the buffer is empty afterwards. */
char *sk_buf_take_text(struct sk_buf *buf);

#endif
