/* message.h: gRPC byte buffers to protobuf-c messages and back. */
#ifndef SK_RPC_MESSAGE_H
#define SK_RPC_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"

#include <grpc/byte_buffer.h>
#include <protobuf-c/protobuf-c.h>

/* Unpacks into the arena: the message and all it points to live as long as
 * the arena. Rejects strings with bytes that are not UTF-8 (protobuf-c does
 * not check; gRPC clients refuse a whole message for one). An embedded NUL in a string is
 * rejected too. Errors: SK_INVALID_ARGUMENT (SK_DATA_LOSS never: the peer's bytes are the peer's). */
SK_MUST_CHECK enum sk_code sk_message_unpack(struct sk_arena *arena, const ProtobufCMessageDescriptor *type,
                                             grpc_byte_buffer *bytes, ProtobufCMessage **out_message,
                                             struct sk_err *err);

/* A new byte buffer, one slice; free with grpc_byte_buffer_destroy. */
grpc_byte_buffer *sk_message_pack(const ProtobufCMessage *message);
/* The same for a message of which one field of bytes, wherever it is, is all of data_take: if that is big it
 * is not copied, but becomes a slice of the buffer. In any case it is free()d by us. */
grpc_byte_buffer *sk_message_pack_taking(const ProtobufCMessage *message, uint8_t *data_take, size_t len);

#endif
