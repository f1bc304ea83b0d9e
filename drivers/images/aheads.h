/* aheads.h: those layers of one image that are unpacked before the ones below
 * them are there. What goes wrong with one is no fault of the image: it is
 * unpacked again in its order. */
#ifndef SK_IMAGES_AHEADS_H
#define SK_IMAGES_AHEADS_H

#include "drivers/images/lease.h"

/* As many lie on the disk at most; together they may take half the room that is left. */
#define SK_AHEADS_MAX 8

enum sk_ahead_state {
    SK_AHEAD_NONE,
    SK_AHEAD_COMES, /* is being unpacked */
    SK_AHEAD_READY,
    SK_AHEAD_USED,  /* its layer's turn has come */
    SK_AHEAD_DROPS, /* is being removed */
};

struct sk_ahead_slot {
    struct sk_aheads *aheads;
    struct sk_map_node node; /* in driver->aheads, while it comes and lies there */
    struct sk_done came;
    struct sk_ahead *ahead;
    size_t layer;
    enum sk_ahead_state state;
};

/* The caller's, zeroed. */
struct sk_aheads {
    struct sk_lease *lease; /* borrowed */
    struct sk_ahead_slot slots[SK_AHEADS_MAX];
    bool *was_tried; /* heap; by layer */
    bool is_off;     /* the store cannot, or one has failed */
    void (*changed)(struct sk_aheads *aheads);
};

/* `changed` is told whenever one has come or gone. */
void sk_aheads_init(struct sk_aheads *aheads, struct sk_lease *lease, size_t layers,
                    void (*changed)(struct sk_aheads *aheads));
/* Must be idle. */
void sk_aheads_fini(struct sk_aheads *aheads);

/* Begins with this layer, once, if that makes sense; ask->max_bytes: the room that is left for the whole
 * image. at_once: how many may come. */
void sk_aheads_offer(struct sk_aheads *aheads, size_t layer, const struct sk_unpack_ask *ask,
                     unsigned at_once);
bool sk_aheads_comes(const struct sk_aheads *aheads, size_t layer);
/* The layer's turn has come: what there is of it, or NULL. It is given back, or NULL if it was used. */
struct sk_ahead *sk_aheads_take(struct sk_aheads *aheads, size_t layer);
void sk_aheads_give_back(struct sk_aheads *aheads, size_t layer, struct sk_ahead *ahead_take);
/* None is needed any more. */
void sk_aheads_give_up(struct sk_aheads *aheads);
bool sk_aheads_is_idle(const struct sk_aheads *aheads);

#endif
