/* common.h: what both ends of gRPC calls, server and client, agree on. For
 * this folder only. */
#ifndef SK_RPC_COMMON_H
#define SK_RPC_COMMON_H

#include <grpc/grpc.h>

/* All headers of a call together. */
#define SK_RPC_HEADERS_MAX (64 * 1024)

/* The trailer that carries a packed google.rpc.Status. */
#define SK_RPC_DETAILS_KEY "grpc-status-details-bin"

/* The key is borrowed; gRPC does not write to it. */
static inline grpc_arg sk_rpc_int_arg(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

#endif
