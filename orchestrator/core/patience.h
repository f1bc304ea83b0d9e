/* patience.h: a step that asks a driver, and asks again when the runtime was
 * away meanwhile: a create that falls into a restart of containerd waits
 * instead of failing. Driver calls can be repeated (drivers/runtime.h); how
 * long this goes on is for whoever cancels the step. */
#ifndef SK_CORE_PATIENCE_H
#define SK_CORE_PATIENCE_H

#include "core/node_impl.h"
#include "loop/op.h"

/* Zeroed before its first use; one step at a time. */
struct sk_patience {
    struct sk_node *node;
    struct sk_op *op;
    void (*ask)(struct sk_op *op, struct sk_done *done);
    struct sk_done inner;
    struct sk_done *outer;
    struct sk_list link; /* node->patient */
    struct sk_task again;
    unsigned outages; /* of the node, when it asked */
    bool cancelled;
};

void sk_patience_run(struct sk_patience *patience, struct sk_node *node, struct sk_op *op,
                     void (*ask)(struct sk_op *op, struct sk_done *done), struct sk_done *done);
/* The runtime is back: all that wait ask again. */
void sk_patience_end_all(struct sk_node *node);

#endif
