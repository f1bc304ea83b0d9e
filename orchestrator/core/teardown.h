/* teardown.h: takes away what the drivers hold for one id: task, network,
 * container, root file system, in that order; the first that resists ends it, since the
 * later ones could not go either. Each step is bounded; absent is success.
 *
 * What else belongs to the id goes in `task_gone`, hence before the last of
 * what the runtime can list: so a crash never leaves something nobody finds. */
#ifndef SK_CORE_TEARDOWN_H
#define SK_CORE_TEARDOWN_H

#include "core/node_impl.h"
#include "loop/op.h"

struct sk_teardown {
    struct sk_op op;
    struct sk_node *node;
    const char *id;                                                        /* borrowed until done fires */
    void (*task_gone)(struct sk_teardown *teardown, struct sk_done *done); /* a step: no process is left */
};

void sk_teardown_start(struct sk_teardown *teardown, struct sk_node *node, const char *id,
                       void (*task_gone)(struct sk_teardown *teardown, struct sk_done *done),
                       struct sk_done *done);
/* For task_gone: takes away the host side of a guest that nobody has open. */
void sk_teardown_forget_guest(struct sk_teardown *teardown, struct sk_done *done);
void sk_teardown_cancel(struct sk_teardown *teardown);

#endif
