/* create.h: the birth of a sandbox, as a table of steps. */
#ifndef SK_CORE_CREATE_H
#define SK_CORE_CREATE_H

#include "core/sandbox_impl.h"

/* Begins; sandbox->create is set until it is over, then sk_sandbox_created()
 * is called. clean: first takes away what an earlier attempt has left. */
void sk_create_start(struct sk_sandbox *sandbox, bool clean);
/* Abandons it; it walks back. Harmless when none is under way. */
void sk_create_cancel(struct sk_sandbox *sandbox, const struct sk_err *why);

/* Whether its init was started before `at` and has not been given up. */
bool sk_create_runs_since(const struct sk_sandbox *sandbox, struct sk_instant at);

#endif
