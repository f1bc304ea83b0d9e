/* layers.h: the layers of one image: those that do not lie unpacked are
 * fetched, several at once, and unpacked, each as soon as it is there: in
 * their order, or ahead of it. */
#ifndef SK_IMAGES_LAYERS_H
#define SK_IMAGES_LAYERS_H

#include "drivers/images/aheads.h"
#include "drivers/images/facts.h"
#include "drivers/images/layering.h"
#include "drivers/images/want.h"

struct sk_layers_ask {
    struct sk_lease *lease;   /* borrowed, as all here, until done fires */
    struct sk_source *source; /* NULL: nothing is fetched */
    struct sk_facts *facts;   /* all of them are known */
    int64_t max_bytes;        /* of what the layers unpack to, together */
    struct sk_image_progress *progress;
};

/* One of those that are fetched at once. */
struct sk_layer_slot {
    struct sk_layers *layers;
    struct sk_want want;
    struct sk_done came;
    size_t layer;
    bool is_busy;
};

/* The caller's, zeroed; stays until done has fired. */
struct sk_layers {
    struct sk_layers_ask ask;
    struct sk_done *done;
    struct sk_layer_slot *slots; /* heap */
    unsigned slot_count, busy;
    bool *is_here;   /* heap; by layer */
    size_t next;     /* to be fetched */
    size_t unpacked; /* from the lowest on */
    struct sk_layering layering;
    struct sk_aheads aheads;
    struct sk_done step; /* of the unpacking, or the look at what is there */
    bool is_stepping;
    bool is_found;
    int64_t measured; /* bytes that the lowest `measured_at` layers take */
    int64_t more;     /* those above take */
    size_t measured_at;
    struct sk_err fault; /* the first one */
};

/* Can be cancelled. Errors: of the store and the registry. */
void sk_layers_start(struct sk_layers *layers, const struct sk_layers_ask *ask, struct sk_done *done);
/* From now on the progress is told there; harmless when it never started or is over. */
void sk_layers_redirect(struct sk_layers *layers, struct sk_image_progress *progress);

#endif
