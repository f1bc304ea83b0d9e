/* sweeper.h: what lies on the host and nobody owns.
 *
 * Goes round at the start, every 30 seconds, and sooner while there is
 * something to do: each driver (and the log shelf) is asked what it finds;
 * what bears this node's mark and belongs to no sandbox, seen twice with 10 s
 * between, is taken away, one thing after the other, and again with growing pauses when
 * it resists. A new kind of thing is a row in the table of sources. */
#ifndef SK_CORE_SWEEPER_H
#define SK_CORE_SWEEPER_H

#include "base/list.h"
#include "drivers/litter.h"
#include "loop/done.h"

struct sk_node;

struct sk_sweeper {
    struct sk_node *node;
    struct sk_timer timer; /* the next round */
    struct sk_list traces; /* struct trace: seen, and to be taken away; few */
    size_t source;         /* the round's; behind the last one = no round is under way */
    struct sk_litter_list found;
    size_t at; /* in found */
    struct sk_done listed, removed;
};

void sk_sweeper_init(struct sk_sweeper *sweeper, struct sk_node *node);
/* Stopped first. */
void sk_sweeper_fini(struct sk_sweeper *sweeper);
/* Goes round, and again and again; only once all records are loaded. */
void sk_sweeper_start(struct sk_sweeper *sweeper);
/* A round under way holds the node until it is over. */
void sk_sweeper_stop(struct sk_sweeper *sweeper);

#endif
