#include "drivers/images/cache.h"

#include <string.h>

struct entry {
    struct sk_map_node node; /* key: image->name */
    struct sk_image *image;  /* owned */
    char *target;            /* owned */
};

static struct entry *find(const struct sk_image_cache *cache, const char *name)
{
    struct sk_map_node *node = sk_map_find(&cache->entries, name);
    return node ? sk_map_entry(node, struct entry, node) : NULL;
}

static void drop(struct sk_image_cache *cache, struct entry *entry)
{
    sk_map_remove(&cache->entries, &entry->node);
    sk_image_free(entry->image);
    free(entry->target);
    free(entry);
}

void sk_image_cache_init(struct sk_image_cache *cache)
{
    sk_map_init(&cache->entries);
}

void sk_image_cache_fini(struct sk_image_cache *cache)
{
    struct sk_map_node *node;
    while ((node = sk_map_any(&cache->entries)))
        drop(cache, sk_map_entry(node, struct entry, node));
    sk_map_fini(&cache->entries);
}

struct sk_image *sk_image_cache_get(const struct sk_image_cache *cache, const char *name, const char *target,
                                    const char *puller)
{
    const struct entry *entry = find(cache, name);

    if (!entry || strcmp(entry->target, target) != 0)
        return NULL;
    struct sk_image *image = sk_image_copy(entry->image);
    image->puller = sk_arena_strdup(&image->arena, puller);
    return image;
}

void sk_image_cache_put(struct sk_image_cache *cache, const char *target, const struct sk_image *image)
{
    struct entry *old = find(cache, image->name);
    if (old)
        drop(cache, old);
    else if (cache->entries.len >= SK_IMAGE_CACHE_MAX)
        drop(cache, sk_map_entry(sk_map_any(&cache->entries), struct entry, node));
    struct entry *entry = sk_alloc(sizeof(*entry));
    entry->image = sk_image_copy(image);
    entry->target = sk_strdup(target);
    sk_map_add(&cache->entries, &entry->node, entry->image->name);
}
