/* map.h: intrusive hash map from strings to structs.
 *
 * The node is a field of the struct that is found; the key stays the
 * caller's and must live as long as the node is in the map. Keys are hashed
 * with SipHash under a random seed, since clients choose some of them. */
#ifndef SK_BASE_MAP_H
#define SK_BASE_MAP_H

#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

struct sk_map_node {
    struct sk_map_node *next;
    const char *key; /* NULL = in no map */
    uint64_t hash;
};

struct sk_map {
    struct sk_map_node **slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t len;
    uint64_t seed[2];
};

void sk_map_init(struct sk_map *map);
/* Frees the table, not the members; the map must be empty. */
void sk_map_fini(struct sk_map *map);
/* The member with that key, or NULL; borrowed. */
struct sk_map_node *sk_map_find(const struct sk_map *map, const char *key);
/* The key must not be in the map yet. */
void sk_map_add(struct sk_map *map, struct sk_map_node *node, const char *key);
/* Harmless on a node that is in no map. */
void sk_map_remove(struct sk_map *map, struct sk_map_node *node);
/* Any member, or NULL when empty; for teardown loops. */
struct sk_map_node *sk_map_any(const struct sk_map *map);

#define sk_map_entry(node, type, field) sk_container_of(node, type, field)

#endif
