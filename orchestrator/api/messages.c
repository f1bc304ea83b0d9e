#include "api/messages.h"

void *sk_pb_new(struct sk_arena *arena, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = sk_arena_alloc(arena, type->sizeof_message);
    protobuf_c_message_init(type, message);
    return message;
}

void *sk_pb_unpack(struct sk_arena *arena, const ProtobufCMessageDescriptor *type, const uint8_t *data,
                   size_t len)
{
    ProtobufCAllocator in_arena = {
        .alloc = sk_arena_hook_alloc, .free = sk_arena_hook_free, .allocator_data = arena};
    return protobuf_c_message_unpack(type, &in_arena, len, data);
}

uint8_t *sk_pb_pack(struct sk_arena *arena, const ProtobufCMessage *message, size_t *out_len)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *data = sk_arena_alloc(arena, len ? len : 1);
    *out_len = protobuf_c_message_pack(message, data);
    return data;
}

const char **sk_pb_strings(struct sk_arena *arena, char *const *items, size_t count)
{
    const char **out = sk_arena_alloc(arena, (count + 1) * sizeof(out[0]));
    for (size_t i = 0; i < count; i++)
        out[i] = sk_arena_strdup(arena, items[i]);
    return out;
}
