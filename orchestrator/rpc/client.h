/* client.h: calls to gRPC servers (containerd; our own daemon from the
 * command line), unary and server-streaming.
 *
 * Threads: loop only. */
#ifndef SK_RPC_CLIENT_H
#define SK_RPC_CLIENT_H

#include "base/arena.h"
#include "rpc/bridge.h"

#include <protobuf-c/protobuf-c.h>

struct sk_channel;

struct sk_channel_options {
    const char *target;    /* "unix:/path" or "host:port" */
    const char *authority; /* NULL = the target's */
    bool tls;
    const char *root_certificates; /* PEM; NULL = the system's */
    size_t max_receive_bytes;      /* 0 = 16 MiB */
    /* Sent with every call; NULL-name-terminated; copied. */
    const struct sk_header {
        const char *name, *value;
    } * headers;
};

/* Connects when the first call is made. Errors: SK_INVALID_ARGUMENT for a header that gRPC cannot carry. */
SK_MUST_CHECK enum sk_code sk_channel_new(struct sk_bridge *bridge, const struct sk_channel_options *options,
                                          struct sk_channel **out_channel, struct sk_err *err);
/* No call may be under way. NULL is fine. */
void sk_channel_free(struct sk_channel *channel);

/* What a failed call said beside code and text: grpc-status-details-bin. */
struct sk_call_failure {
    const uint8_t *details; /* packed google.rpc.Status; NULL = none */
    size_t details_len;
};

/* Of the call whose done or on_end is being run; borrowed until that returns. */
struct sk_call_failure sk_channel_failure(const struct sk_channel *channel);

/* One method. */
struct sk_method {
    const char *path; /* "/pkg.Service/Method" */
    const ProtobufCMessageDescriptor *response;
};

/* --- unary ------------------------------------------------------------------ */

/* Starts a call. The request is packed before this returns. When done fires
 * without error *out_response (if not NULL) is the answer, in `arena`.
 * timeout 0 = none (avoid). done can be cancelled; the call answers soon
 * after. The error is the status of the call: code and message. `headers` may be NULL. */
void sk_call_unary(struct sk_channel *channel, const struct sk_method *method,
                   const ProtobufCMessage *request, const struct sk_header *headers,
                   struct sk_duration timeout, struct sk_arena *arena, ProtobufCMessage **out_response,
                   struct sk_done *done);

/* --- streaming: bidirectional, which serves for the one-way forms too ------- */

struct sk_stream_call;

struct sk_stream_events {
    /* One message, in `arena` which is fresh for each and freed after the
     * callback. The next one is fetched after sk_stream_want. */
    void (*on_message)(void *arg, const ProtobufCMessage *message);
    /* The last sk_stream_send has been taken by the transport. */
    void (*on_sent)(void *arg);
    /* Over; err NULL = status OK. The last callback. Every message has been
     * delivered before an OK, so it does not come while one is not wanted. */
    void (*on_end)(void *arg, const struct sk_err *err);
};

/* Never NULL; what is wrong from the start comes by on_end too. */
struct sk_stream_call *sk_stream_open(struct sk_channel *channel, const struct sk_method *method,
                                      const struct sk_header *headers, struct sk_duration timeout,
                                      const struct sk_stream_events *events, void *arg);
void sk_stream_want(struct sk_stream_call *stream);
/* One at a time; on_sent follows. */
void sk_stream_send(struct sk_stream_call *stream, const ProtobufCMessage *message);
void sk_stream_half_close(struct sk_stream_call *stream);
void sk_stream_cancel(struct sk_stream_call *stream);
/* Cancels if need be; no callback afterwards; memory returns by itself. Owed for
 * every stream, after on_end too, and before its channel is freed. NULL is fine. */
void sk_stream_close(struct sk_stream_call *stream);

#endif
