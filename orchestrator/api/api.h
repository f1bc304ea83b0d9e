/* api.h: the RPC surface: who may call, which methods exist, and one adapter
 * a verb that decodes, validates, calls core/ and encodes.
 *
 * Threads: loop only. */
#ifndef SK_API_API_H
#define SK_API_API_H

#include "core/node.h"
#include "rpc/server.h"

struct sk_api;

/* Heap; one owner. `node` and `log` are borrowed and must outlive it.
 * api_keys: NULL-terminated, copied as digests; NULL or empty = everyone may call. */
struct sk_api *sk_api_new(struct sk_node *node, const struct sk_log *log, const char *const *api_keys);
/* Only after the server that feeds it has closed. NULL is fine. */
void sk_api_free(struct sk_api *api);

/* For sk_server_options: .on_call = sk_api_on_call, .arg = the api. */
void sk_api_on_call(void *api, struct sk_server_call *rpc);

#endif
