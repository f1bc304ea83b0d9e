/* image_encode.h: images as answers. */
#ifndef SK_API_IMAGE_ENCODE_H
#define SK_API_IMAGE_ENCODE_H

#include "api/call.h"
#include "core/images.h"

/* All lives in the arena. image NULL: its config is not known, or not asked for. */
SK_OWN_PB(Image) * sk_encode_image(struct sk_arena *arena, const struct sk_images *images,
                                   const struct sk_image_row *row, const struct sk_image *image);
/* progress NULL: nothing is pulled yet. */
void sk_encode_progress(const struct sk_image_progress *progress, SK_OWN_PB(PullImageResponse) * out);

/* The full form of a name from a request; false: it is none, and the call has been answered. */
bool sk_image_name_take(struct sk_call *call, const char *name, char out_name[SK_REFERENCE_MAX]);

#endif
