/* image_uses.h: when images were last used: known here at once, and told to
 * the driver, which remembers it across restarts, at most once an hour and
 * behind the back of whoever uses the image. */
#ifndef SK_CORE_IMAGE_USES_H
#define SK_CORE_IMAGE_USES_H

#include "base/list.h"
#include "base/map.h"

struct sk_images;

struct sk_image_uses {
    struct sk_images *images;
    struct sk_map by_name;  /* struct use */
    struct sk_list touches; /* struct touch: under way */
};

void sk_image_uses_init(struct sk_image_uses *uses, struct sk_images *images);
/* No touch may be under way. */
void sk_image_uses_fini(struct sk_image_uses *uses);
/* Cancels touches; each holds the node until it is over. */
void sk_image_uses_stop(struct sk_image_uses *uses);

/* It is used now. */
void sk_image_uses_note(struct sk_image_uses *uses, const char *name);
/* Wall time; 0 = not since this daemon began. */
int64_t sk_image_uses_last(const struct sk_image_uses *uses, const char *name);
/* It is gone. */
void sk_image_uses_forget(struct sk_image_uses *uses, const char *name);

#endif
