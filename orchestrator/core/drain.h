/* drain.h: the end of service while the daemon runs on.
 *
 *   SERVING --begin--> DRAINING --the streams are over, or cut--> DRAINED --end--> SERVING
 *
 * From the beginning on creates and new sessions are refused; what exists works on. At the deadline the
 * streams under way are cut, and new ones are refused. With `stops` all sandboxes are ended as soon as the
 * streams are over or cut, and the node is not DRAINED before the last of them has ended.
 *
 * A drain is in the store until it is taken back, so it goes on after a restart. The end of the daemon itself
 * is shutdown.h. Threads: loop only. */
#ifndef SK_CORE_DRAIN_H
#define SK_CORE_DRAIN_H

#include "core/node.h"

enum sk_drain_state { SK_SERVING, SK_DRAINING, SK_DRAINED };

struct sk_drain_ask {
    bool has_timeout;
    struct sk_duration timeout; /* 0 = the streams are cut at once */
    enum { SK_DRAIN_AS_CONFIGURED, SK_DRAIN_LEAVE, SK_DRAIN_STOP } sandboxes;
};

struct sk_drain_status {
    enum sk_drain_state state;
    size_t streams;          /* under way */
    size_t sandboxes;        /* whose end nobody has seen */
    bool stops;              /* they are ended too */
    struct sk_wall began;    /* 0 = it serves */
    struct sk_wall deadline; /* the same */
};

/* Asked again: the earlier deadline counts, and STOP rather than LEAVE. done fires when it is durable; it is
 * in force at once. Errors: SK_UNAVAILABLE + RUNNER_UNAVAILABLE (the daemon is stopping), those of the store:
 * it is in force all the same. */
void sk_drain_begin(struct sk_node *node, const struct sk_drain_ask *ask, struct sk_done *done);
/* Serves again, at once; sandboxes that were told to end do. done fires when that is durable. Errors: the
 * same. */
void sk_drain_end(struct sk_node *node, struct sk_done *done);
/* Fires when the node is DRAINED or serves again. Cancel: SK_CANCELLED. Errors: SK_UNAVAILABLE (stopping). */
void sk_drain_await(struct sk_node *node, struct sk_done *done);
struct sk_drain_status sk_drain_status(const struct sk_node *node);

#endif
