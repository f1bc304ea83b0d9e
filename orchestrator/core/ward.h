/* ward.h: a driver call that removes something, with a time limit of ours.
 *
 * When the limit passes the call is cancelled and the caller gets
 * SK_DEADLINE_EXCEEDED at once; the driver's own answer is awaited by the ward
 * alone. So a driver that hangs delays one step, and never a sandbox's end. */
#ifndef SK_CORE_WARD_H
#define SK_CORE_WARD_H

#include "core/node_impl.h"

struct sk_ward {
    struct sk_done inner;    /* give this to the driver */
    char id[SK_ID_MAX + 40]; /* and this: it lives as long as the call */
    struct sk_node *node;
    struct sk_done *outer;
    struct sk_timer limit;
};

/* Heap; frees itself when the driver has answered. */
struct sk_ward *sk_ward_new(struct sk_node *node, const char *id, struct sk_duration limit,
                            struct sk_done *done);

#endif
