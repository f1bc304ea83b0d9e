/* source.h: where the blobs of one image come from: its repository, and whose
 * login opens it. Shared by a pull and the fetches it has set going, which
 * may outlive it. */
#ifndef SK_IMAGES_SOURCE_H
#define SK_IMAGES_SOURCE_H

#include "drivers/registry/registry.h"

struct sk_source {
    unsigned refs;
    struct sk_reference reference;
    const struct sk_image_login *login; /* NULL: the node's own */
    bool is_limited;           /* the registry said that enough was asked: another time it may answer */
    bool is_slow;              /* a blob was fetched from elsewhere instead */
    struct sk_image_login own; /* what login points to; its texts are in the arena */
    struct sk_arena arena;
};

/* Copies; one reference. login: NULL is fine. */
struct sk_source *sk_source_new(const struct sk_reference *reference, const struct sk_image_login *login);
struct sk_source *sk_source_ref(struct sk_source *source);
/* NULL is fine. */
void sk_source_unref(struct sk_source *source_take);

#endif
