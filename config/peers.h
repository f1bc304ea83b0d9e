/* peers.h: the other nodes of a fleet in the configuration: an object of URLs
 * by node id: {"node2": "http://192.0.2.2:7463"}.
 *
 * Pure; what is read lives in the arena. */
#ifndef SK_CONFIG_PEERS_H
#define SK_CONFIG_PEERS_H

#include "config/faults.h"
#include "config/json.h"

struct sk_peer_setting {
    const char *id;  /* a node's */
    const char *url; /* what url.h takes, without a path */
};

struct sk_peer_settings {
    struct sk_peer_setting *items;
    size_t len;
};

/* Writes *out, or adds faults (below `key`) and leaves it alone. */
void sk_peers_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                   struct sk_peer_settings *out, struct sk_faults *faults);

#endif
