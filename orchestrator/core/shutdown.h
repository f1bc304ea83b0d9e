/* shutdown.h: the daemon's own end of service, before sk_node_stop: creates and new sessions are refused,
 * calls under way may finish until shutdown_timeout, then their clients are told and cut. Then sandboxes are
 * left to the next daemon, or ended, as configured (drain_stops): with drain_grace between the request and
 * the kill, and each end stored. Streams without an end of their own (logs that are followed, leases that are
 * held) are not waited for, and are cut last. With nothing under way it is over at once.
 *
 * Nothing of it is stored: the next daemon serves. Threads: loop only. */
#ifndef SK_CORE_SHUTDOWN_H
#define SK_CORE_SHUTDOWN_H

#include "core/node.h"

/* Once. done always succeeds; afterwards only sk_node_stop may follow. */
void sk_node_shutdown(struct sk_node *node, struct sk_done *done);
/* It need not wait any longer, but for the streams to be told. Harmless when none is under way. */
void sk_shutdown_hurry(struct sk_node *node);

struct sk_shutdown_status {
    bool is_under_way;
    size_t calls, sandboxes; /* that are waited for */
};
struct sk_shutdown_status sk_shutdown_status(const struct sk_node *node);

#endif
