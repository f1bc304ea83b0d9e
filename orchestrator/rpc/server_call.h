/* server_call.h: what the files of the server share: server.c listens, server_call.c
 * is a call's life, server_receive.c and server_send.c are its two directions. For this folder only. */
#ifndef SK_RPC_SERVER_CALL_H
#define SK_RPC_SERVER_CALL_H

#include "rpc/server.h"
#include "rpc/tls.h"

#include <grpc/grpc.h>

struct sk_server {
    struct sk_bridge *bridge;
    const struct sk_log *log;
    grpc_server *grpc;
    void (*on_call)(void *arg, struct sk_server_call *call);
    void *arg;
    int *ports; /* of the listeners, in order */
    size_t port_count;
    struct sk_tls_view *views; /* of the listeners; zeroed without TLS */
    size_t view_count;
    size_t calls;   /* awaited and under way */
    size_t answers; /* of these, finished by their handlers: the last words are on their way */
    struct sk_tag shutdown;
    bool closing;
    struct sk_timer patience; /* while closing, with the answers */
    bool cancels;             /* it is over */
    bool shut;                /* gRPC has let go of all listeners and connections */
    struct sk_done *on_shut;  /* NULL: nobody waits */
};

/* How the handler ends the call; kept until the send under way is over. */
struct sk_last_words {
    grpc_byte_buffer *message; /* may be NULL */
    grpc_status_code status;
    grpc_slice text;
    grpc_metadata trailer; /* value empty: none */
};

struct sk_server_call {
    struct sk_server *server;
    grpc_call *grpc;
    grpc_call_details details;
    grpc_metadata_array headers;
    struct sk_arena arena;
    const char *method, *peer; /* in the arena */
    struct sk_instant deadline;
    struct sk_server_call_events events;
    void *arg;

    struct sk_tag requested, closed, received, sent;
    grpc_byte_buffer *incoming;
    grpc_byte_buffer *early;  /* received before it was wanted */
    grpc_byte_buffer *outbox; /* waits for the send under way */
    uint8_t *gift;            /* sk_server_call_give's, for the next message; or NULL */
    size_t gift_len;
    struct sk_task early_turn, room_turn;
    struct sk_timer lingering;
    int gone;               /* set by gRPC: the client went away */
    grpc_metadata greeting; /* value empty: none */
    struct sk_last_words last;
    unsigned held;   /* batches and turns under way, and callbacks being run */
    unsigned wanted; /* messages in all */
    bool wants;      /* the handler waits for a message */
    bool receiving;
    bool half_closed; /* nothing more to receive */
    bool told_end;    /* the handler knows that */
    bool broken;      /* reset: on_cancel follows */
    bool sending;
    bool full;      /* the handler waits for on_sent */
    bool greeted;   /* initial metadata has been sent */
    bool cancelled; /* the handler knows */
    bool cut;       /* the handler believes so; the client is there */
    bool finished;  /* by the handler */
    bool by_proxy;  /* see sk_server_call_linger */
    bool lingers;   /* finished; the status waits for the client's half-close */
};

/* Asks gRPC for one more call. */
void sk_server_call_await(struct sk_server *server);
/* One call, or one answer, is less: a server that closes cancels the others when no answer is on its way, and
 * is freed when it is shut and has no calls left. */
void sk_server_settle(struct sk_server *server);

/* It lasts until all who hold it have released it and its handler has finished. */
void sk_server_call_hold(struct sk_server_call *call);
void sk_server_call_release(struct sk_server_call *call);
/* Starts operations; the call is held until `tag` has been handled and released. */
void sk_server_call_batch(struct sk_server_call *call, const grpc_op *ops, size_t count, struct sk_tag *tag);
/* For a call that is finished but for its status: waits until the client has closed its half, but not long,
 * then sends it. What the client still says is thrown away. */
void sk_server_call_linger(struct sk_server_call *call);
void sk_server_call_send_status(struct sk_server_call *call);
/* The handler may be called. */
static inline bool sk_server_call_listens(const struct sk_server_call *call)
{
    return !call->finished && !call->cancelled && !call->cut;
}

#endif
