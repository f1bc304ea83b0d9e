/* image_prepull.h: the images that the node fetches before anybody asks: one
 * after the other, and again with growing pauses as long as one fails. */
#ifndef SK_CORE_IMAGE_PREPULL_H
#define SK_CORE_IMAGE_PREPULL_H

#include "core/images.h"

struct sk_image_prepull {
    struct sk_images *images;
    struct sk_arena arena;
    struct sk_prepull_item *items;
    size_t count, at; /* at: the one being fetched */
    bool busy, started;
    bool is_stale; /* the list has changed since */
    struct sk_image_wait wait;
    struct sk_done done;
    struct sk_image *image;
    struct sk_timer again;
    struct sk_duration pause;
};

void sk_image_prepull_init(struct sk_image_prepull *prepull, struct sk_images *images);
/* Stopped first. */
void sk_image_prepull_fini(struct sk_image_prepull *prepull);
void sk_image_prepull_start(struct sk_image_prepull *prepull);
void sk_image_prepull_stop(struct sk_image_prepull *prepull);
/* The config has another list: gone through from its beginning. */
void sk_image_prepull_renew(struct sk_image_prepull *prepull);
/* Whether the name, normalised, is on the list. */
bool sk_image_prepull_has(const struct sk_image_prepull *prepull, const char *name);

#endif
