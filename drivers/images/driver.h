/* driver.h: what the files of the images driver share. */
#ifndef SK_IMAGES_DRIVER_H
#define SK_IMAGES_DRIVER_H

#include "base/log.h"
#include "base/map.h"
#include "drivers/images/cache.h"
#include "drivers/images/images.h"
#include "loop/flight.h"

struct sk_images_driver {
    struct sk_image_driver base;
    struct sk_loop *loop;     /* borrowed, this and the next three */
    const struct sk_log *log; /* may be NULL */
    struct sk_content *content;
    struct sk_registry *registry;
    char *architecture; /* owned; as Go names it */
    unsigned layers_at_once;
    bool transfer;
    struct sk_image_cache cache;
    struct sk_flights blobs;   /* fetches under way, by digest */
    struct sk_flights unpacks; /* layers being unpacked, by chain id */
    struct sk_map aheads;      /* those unpacked before their turn, by chain id (aheads.h) */
    struct sk_map leases;      /* struct sk_lease, by id */
    struct sk_list owed;       /* those that the store is still to let go of */
    size_t under_way;          /* what goes on behind the calls */
    struct sk_done *closing;
};

static inline struct sk_images_driver *sk_images_driver_of(struct sk_image_driver *base)
{
    return sk_container_of(base, struct sk_images_driver, base);
}

/* Something that the driver must outlive begins and ends. The end may free the driver. */
void sk_images_driver_hold(struct sk_images_driver *driver);
void sk_images_driver_leave(struct sk_images_driver *driver);

/* The operations, by file. lookup.c */
void sk_images_find(struct sk_image_driver *base, const char *name, struct sk_image **out_image,
                    struct sk_done *done);
/* pull.c */
void sk_images_pull_image(struct sk_image_driver *base, const struct sk_image_pull *pull,
                          struct sk_image **out_image, struct sk_done *done);
/* transfer.c: the same, by the store itself */
void sk_images_transfer_image(struct sk_images_driver *driver, const struct sk_image_pull *pull,
                              struct sk_image **out_image, struct sk_done *done);
/* rows.c */
void sk_images_list(struct sk_image_driver *base, struct sk_image_rows *out, struct sk_done *done);
void sk_images_inspect(struct sk_image_driver *base, const char *name, struct sk_image_rows *out_row,
                       struct sk_done *done);
/* import.c */
void sk_images_import_open(struct sk_image_driver *base, int64_t max_bytes, struct sk_image_import **out,
                           struct sk_done *done);
void sk_images_import_blob(struct sk_image_import *import, const char *digest, int64_t size, bool *out_wanted,
                           struct sk_done *done);
void sk_images_import_write(struct sk_image_import *import, const uint8_t *data, size_t len,
                            struct sk_done *done);
void sk_images_import_commit(struct sk_image_import *import, struct sk_done *done);
void sk_images_import_finish(struct sk_image_import *import, const char *name,
                             const struct sk_oci_descriptor *target, struct sk_image_progress *progress,
                             struct sk_image **out_image, struct sk_done *done);
void sk_images_import_close(struct sk_image_import *import_take);

#endif
