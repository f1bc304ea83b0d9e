#include "core/steps.h"

#include "trace/trace.h"

#include <stdio.h>

void sk_steps_trace(const struct sk_sandbox *s, const struct sk_op *op, const struct sk_step *step,
                    const struct sk_err *err)
{
    struct sk_tracer *tracer = s->node->config.tracer;
    char name[64];
    if (!tracer || !s->trace.sampled)
        return;
    const struct sk_span span = sk_span_below(tracer, &s->trace, op->step_began);
    (void)snprintf(name, sizeof(name), "%s %s%s", op->flow, op->undoing ? "undo " : "", step->name);
    sk_span_end(tracer, &span, name, false, err,
                (const struct sk_span_fact[]){{"sandkeep.sandbox", s->record->id, 0}, {0}});
}
