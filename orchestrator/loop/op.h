/* op.h: a flow as a table of steps.
 *
 * A step starts one thing and passes its `done` on. When a step fails, the
 * deadline passes or the flow is cancelled, the runner walks back through the
 * undo column, the step that failed included (a failed remote call may have
 * worked), and then reports the first error. Undo treats "not there" as
 * success; an error from an undo is reported to `on_undo_error`, if set, and
 * the walk goes on.
 *
 * A zeroed struct is an op that was never started. While it runs it is the
 * callee of `whole`: cancelling `whole` cancels the op, so a flow can be a
 * step of another. Undo steps are never cancelled and know no deadline. The op
 * is over, and may be freed, when `whole` fires.
 *
 * A step that does not answer: at the deadline its `done` is cancelled, and
 * the runner waits for the answer, which drivers owe (see drivers). */
#ifndef SK_LOOP_OP_H
#define SK_LOOP_OP_H

#include "base/log.h"
#include "loop/done.h"

struct sk_op;

struct sk_step {
    const char *name; /* NULL ends the table; also a log and metric label */
    void (*run)(struct sk_op *op, struct sk_done *done);
    void (*undo)(struct sk_op *op, struct sk_done *done); /* may be NULL */
};

struct sk_op {
    const struct sk_step *steps;
    size_t at; /* the step under way */
    bool undoing;
    bool running;
    struct sk_err err; /* the first error; code SK_OK if none */
    struct sk_loop *loop;
    const char *flow; /* its name, for the log and for failpoints; set before the start; may be NULL */
    const struct sk_log *log; /* may be NULL; each step is logged at debug level */
    struct sk_timer deadline;
    struct sk_instant step_began;
    struct sk_done step;   /* handed to the step under way */
    struct sk_done *whole; /* fires when all is over */
    /* A step, or its undoing (op->undoing), has answered; step_began is when it began. May be NULL. */
    void (*on_step)(struct sk_op *op, const struct sk_step *step, const struct sk_err *err);
    void (*on_undo_error)(struct sk_op *op, const struct sk_step *step, const struct sk_err *err);
};

/* Starts; `deadline` unset = none. `steps` must outlive the op. */
void sk_op_start(struct sk_op *op, struct sk_loop *loop, const struct sk_log *log,
                 const struct sk_step *steps, struct sk_instant deadline, struct sk_done *whole);
/* Ends the flow with SK_CANCELLED (or *why) and walks back; harmless when it
 * is over or already walking back. */
void sk_op_cancel(struct sk_op *op, const struct sk_err *why);
/* Name of the step under way, or "" when not running. */
const char *sk_op_step_name(const struct sk_op *op);

#endif
