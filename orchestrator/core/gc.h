/* gc.h: what the drivers hold and nobody owns, and records past their time.
 *
 * Every 30 seconds, and whenever events may have been missed, the runtime's
 * list is compared with the records: leftovers of ended sandboxes and ids
 * nobody knows (seen twice, since a create may be in flight) are taken away,
 * again and again with growing pauses until they are gone; sandboxes whose
 * task has vanished are told so. (An exit event of the runtime is only a
 * reason to look: it may belong to an earlier task of the same id.) Only ids of
 * this node are touched. What lies beside the runtime's list is the sweeper's. */
#ifndef SK_CORE_GC_H
#define SK_CORE_GC_H

#include "base/list.h"
#include "core/sweeper.h"
#include "drivers/runtime.h"

struct sk_node;
struct sk_sandbox;

struct sk_gc {
    struct sk_node *node;
    struct sk_sweeper sweeper; /* of the host */
    uint64_t removed;          /* things, so far */
    struct sk_list leftovers;  /* struct leftover; few */
    struct sk_timer timer;     /* the next look */
    struct sk_timer retention; /* the next look at old records */
    struct sk_done listed;
    struct sk_runtime_list list;
    struct sk_instant list_began;
    bool started, listing, again;
};

void sk_gc_init(struct sk_gc *gc, struct sk_node *node);
/* Stopped first. */
void sk_gc_fini(struct sk_gc *gc);
/* Begins its rounds; only once all records are loaded. */
void sk_gc_start(struct sk_gc *gc);
/* Cancels what is under way; each such thing holds the node until it is over. */
void sk_gc_stop(struct sk_gc *gc);
/* Looks now, or after the look under way. */
void sk_gc_look(struct sk_gc *gc);
/* The runtime has come back: looks now, and pauses for nothing that has resisted. */
void sk_gc_retry(struct sk_gc *gc);
/* Something resisted: looks in a few seconds. */
void sk_gc_soon(struct sk_gc *gc);
/* Leftovers known and not yet gone. */
size_t sk_gc_pending(const struct sk_gc *gc);
/* Whether the runtime was seen to hold something for that id that is to go. */
bool sk_gc_holds(const struct sk_gc *gc, const char *id);
/* Whether the sandbox has ended and no flow takes care of what is left of it. */
bool sk_gc_is_over(const struct sk_sandbox *sandbox);
/* Something was taken away: counts and logs it. */
void sk_gc_count(struct sk_gc *gc, const char *kind, const char *id);

#endif
