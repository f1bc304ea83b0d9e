/* status.h: the node at a glance: what those who run it look at, in numbers and as lists.
 *
 * tenant: of this one alone; NULL = all. Threads: loop only; sandboxes are borrowed as in node.h. */
#ifndef SK_CORE_STATUS_H
#define SK_CORE_STATUS_H

#include "core/node.h"
#include "core/usage.h"

struct sk_node_summary {
    unsigned faults; /* core/health.h */
    struct sk_wall began;
    size_t by_state[SK_STATE_TERMINATED + 1]; /* sandboxes on record */
    size_t living;                            /* whose end nobody has seen */
    size_t open_sessions;
    size_t streams;           /* execs, file calls and log streams under way */
    struct sk_amount charged; /* what living sandboxes have asked for */
    struct sk_amount used;    /* as last measured (sk_node_measure) */
};

void sk_node_summarize(struct sk_node *node, const char *tenant, struct sk_node_summary *out);
/* Living sandboxes, the newest first, `max` at most; returns how many. */
size_t sk_node_living(struct sk_node *node, const char *tenant, struct sk_sandbox **out, size_t max);

/* Commands under way in it. */
size_t sk_sandbox_execs(const struct sk_sandbox *sandbox);

#endif
