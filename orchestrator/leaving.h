/* leaving.h: what a signal to stop begins: the end of service (core/shutdown.h), while the service manager
 * learns that it goes on, and what it waits for. A second signal ends the waiting.
 *
 * Threads: loop only. */
#ifndef SK_LEAVING_H
#define SK_LEAVING_H

#include "core/node.h"

/* Storage is the caller's, zeroed. */
struct sk_leaving {
    struct sk_loop *loop;
    struct sk_node *node;
    void (*over)(struct sk_leaving *leaving);
    struct sk_done done;
    struct sk_timer news;
    bool is_under_way;
};

/* `over` is called once nothing more is waited for, not inside the call. Asked again: it comes at once. */
void sk_leave(struct sk_leaving *leaving, struct sk_loop *loop, struct sk_node *node,
              void (*over)(struct sk_leaving *leaving));

#endif
