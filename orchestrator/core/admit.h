/* admit.h: the answer to one CreateSandbox: it waits until the record is
 * durable, and then, for a short while, for the sandbox to run. */
#ifndef SK_CORE_ADMIT_H
#define SK_CORE_ADMIT_H

#include "core/sandbox_impl.h"

/* is_new: its record has yet to be stored, and then its making begins; if it
 * cannot be stored the sandbox is withdrawn and done has the store's error. */
void sk_admit(struct sk_sandbox *sandbox, bool is_new, struct sk_sandbox **out_sandbox, struct sk_done *done);
/* Those that wait for RUNNING answer now. */
void sk_admissions_stop(struct sk_node *node);

#endif
