/* image.h (fake): images in memory, on the node and in registries. Every new
 * one has python:3.11 and alpine:3 of docker.io/library on the node; nothing
 * else can be pulled unless a test puts it into a registry. */
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
/* Calls are named as in the contract: "image.find", "image.pull". */
struct sk_fake_calls *sk_fake_images_calls(struct sk_fake_images *images);

/* An image; fields NULL or 0 = as in an empty image config. Copied. */
struct sk_fake_image {
    const char *name; /* complete: registry/repository:tag */
    const char *const *entrypoint, *const *cmd, *const *env;
    const char *working_dir, *user;
    int stop_signal;
    int64_t bytes;                   /* unpacked; fetched as half as many */
    unsigned layers;                 /* of a remote one; 0 = 1 */
    const char *username, *password; /* who a registry shows it to; NULL = anybody */
    int revision;                    /* another one has another digest */
};

/* On the node, replacing one of that name. */
void sk_fake_images_add(struct sk_fake_images *images, const struct sk_fake_image *image);
/* In its registry, replacing one of that name. */
void sk_fake_images_publish(struct sk_fake_images *images, const struct sk_fake_image *image);
/* No registry answers any more. */
void sk_fake_images_cut(struct sk_fake_images *images, bool cut);
/* How long each layer takes to be fetched; 0 at first. */
void sk_fake_images_pace(struct sk_fake_images *images, struct sk_duration layer);
/* Of the disk: `other` is used by something else; images take their bytes. 100 GiB, 0 at first. */
void sk_fake_images_set_disk(struct sk_fake_images *images, int64_t total, int64_t other);
/* What a daemon that was killed has left. */
void sk_fake_images_litter(struct sk_fake_images *images, const char *kind, const char *name);

/* What tests look at. */
bool sk_fake_images_has(const struct sk_fake_images *images, const char *name);
int64_t sk_fake_images_used_s(const struct sk_fake_images *images, const char *name);
void sk_fake_images_set_used_s(struct sk_fake_images *images, const char *name, int64_t used_s);
/* Pulls that a registry was asked for, and those under way. */
size_t sk_fake_images_pulls(const struct sk_fake_images *images);
size_t sk_fake_images_pulling(const struct sk_fake_images *images);
size_t sk_fake_images_litter_count(const struct sk_fake_images *images);

#endif
