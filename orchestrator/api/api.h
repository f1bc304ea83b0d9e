/* api.h: the RPC surface: who may call, which methods exist, and one adapter
 * a verb that decodes, validates, calls core/ and encodes.
 *
 * Threads: loop only. */
#ifndef SK_API_API_H
#define SK_API_API_H

#include "api/reloader.h"
#include "core/node.h"
#include "identity/guests.h"
#include "identity/keys.h"
#include "rpc/server.h"

struct sk_api;
struct sk_fleet;

/* Heap; one owner. What it is given is borrowed and must outlive it. */
struct sk_api *sk_api_new(struct sk_node *node, const struct sk_log *log, struct sk_keys *keys);
/* Whether clients may ask what services there are; they may until this says otherwise. */
void sk_api_set_reflection(struct sk_api *api, bool reflects);
/* The other nodes; borrowed, for as long as calls come. NULL = there are none. */
void sk_api_set_fleet(struct sk_api *api, struct sk_fleet *fleet);
/* Whom NodeService.Reload asks; before the first call. */
void sk_api_set_reloader(struct sk_api *api, struct sk_reloader reloader);
/* Keys that are unknown here are asked for there; NULL = nowhere. Before the first call. */
void sk_api_set_guests(struct sk_api *api, struct sk_guests *guests);
/* Only after the servers that feed it have closed. NULL is fine. */
void sk_api_free(struct sk_api *api);

/* Where a call comes in. */
struct sk_door {
    struct sk_api *api;
    bool is_admin; /* whoever comes in here is an admin */
    bool is_far;   /* others than this machine reach it: there is no way in without a key */
};

/* For sk_server_options: .on_call = sk_api_on_call, .arg = a door, which outlives the server. */
void sk_api_on_call(void *door, struct sk_server_call *rpc);

/* Whether callers need keys: there has been one, or somebody else knows some. */
bool sk_api_needs_keys(const struct sk_api *api);
/* fn is told when that becomes so; NULL = nobody. */
void sk_api_on_first_key(struct sk_api *api, void (*fn)(void *arg), void *arg);

#endif
