/* usage.h: what living sandboxes use of cpu and memory, as the runtime measures it.
 *
 * Measured when somebody asks, once for all who ask, and not again within a second: however many look, the
 * disk pool has little to do and the loop nothing. Threads: loop only. */
#ifndef SK_CORE_USAGE_H
#define SK_CORE_USAGE_H

#include "drivers/runtime.h"
#include "loop/flight.h"

struct sk_node;
struct sk_sandbox;

#define SK_USAGE_FRESH SK_SEC(1)

/* Of one sandbox, as last measured. */
struct sk_use {
    bool is_measured;
    int64_t cpu_ns;     /* ever */
    int64_t cpu_millis; /* thousandths of a core, since the measurement before; by the first one, since the
                           start */
    int64_t memory_bytes;
    int64_t processes;
    struct sk_instant at;
};

struct sk_usage {
    struct sk_node *node;
    struct sk_flights flights;
    struct sk_runtime_use *items; /* owned; while measuring */
    size_t count;
    struct sk_instant at; /* of the last measurement; unset = none yet */
    struct sk_done measured;
    struct sk_done *run;
};

/* For node.c. */
void sk_usage_init(struct sk_usage *usage, struct sk_node *node);
void sk_usage_fini(struct sk_usage *usage); /* nobody may be waiting */

/* done (which can be cancelled) fires when what sk_sandbox_use says is no older than SK_USAGE_FRESH. `waiter`
 * is the caller's until then. Errors: those of the runtime; what was measured before stays. */
void sk_node_measure(struct sk_node *node, struct sk_waiter *waiter, struct sk_done *done);
const struct sk_use *sk_sandbox_use(const struct sk_sandbox *sandbox);

#endif
