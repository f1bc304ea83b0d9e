/* image.h: the image contract over containerd's images and content: what was
 * pulled or imported under our namespace, unpacked for our snapshotter. */
#ifndef SK_CONTAINERD_IMAGE_H
#define SK_CONTAINERD_IMAGE_H

#include "drivers/containerd/client.h"
#include "drivers/containerd/image_cache.h"
#include "drivers/image.h"

struct sk_ctd_images {
    struct sk_image_driver base;
    struct sk_ctd_client *client; /* borrowed */
    struct sk_image_cache cache;
    const char *architecture; /* as Go names it; borrowed */
};

/* machine: as uname(2) says; must live as long. */
void sk_ctd_images_init(struct sk_ctd_images *images, struct sk_ctd_client *client, const char *machine);
/* After the client has been closed. */
void sk_ctd_images_fini(struct sk_ctd_images *images);

#endif
