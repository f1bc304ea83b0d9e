/* call.h: plain blocking gRPC calls, so that what is measured is the server
 * and the transport, not a client library. One thread, one call at a time. */
#ifndef SK_BENCH_CALL_H
#define SK_BENCH_CALL_H

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct caller {
    grpc_channel *channel;
    grpc_completion_queue *queue; /* plucked */
    grpc_metadata header;         /* sent with every call */
};

/* An answer's bytes; free with answer_fini. */
struct answer {
    uint8_t *data;
    size_t len;
};

/* target: "unix:/path" or "host:port". The strings must outlive the caller. */
void caller_init(struct caller *caller, const char *target, const char *header, const char *value);
void caller_fini(struct caller *caller);

/* A new call, to be unreffed, and one batch of it run to its end; false when it failed. */
grpc_call *caller_begin(struct caller *caller, const char *path);
bool caller_batch(struct caller *caller, grpc_call *call, const grpc_op *ops, size_t count);

/* One unary call; the status code. Nothing is copied: the request stays the caller's, and so does the answer,
 * NULL if there is none. */
grpc_status_code caller_exchange(struct caller *caller, const char *path, grpc_slice request,
                                 grpc_byte_buffer **out_answer);
/* The same with bytes. out_answer may be NULL. */
grpc_status_code caller_unary(struct caller *caller, const char *path, const void *request, size_t len,
                              struct answer *out_answer);
/* The same with a message; stops the program when the call fails. */
ProtobufCMessage *caller_must(struct caller *caller, const char *path, const ProtobufCMessage *request,
                              const ProtobufCMessageDescriptor *type);
/* A message's bytes; free with answer_fini. */
struct answer packed(const ProtobufCMessage *message);
void answer_copy(grpc_byte_buffer *from, struct answer *out_answer);
void answer_fini(struct answer *answer);

#endif
