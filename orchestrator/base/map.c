#include "base/map.h"
#include "base/random.h"
#include "base/siphash.h"

#include <assert.h>
#include <string.h>

enum { FIRST_SLOTS = 16 };

void sk_map_init(struct sk_map *map)
{
    *map = (struct sk_map){0};
    sk_random(map->seed, sizeof(map->seed));
}

void sk_map_fini(struct sk_map *map)
{
    assert(map->len == 0);
    free(map->slots);
    map->slots = NULL;
    map->slot_count = 0;
}

static struct sk_map_node **slot_of(const struct sk_map *map, uint64_t hash)
{
    return &map->slots[hash & (map->slot_count - 1)];
}

struct sk_map_node *sk_map_find(const struct sk_map *map, const char *key)
{
    if (map->len == 0)
        return NULL;
    uint64_t hash = sk_siphash(map->seed, key, strlen(key));
    struct sk_map_node *node = *slot_of(map, hash);
    while (node && (node->hash != hash || strcmp(node->key, key) != 0))
        node = node->next;
    return node;
}

static void put(struct sk_map *map, struct sk_map_node *node)
{
    struct sk_map_node **slot = slot_of(map, node->hash);
    node->next = *slot;
    *slot = node;
}

static void grow(struct sk_map *map)
{
    struct sk_map old = *map;
    map->slot_count = old.slot_count ? old.slot_count * 2 : FIRST_SLOTS;
    map->slots = sk_alloc(map->slot_count * sizeof(struct sk_map_node *));
    for (size_t i = 0; i < old.slot_count; i++) {
        while (old.slots[i]) {
            struct sk_map_node *node = old.slots[i];
            old.slots[i] = node->next;
            put(map, node);
        }
    }
    free(old.slots);
}

void sk_map_add(struct sk_map *map, struct sk_map_node *node, const char *key)
{
    assert(map->seed[0] | map->seed[1]); /* sk_map_init was called */
    assert(!node->key && !sk_map_find(map, key));
    if (map->len >= map->slot_count)
        grow(map);
    node->key = key;
    node->hash = sk_siphash(map->seed, key, strlen(key));
    put(map, node);
    map->len++;
}

void sk_map_remove(struct sk_map *map, struct sk_map_node *node)
{
    if (!node->key)
        return;
    struct sk_map_node **link = slot_of(map, node->hash);
    while (*link && *link != node)
        link = &(*link)->next;
    assert(*link); /* the node is in this map, not in another */
    *link = node->next;
    *node = (struct sk_map_node){0};
    map->len--;
}

struct sk_map_node *sk_map_any(const struct sk_map *map)
{
    if (map->len == 0)
        return NULL;
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slots[i])
            return map->slots[i];
    }
    return NULL;
}
