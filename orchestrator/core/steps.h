/* steps.h: what a trace sees of a sandbox's flows: one span for each step of
 * its birth and death, below the call that asked for them.
 *
 * Threads: loop only. */
#ifndef SK_CORE_STEPS_H
#define SK_CORE_STEPS_H

#include "core/sandbox_impl.h"
#include "loop/op.h"

/* For op->on_step; harmless when nothing is traced. */
void sk_steps_trace(const struct sk_sandbox *sandbox, const struct sk_op *op, const struct sk_step *step,
                    const struct sk_err *err);

#endif
