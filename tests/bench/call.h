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

/* One unary call; the status code. out_answer may be NULL. */
grpc_status_code caller_unary(struct caller *caller, const char *path, const void *request, size_t len,
                              struct answer *out_answer);
/* The same with a message; stops the program when the call fails. */
ProtobufCMessage *caller_must(struct caller *caller, const char *path, const ProtobufCMessage *request,
                              const ProtobufCMessageDescriptor *type);
/* A bidirectional call as the Python SDK makes it: one message, half-close,
 * then everything until the status. The number of messages received. */
int caller_stream(struct caller *caller, const char *path, const ProtobufCMessage *request);

void answer_fini(struct answer *answer);

#endif
