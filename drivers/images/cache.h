/* cache.h: descriptions of images that were looked up before. What a
 * name points to may change, so an entry counts only for the digest it was
 * made from. Pure. */
#ifndef SK_IMAGES_CACHE_H
#define SK_IMAGES_CACHE_H

#include "base/map.h"
#include "drivers/image.h"

#define SK_IMAGE_CACHE_MAX 256 /* entries; then any one makes room */

struct sk_image_cache {
    struct sk_map entries; /* by name */
};

void sk_image_cache_init(struct sk_image_cache *cache);
void sk_image_cache_fini(struct sk_image_cache *cache);
/* A copy, the caller's, of what `name` was when it pointed to `target`; NULL if unknown. The puller is the
 * name's and may change: it is not remembered, but what the copy gets. */
struct sk_image *sk_image_cache_get(const struct sk_image_cache *cache, const char *name, const char *target,
                                    const char *puller);
/* Remembers a copy, all but the puller. */
void sk_image_cache_put(struct sk_image_cache *cache, const char *target, const struct sk_image *image);

#endif
