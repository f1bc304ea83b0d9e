#include "rpc/wire_check.h"

#include "base/utf8.h"

#include <string.h>

/* The encoding: protobuf.dev/programming-guides/encoding. */
#define VARINT_MAX       10 /* bytes of a value */
#define SHORT_VARINT_MAX 5  /* bytes of a tag or a length */

/* protobuf-c's note of one field while it unpacks, and the slot in a repeated field. */
#define FIELD_OVERHEAD 40
/* A packed value is one byte or more on the wire and eight at most in memory. */
#define PACKED_OVERHEAD 8

/* More members than any of our messages has. */
#define FIELDS_MAX 256

struct span {
    const uint8_t *at;
    size_t len;
};

struct check {
    size_t budget; /* overhead still allowed */
    struct sk_err *err;
};

struct field {
    uint32_t id;
    unsigned wire_type;
    struct span value; /* without its length */
};

static bool skip(struct span *in, size_t len)
{
    if (len > in->len)
        return false;
    in->at += len;
    in->len -= len;
    return true;
}

static bool read_varint(struct span *in, size_t max, uint64_t *out_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < max && i < in->len; i++) {
        value |= (uint64_t)(in->at[i] & 0x7f) << (7 * i);
        if (!(in->at[i] & 0x80)) {
            *out_value = value;
            return skip(in, i + 1);
        }
    }
    return false;
}

/* Where the value of a field of that wire type ends. */
static bool read_value(struct span *in, unsigned wire_type, struct span *out_value)
{
    uint64_t number = 0;
    struct span value = *in;

    switch (wire_type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        if (!read_varint(in, VARINT_MAX, &number))
            return false;
        break;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        if (!skip(in, 8))
            return false;
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        if (!skip(in, 4))
            return false;
        break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!read_varint(in, SHORT_VARINT_MAX, &number))
            return false;
        value = *in;
        if (!skip(in, number))
            return false;
        break;
    default: /* groups: no client of ours has them, and protobuf-c cannot skip them */
        return false;
    }
    value.len = (size_t)(in->at - value.at);
    *out_value = value;
    return true;
}

static bool read_field(struct span *in, struct field *out_field)
{
    uint64_t tag;
    struct field field;

    if (!read_varint(in, SHORT_VARINT_MAX, &tag))
        return false;
    field.id = (uint32_t)(tag >> 3);
    field.wire_type = tag & 7;
    if (!field.id || !read_value(in, field.wire_type, &field.value))
        return false;
    *out_field = field;
    return true;
}

static enum sk_code refuse(struct check *check, const ProtobufCFieldDescriptor *field, const char *what)
{
    return sk_fail(check->err, SK_INVALID_ARGUMENT, "field %s %s", field->name, what);
}

static enum sk_code charge(struct check *check, size_t overhead)
{
    if (overhead > check->budget)
        return sk_fail(check->err, SK_INVALID_ARGUMENT, "the message has too many fields");
    check->budget -= overhead;
    return SK_OK;
}

static enum sk_code check_string(struct check *check, const ProtobufCFieldDescriptor *field,
                                 struct span value)
{
    if (memchr(value.at, 0, value.len))
        return refuse(check, field, "holds a NUL character");
    if (!sk_utf8_is_valid((const char *)value.at, value.len))
        return refuse(check, field, "is not UTF-8");
    return SK_OK;
}

/* Marks a singular message field as seen; false when it was before. */
static bool is_first(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field,
                     uint64_t seen[FIELDS_MAX / 64])
{
    size_t index = (size_t)(field - type->fields);

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return true;
    if (index >= FIELDS_MAX || (seen[index / 64] >> (index % 64) & 1))
        return false;
    seen[index / 64] |= UINT64_C(1) << (index % 64);
    return true;
}

static enum sk_code check_message(struct check *check, const ProtobufCMessageDescriptor *type, struct span in,
                                  unsigned depth);

/* A length-prefixed field that the type knows. */
static enum sk_code check_known(struct check *check, const ProtobufCFieldDescriptor *field, struct span value,
                                unsigned depth)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return check_string(check, field, value);
    case PROTOBUF_C_TYPE_MESSAGE:
        if (depth == SK_WIRE_DEPTH_MAX)
            return refuse(check, field, "is nested too deeply");
        return check_message(check, field->descriptor, value, depth + 1);
    case PROTOBUF_C_TYPE_BYTES:
        return SK_OK;
    default: /* packed numbers */
        if (value.len > SK_WIRE_OVERHEAD_MAX)
            return refuse(check, field, "has too many values");
        return charge(check, value.len * PACKED_OVERHEAD);
    }
}

/* Recursive, no deeper than SK_WIRE_DEPTH_MAX. */
static enum sk_code check_message(struct check *check, const ProtobufCMessageDescriptor *type, struct span in,
                                  unsigned depth)
{
    uint64_t seen[FIELDS_MAX / 64] = {0};
    enum sk_code code = charge(check, type->sizeof_message);

    while (!code && in.len) {
        struct field field;
        if (!read_field(&in, &field))
            return sk_fail(check->err, SK_INVALID_ARGUMENT, "the bytes are not a %s", type->short_name);
        code = charge(check, FIELD_OVERHEAD);
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, field.id);
        if (code || !known || field.wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            continue;
        if (known->type == PROTOBUF_C_TYPE_MESSAGE && !is_first(type, known, seen))
            return refuse(check, known, "is given twice");
        code = check_known(check, known, field.value, depth);
    }
    return code;
}

enum sk_code sk_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
                           struct sk_err *err)
{
    struct check check = {SK_WIRE_OVERHEAD_MAX, err};
    return check_message(&check, type, (struct span){data, len}, 1);
}

static bool is_plain_bytes(const ProtobufCFieldDescriptor *field)
{
    return field && field->type == PROTOBUF_C_TYPE_BYTES && field->label == PROTOBUF_C_LABEL_NONE &&
           !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF);
}

bool sk_wire_find_bytes(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len, size_t least,
                        struct sk_wire_bytes *out_bytes)
{
    struct span in = {data, len};
    struct sk_wire_bytes found = {0};

    while (in.len) {
        size_t begin = len - in.len;
        struct field field;
        if (!read_field(&in, &field))
            return false;
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, field.id);
        if (!is_plain_bytes(known) || field.wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            continue;
        if (field.value.len >= least)
            found = (struct sk_wire_bytes){known, begin, len - in.len, field.value.at, field.value.len};
        else if (known == found.field)
            found.field = NULL; /* it is this one that counts */
    }
    if (found.field)
        *out_bytes = found;
    return found.field != NULL;
}
