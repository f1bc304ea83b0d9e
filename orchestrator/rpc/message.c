#include "rpc/message.h"

#include "rpc/wire_check.h"

#include <assert.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>

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

enum sk_code sk_message_unpack(struct sk_arena *arena, const ProtobufCMessageDescriptor *type,
                               grpc_byte_buffer *bytes, ProtobufCMessage **out_message, struct sk_err *err)
{
    ProtobufCAllocator allocator = {sk_arena_hook_alloc, sk_arena_hook_free, arena};

    /* Never inflated: a small message must not become a big one. */
    if (bytes->type != GRPC_BB_RAW || bytes->data.raw.compression != GRPC_COMPRESS_NONE)
        return sk_fail(err, SK_INVALID_ARGUMENT, "compressed messages are not supported");
    SK_CLEANUP(slice_fini) grpc_slice slice = contiguous(bytes);
    const uint8_t *data = GRPC_SLICE_START_PTR(slice);
    size_t len = GRPC_SLICE_LENGTH(slice);
    enum sk_code code = sk_wire_check(type, data, len, err);
    if (code)
        return code;
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, len, data);
    if (!message)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the bytes are not a %s", type->short_name);
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
