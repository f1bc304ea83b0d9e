/* packed.h: reads a packed message without unpacking it (protobuf.dev/programming-guides/encoding). Pure.
 *
 * For bytes that are ours; broken ones are read as far as they can be. What is found is borrowed from them.
 */
#ifndef SK_API_PACKED_H
#define SK_API_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sk_packed {
    const uint8_t *data;
    size_t len;
};

struct sk_packed_field {
    uint32_t id;
    struct sk_packed bytes; /* of a text, bytes or message; else empty */
};

/* Takes the next field off `in`; false at the end. */
bool sk_packed_next(struct sk_packed *in, struct sk_packed_field *out);
/* The first field of that number; empty if there is none. */
struct sk_packed sk_packed_get(struct sk_packed in, uint32_t id);
bool sk_packed_equals(struct sk_packed text, const char *other);

#endif
