/* wire_check.h: is this a sane message of that type? Looks at packed bytes
 * before protobuf-c does, for what it does not check. Pure.
 *
 * Refused, beside malformed bytes: strings that are not UTF-8 or hold a NUL
 * (protobuf-c would end the string there), nesting beyond SK_WIRE_DEPTH_MAX,
 * a singular message field given twice (legal, but merging them costs
 * quadratic time, and no client does it), and messages whose unpacked form
 * would be far bigger than their bytes. Unknown fields are tolerated. */
#ifndef SK_RPC_WIRE_CHECK_H
#define SK_RPC_WIRE_CHECK_H

#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#define SK_WIRE_DEPTH_MAX 64
/* What unpacking may need beyond the bytes themselves. */
#define SK_WIRE_OVERHEAD_MAX ((size_t)64 * 1024 * 1024)

/* Errors: SK_INVALID_ARGUMENT, naming the field. */
SK_MUST_CHECK enum sk_code sk_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data,
                                         size_t len, struct sk_err *err);

/* A field of bytes in a packed message. */
struct sk_wire_bytes {
    const ProtobufCFieldDescriptor *field;
    size_t begin, end; /* of all of it */
    const uint8_t *data;
    size_t len; /* of its value */
};

/* A field of `least` bytes or more, of the message itself, singular and of no
 * oneof, that no later one of its kind replaces. The bytes must have been checked. */
bool sk_wire_find_bytes(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len, size_t least,
                        struct sk_wire_bytes *out_bytes);

#endif
