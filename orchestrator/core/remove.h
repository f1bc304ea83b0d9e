/* remove.h: the end of a sandbox, as a table of steps: stop the main process
 * in its grace, read what it still said, take everything away. Whatever
 * resists is left to gc. */
#ifndef SK_CORE_REMOVE_H
#define SK_CORE_REMOVE_H

#include "core/sandbox_impl.h"

/* Begins, unless it has; sandbox->removal is set until it is over. A
 * TERMINATING sandbox is TERMINATED by then. */
void sk_removal_start(struct sk_sandbox *sandbox);
/* The main process has ended, the guest has gone, or kill_at has changed. */
void sk_removal_poke(struct sk_sandbox *sandbox);
/* Abandons it where it is (the daemon stops). */
void sk_removal_cancel(struct sk_sandbox *sandbox);

#endif
