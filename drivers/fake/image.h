/* image.h (fake): images in memory. Every new one knows python:3.11 and
 * alpine:3 of docker.io/library; names without a registry or tag are
 * completed as Docker does. */
#ifndef SK_FAKE_IMAGE_H
#define SK_FAKE_IMAGE_H

#include "drivers/fake/calls.h"
#include "drivers/image.h"

struct sk_fake_images;

/* Heap; one owner. */
struct sk_fake_images *sk_fake_images_new(struct sk_loop *loop);
/* NULL is fine. No call may be under way. */
void sk_fake_images_free(struct sk_fake_images *images);
struct sk_image_driver *sk_fake_images_base(struct sk_fake_images *images);
struct sk_fake_calls *sk_fake_images_calls(struct sk_fake_images *images);

/* Makes an image known; fields NULL or 0 = as in an empty image config. Strings are borrowed for good. */
struct sk_fake_image {
    const char *name; /* complete: registry/repository:tag */
    const char *const *entrypoint, *const *cmd, *const *env;
    const char *working_dir, *user;
    int stop_signal;
};
void sk_fake_images_add(struct sk_fake_images *images, const struct sk_fake_image *image);

#endif
