/* image_keep.h: which images go: those that no sandbox has used for long,
 * and, while the disk that images lie on is too full, the least recently used
 * ones. Never one that is in use, pinned, on the pre-pull list, or being
 * pulled.
 *
 * An image is in use from the create that names it until its sandbox is over;
 * its last use is the latest of what this daemon has seen, what the driver
 * remembers, and its arrival. */
#ifndef SK_CORE_IMAGE_KEEP_H
#define SK_CORE_IMAGE_KEEP_H

#include "drivers/image.h"

struct sk_images;

struct sk_image_keep {
    struct sk_images *images;
    struct sk_timer timer; /* the next round */
    bool busy;             /* a round is under way */
    bool started;
    bool draining;  /* above the high mark, and not yet at the low one */
    bool told_full; /* … and nothing is left to go: was logged */
    struct sk_done done;
    struct sk_image_rows rows;
    struct sk_keep_item *items; /* that may go, in the order in which they do */
    size_t count, at;
    struct sk_disk_room disk;
};

void sk_image_keep_init(struct sk_image_keep *keep, struct sk_images *images);
/* Stopped first. */
void sk_image_keep_fini(struct sk_image_keep *keep);
/* Looks now, and again and again. */
void sk_image_keep_start(struct sk_image_keep *keep);
void sk_image_keep_stop(struct sk_image_keep *keep);
/* The disk may have become full: looks in a few seconds. */
void sk_image_keep_soon(struct sk_image_keep *keep);

#endif
