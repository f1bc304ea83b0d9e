#include "api/packed.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_BYTES = 2, WIRE_32BIT = 5 };

static bool read_varint(struct sk_packed *in, uint64_t *out_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < in->len && i < 10; i++) {
        value |= (uint64_t)(in->data[i] & 0x7f) << (7 * i);
        if (in->data[i] & 0x80)
            continue;
        in->data += i + 1;
        in->len -= i + 1;
        *out_value = value;
        return true;
    }
    return false;
}

static bool take(struct sk_packed *in, uint64_t len, struct sk_packed *out)
{
    if (len > in->len)
        return false;
    *out = (struct sk_packed){in->data, (size_t)len};
    in->data += len;
    in->len -= (size_t)len;
    return true;
}

bool sk_packed_next(struct sk_packed *in, struct sk_packed_field *out)
{
    uint64_t tag = 0;
    uint64_t number = 0;
    struct sk_packed fixed;

    if (!in->len || !read_varint(in, &tag))
        return false;
    *out = (struct sk_packed_field){.id = (uint32_t)(tag >> 3)};
    switch (tag & 7) {
    case WIRE_VARINT:
        return read_varint(in, &number);
    case WIRE_64BIT:
        return take(in, 8, &fixed);
    case WIRE_32BIT:
        return take(in, 4, &fixed);
    case WIRE_BYTES:
        return read_varint(in, &number) && take(in, number, &out->bytes);
    default:
        return false;
    }
}

struct sk_packed sk_packed_get(struct sk_packed in, uint32_t id)
{
    struct sk_packed_field field;

    while (sk_packed_next(&in, &field)) {
        if (field.id == id)
            return field.bytes;
    }
    return (struct sk_packed){0};
}

bool sk_packed_equals(struct sk_packed text, const char *other)
{
    return strlen(other) == text.len && (!text.len || memcmp(text.data, other, text.len) == 0);
}
