/* server_call.h: what server.c and server_call.c share. For this folder only. */
#ifndef SK_RPC_SERVER_CALL_H
#define SK_RPC_SERVER_CALL_H

#include "rpc/server.h"

struct sk_server {
    struct sk_bridge *bridge;
    const struct sk_log *log;
    grpc_server *grpc;
    void (*on_call)(void *arg, struct sk_server_call *call);
    void *arg;
    int *ports; /* of the listeners, in order */
    size_t port_count;
    size_t calls; /* awaited and under way */
    struct sk_tag shutdown;
    bool closing;
    bool shut;               /* gRPC has let go of all listeners and connections */
    struct sk_done *on_shut; /* NULL: nobody waits */
};

/* Asks gRPC for one more call. */
void sk_server_call_await(struct sk_server *server);
/* Frees the server when it is shut and has no calls left. */
void sk_server_settle(struct sk_server *server);

#endif
