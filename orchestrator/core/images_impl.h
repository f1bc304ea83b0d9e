/* images_impl.h: the inside of struct sk_images, for core/image*.c alone. */
#ifndef SK_CORE_IMAGES_IMPL_H
#define SK_CORE_IMAGES_IMPL_H

#include "core/image_keep.h"
#include "core/image_prepull.h"
#include "core/image_uses.h"
#include "core/images.h"
#include "core/node_impl.h"

/* One run of a pull, for all who wait for it; the `user` of its flight. */
struct sk_pull {
    struct sk_list link; /* images->pulls */
    struct sk_images *images;
    struct sk_done done;
    struct sk_done *run; /* the flight's */
    struct sk_instant began;
    struct sk_timer limit;
    struct sk_err why; /* it was cancelled; code SK_OK = it was not */
    struct sk_image *image;
    struct sk_image_progress progress;
    char name[SK_REFERENCE_MAX];
    char puller[SK_DIGEST_SIZE];
};

/* A name that is being removed. */
struct sk_image_removal {
    struct sk_list link; /* images->removals */
    struct sk_images *images;
    struct sk_done inner;
    struct sk_done *done;
    struct sk_image_rows row;
    struct sk_list parked; /* struct sk_image_wait: came meanwhile */
    bool begun;            /* by the driver: it may be gone already */
    char name[SK_REFERENCE_MAX];
};

struct sk_images {
    struct sk_node *node;
    struct sk_image_driver *driver;
    struct sk_arena arena; /* of the config */
    struct sk_images_config config;
    struct sk_flights flights;
    struct sk_list pulls;
    struct sk_list removals;
    const struct sk_pull *landing; /* has just ended: those who wait for it are being told */
    struct sk_map grants;          /* struct grant: who was shown what by a registry */
    struct sk_image_uses uses;
    struct sk_image_prepull prepull;
    struct sk_image_keep keep;
};

/* --- pulls (image_pull.c) --- */

/* Joins the pull of the waiter's name and login, or starts it; `inner` of the waiter fires. */
void sk_pull_join(struct sk_images *images, struct sk_image_wait *wait);
/* Whether any pull of this name is under way. */
bool sk_pull_is_under_way(const struct sk_images *images, const char *name);
/* Every one ends with that error. */
void sk_pulls_cancel(struct sk_images *images, const struct sk_err *why);
/* Whether the registry has shown this image to that login, or it is anybody's. */
bool sk_pull_may_use(const struct sk_images *images, const struct sk_image *image, const char *puller);
void sk_pull_forget_grants(struct sk_images *images);

/* --- removals (images_remove.c) --- */

/* Waits for the end of the name's removal, if there is one: sk_image_wait_resume is called then. */
bool sk_removal_park(struct sk_images *images, struct sk_image_wait *wait);
void sk_image_wait_resume(struct sk_image_wait *wait);
void sk_removals_cancel(struct sk_images *images);

#endif
