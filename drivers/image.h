/* image.h: the contract of image drivers: from a name to something a root
 * file system can be made of.
 *
 * Threads: loop only. Every call answers through `done`, exactly once, never
 * inside the call, and answers within a few seconds of being cancelled even
 * when what lies behind it hangs. */
#ifndef SK_DRIVERS_IMAGE_H
#define SK_DRIVERS_IMAGE_H

#include "base/arena.h"
#include "loop/done.h"

/* What a sandbox needs to know of an image. Immutable. */
struct sk_image {
    struct sk_arena arena; /* holds everything below; the struct itself is on the heap */
    char *name;            /* normalised, e.g. "docker.io/library/python:3.11" */
    char *digest;          /* of the manifest, "sha256:…" */
    char *snapshot_parent; /* what sk_runtime prepares a root from (a chain id) */
    char **entrypoint;     /* NULL-terminated; these three are never NULL */
    char **cmd;
    char **env;        /* "K=V" */
    char *working_dir; /* never NULL; "" = / */
    char *user;        /* as the image says, e.g. "", "1000:1000", "app" */
    int stop_signal;   /* SIGTERM unless the image says otherwise */
};

struct sk_image_driver;

struct sk_image_ops {
    /* Makes the image usable on this node and describes it. *out_image is set
     * on success, before done fires, and is the caller's: sk_image_free.
     * Errors: SK_INVALID_ARGUMENT (not a valid reference), SK_NOT_FOUND (no
     * such image), SK_FAILED_PRECONDITION (not for this platform, not
     * unpacked), SK_UNAVAILABLE (what holds images does not answer). */
    void (*ensure)(struct sk_image_driver *driver, const char *reference, struct sk_image **out_image,
                   struct sk_done *done);
};

struct sk_image_driver {
    const struct sk_image_ops *ops;
};

static inline void sk_image_free(struct sk_image *image)
{
    if (!image)
        return;
    sk_arena_fini(&image->arena);
    free(image);
}

#endif
