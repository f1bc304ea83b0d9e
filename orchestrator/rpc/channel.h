/* channel.h: what unary.c and stream.c share: the channel, a call on it, and
 * how a call ended. For this folder only. */
#ifndef SK_RPC_CHANNEL_H
#define SK_RPC_CHANNEL_H

#include "rpc/client.h"

struct sk_channel {
    struct sk_bridge *bridge;
    grpc_channel *grpc;
    grpc_metadata *headers; /* owned, slices too */
    size_t header_count;
    size_t calls; /* that may still report */
    struct sk_call_failure failure;
};

/* Request headers of one call: the channel's and its own. */
struct sk_call_headers {
    grpc_metadata *items; /* owned, slices too */
    size_t count;
};

/* Errors: SK_INVALID_ARGUMENT for one that gRPC cannot carry. `own` may be NULL. */
SK_MUST_CHECK enum sk_code sk_call_headers_init(struct sk_call_headers *headers,
                                                const struct sk_channel *channel, const struct sk_header *own,
                                                struct sk_err *err);
void sk_call_headers_fini(struct sk_call_headers *headers);

/* A new call; the caller unrefs it. timeout 0 = none. */
grpc_call *sk_channel_call(struct sk_channel *channel, const char *path, struct sk_duration timeout);

/* What the server said at the end. */
struct sk_call_end {
    grpc_metadata_array initial; /* received and ignored */
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice text;
};

void sk_call_end_init(struct sk_call_end *end);
void sk_call_end_fini(struct sk_call_end *end);
/* SK_OK, or the status as an error. */
SK_MUST_CHECK enum sk_code sk_call_end_code(const struct sk_call_end *end, struct sk_err *err);
struct sk_call_failure sk_call_end_failure(const struct sk_call_end *end);

#endif
