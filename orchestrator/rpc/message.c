#include "rpc/message.h"

#include "rpc/wire_check.h"

#include <assert.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <string.h>

/* From here on a field of bytes is worth more than the care it takes not to copy it, coming and going. */
#define BIG      ((size_t)256 * 1024)
#define BIG_SENT ((size_t)8 * 1024)

static void slice_fini(grpc_slice *slice)
{
    grpc_slice_unref(*slice);
}

/* The bytes in one piece; copied only when they came in several. */
static grpc_slice contiguous(grpc_byte_buffer *bytes)
{
    const grpc_slice_buffer *slices = &bytes->data.raw.slice_buffer;
    grpc_byte_buffer_reader reader;

    if (slices->count == 0)
        return grpc_empty_slice();
    if (slices->count == 1)
        return grpc_slice_ref(slices->slices[0]);
    int readable = grpc_byte_buffer_reader_init(&reader, bytes);
    assert(readable);
    (void)readable;
    grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return all;
}

static ProtobufCMessage *unpack_all(struct sk_arena *arena, const ProtobufCMessageDescriptor *type,
                                    const uint8_t *data, size_t len)
{
    ProtobufCAllocator allocator = {sk_arena_hook_alloc, sk_arena_hook_free, arena};

    return protobuf_c_message_unpack(type, &allocator, len, data);
}

/* Leaves the field where it is, in the arena: protobuf-c gets to see the rest, and would copy it. */
static ProtobufCMessage *unpack_around(struct sk_arena *arena, const ProtobufCMessageDescriptor *type,
                                       uint8_t *data, size_t len, const struct sk_wire_bytes *big)
{
    size_t rest_len = len - (big->end - big->begin);
    uint8_t *rest = sk_arena_alloc(arena, rest_len + 1);

    memcpy(rest, data, big->begin);
    memcpy(rest + big->begin, data + big->end, len - big->end);
    ProtobufCMessage *message = unpack_all(arena, type, rest, rest_len);
    if (message)
        *(ProtobufCBinaryData *)(void *)((char *)message + big->field->offset) =
            (ProtobufCBinaryData){.len = big->len, .data = data + (big->data - data)};
    return message;
}

/* The bytes in one piece in the arena. */
static uint8_t *copy_of(struct sk_arena *arena, const grpc_byte_buffer *bytes, size_t len)
{
    const grpc_slice_buffer *slices = &bytes->data.raw.slice_buffer;
    uint8_t *data = sk_arena_alloc(arena, len);
    size_t at = 0;

    for (size_t i = 0; i < slices->count; i++) {
        memcpy(data + at, GRPC_SLICE_START_PTR(slices->slices[i]), GRPC_SLICE_LENGTH(slices->slices[i]));
        at += GRPC_SLICE_LENGTH(slices->slices[i]);
    }
    return data;
}

static enum sk_code not_a_message(const ProtobufCMessageDescriptor *type, struct sk_err *err)
{
    return sk_fail(err, SK_INVALID_ARGUMENT, "the bytes are not a %s", type->short_name);
}

/* One copy out of gRPC's pieces, and none after it. */
static enum sk_code unpack_big(struct sk_arena *arena, const ProtobufCMessageDescriptor *type,
                               const grpc_byte_buffer *bytes, ProtobufCMessage **out_message,
                               struct sk_err *err)
{
    size_t len = bytes->data.raw.slice_buffer.length;
    uint8_t *data = copy_of(arena, bytes, len);
    struct sk_wire_bytes big;
    enum sk_code code = sk_wire_check(type, data, len, err);

    if (code)
        return code;
    ProtobufCMessage *message = sk_wire_find_bytes(type, data, len, BIG, &big)
                                    ? unpack_around(arena, type, data, len, &big)
                                    : unpack_all(arena, type, data, len);
    if (!message)
        return not_a_message(type, err);
    *out_message = message;
    return SK_OK;
}

enum sk_code sk_message_unpack(struct sk_arena *arena, const ProtobufCMessageDescriptor *type,
                               grpc_byte_buffer *bytes, ProtobufCMessage **out_message, struct sk_err *err)
{
    /* Never inflated: a small message must not become a big one. */
    if (bytes->type != GRPC_BB_RAW || bytes->data.raw.compression != GRPC_COMPRESS_NONE)
        return sk_fail(err, SK_INVALID_ARGUMENT, "compressed messages are not supported");
    if (bytes->data.raw.slice_buffer.length >= BIG)
        return unpack_big(arena, type, bytes, out_message, err);
    SK_CLEANUP(slice_fini) grpc_slice slice = contiguous(bytes);
    const uint8_t *data = GRPC_SLICE_START_PTR(slice);
    size_t len = GRPC_SLICE_LENGTH(slice);
    enum sk_code code = sk_wire_check(type, data, len, err);
    if (code)
        return code;
    ProtobufCMessage *message = unpack_all(arena, type, data, len);
    if (!message)
        return not_a_message(type, err);
    *out_message = message;
    return SK_OK;
}

grpc_byte_buffer *sk_message_pack(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));

    (void)protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return bytes;
}

/* Packs all but one field of bytes, and notes where that belongs. */
struct around {
    ProtobufCBuffer base;
    const uint8_t *left_out;
    uint8_t *to;
    size_t len, place;
    bool met;
};

static void append(ProtobufCBuffer *base, size_t len, const uint8_t *data)
{
    struct around *around = sk_container_of(base, struct around, base);

    if (data == around->left_out) {
        around->place = around->len;
        around->met = true;
        return;
    }
    memcpy(around->to + around->len, data, len);
    around->len += len;
}

grpc_byte_buffer *sk_message_pack_taking(const ProtobufCMessage *message, uint8_t *data_take, size_t len)
{
    if (len < BIG_SENT) {
        grpc_byte_buffer *whole = sk_message_pack(message);
        free(data_take);
        return whole;
    }
    grpc_slice rest = grpc_slice_malloc(protobuf_c_message_get_packed_size(message) - len);
    struct around around = {.base = {append}, .left_out = data_take, .to = GRPC_SLICE_START_PTR(rest)};
    (void)protobuf_c_message_pack_to_buffer(message, &around.base);
    assert(around.met && around.len == GRPC_SLICE_LENGTH(rest));
    grpc_slice slices[] = {grpc_slice_sub(rest, 0, around.place), grpc_slice_new(data_take, len, free),
                           grpc_slice_sub(rest, around.place, around.len)};
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(slices, sk_array_len(slices));
    for (size_t i = 0; i < sk_array_len(slices); i++)
        grpc_slice_unref(slices[i]);
    grpc_slice_unref(rest);
    return bytes;
}
