#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void sk_buf_init(struct sk_buf *buf, size_t ceiling)
{
    *buf = (struct sk_buf){.ceiling = ceiling};
}

void sk_buf_fini(struct sk_buf *buf)
{
    free(buf->data);
    *buf = (struct sk_buf){.ceiling = buf->ceiling};
}

/* Makes room for `len` more bytes and a NUL after them. */
static enum sk_code reserve(struct sk_buf *buf, size_t len)
{
    assert(buf->len <= buf->ceiling && buf->ceiling < SIZE_MAX);
    if (len > buf->ceiling - buf->len)
        return SK_RESOURCE_EXHAUSTED;
    size_t need = buf->len + len + 1;
    if (need <= buf->cap)
        return SK_OK;
    size_t cap = buf->cap < SIZE_MAX / 2 ? buf->cap * 2 : SIZE_MAX;
    cap = cap < FIRST_CAP ? FIRST_CAP : cap;
    cap = cap > buf->ceiling ? buf->ceiling + 1 : cap;
    cap = cap < need ? need : cap;
    buf->data = sk_realloc(buf->data, cap);
    buf->cap = cap;
    return SK_OK;
}

enum sk_code sk_buf_append(struct sk_buf *buf, const void *data, size_t len)
{
    if (len == 0)
        return SK_OK;
    enum sk_code code = reserve(buf, len);
    if (code != SK_OK)
        return code;
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return SK_OK;
}

enum sk_code sk_buf_printf(struct sk_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(len >= 0);
    enum sk_code code = reserve(buf, (size_t)len);
    if (code != SK_OK)
        return code;
    va_start(args, fmt);
    (void)vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)len;
    return SK_OK;
}

void sk_buf_clear(struct sk_buf *buf)
{
    buf->len = 0;
}

char *sk_buf_take_text(struct sk_buf *buf)
{
    if (!buf->data)
        return sk_strdup("");
    buf->data[buf->len] = '\0'; /* reserve() kept a place for it */
    char *text = (char *)sk_take(buf->data);
    sk_buf_fini(buf);
    return text;
}
