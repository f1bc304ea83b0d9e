/* images.h: the image contract (drivers/image.h) over an image store and the
 * registries: what is looked up, pulled, imported, removed. One blob is
 * fetched once however many pulls want it, one layer unpacked once; layers
 * are unpacked while later ones still come. Threads: loop only. */
#ifndef SK_IMAGES_IMAGES_H
#define SK_IMAGES_IMAGES_H

#include "drivers/content.h"
#include "drivers/image.h"

struct sk_registry;
struct sk_images_driver;

struct sk_images_options {
    struct sk_loop *loop;     /* borrowed, all four */
    const struct sk_log *log; /* may be NULL */
    struct sk_content *content;
    struct sk_registry *registry;
    const char *machine;     /* as uname(2) says; copied */
    unsigned layers_at_once; /* of one image */
    bool transfer;           /* pulls are the store's own business: only for one that has `transfer` */
};

/* Heap; one owner. */
struct sk_images_driver *sk_images_driver_new(const struct sk_images_options *options);
struct sk_image_driver *sk_images_driver_base(struct sk_images_driver *driver);
/* Calls under way must have been answered. Waits for what goes on behind them, frees, then fires. */
void sk_images_driver_close(struct sk_images_driver *driver_take, struct sk_done *done);

#endif
