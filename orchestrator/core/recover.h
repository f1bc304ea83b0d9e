/* recover.h: after a restart: first restore what was believed, then learn
 * what has changed.
 *
 * Records are loaded, the runtime is listed (again and again until it
 * answers), and each sandbox is taken up where it was: final ones are kept
 * for their retention; what was being made is cleaned and made anew (its
 * request id stands); a running one whose task lives is adopted: its guest is
 * awaited, its main process's pipes are drained again; one whose task is gone
 * FAILS; what was being ended goes on ending. Requests are served from then
 * on; adoptions may still be waiting for their guests, and execs wait for them. */
#ifndef SK_CORE_RECOVER_H
#define SK_CORE_RECOVER_H

#include "core/sandbox_impl.h"

/* Abandons a recovery under way; its done answers SK_CANCELLED. */
void sk_recover_stop(struct sk_node *node);

/* Waiting for the guest of a sandbox found alive; sandbox->adoption is set until it is over. */
void sk_adoption_start(struct sk_sandbox *sandbox, int pid);
void sk_adoption_cancel(struct sk_sandbox *sandbox);

#endif
