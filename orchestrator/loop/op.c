#include "loop/op.h"
#include "loop/failpoint.h"

#include <assert.h>

static void run_step(struct sk_op *op);
static void undo_step(struct sk_op *op);

static const struct sk_step *step_under_way(const struct sk_op *op)
{
    return &op->steps[op->at];
}

static void log_step(struct sk_op *op, const struct sk_err *err)
{
    struct sk_duration took = sk_instant_diff(sk_loop_now(op->loop), op->step_began);
    sk_log_err(op->log, SK_DEBUG, op->undoing ? "op.undo" : "op.step", err, SK_STR("flow", op->flow),
               SK_STR("step", step_under_way(op)->name), SK_MS("took", took));
    if (op->on_step)
        op->on_step(op, step_under_way(op), err);
}

static void pass(const struct sk_op *op, const char *side)
{
    sk_failpoint_pass(op->loop, op->flow, step_under_way(op)->name, side);
}

/* The last act: whoever waits may free the op. */
static void finish(struct sk_op *op)
{
    struct sk_err err = op->err;
    struct sk_done *whole = op->whole;
    sk_timer_stop(op->loop, &op->deadline);
    op->running = false;
    op->whole = NULL;
    sk_done_fire(whole, err.code == SK_OK ? NULL : &err);
}

static void undo_answered(struct sk_done *done, const struct sk_err *err)
{
    struct sk_op *op = sk_container_of(done, struct sk_op, step);
    log_step(op, err);
    pass(op, SK_UNDONE);
    if (err && op->on_undo_error)
        op->on_undo_error(op, step_under_way(op), err);
    if (op->at == 0) {
        finish(op);
        return;
    }
    op->at--;
    undo_step(op);
}

/* Undoes the step at the cursor, or the nearest before it that has an undo. */
static void undo_step(struct sk_op *op)
{
    while (!step_under_way(op)->undo && op->at > 0)
        op->at--;
    if (!step_under_way(op)->undo) {
        finish(op);
        return;
    }
    op->step_began = sk_loop_now(op->loop);
    sk_done_init(&op->step, undo_answered);
    pass(op, SK_UNDO);
    step_under_way(op)->undo(op, &op->step);
}

static void walk_back(struct sk_op *op)
{
    sk_timer_stop(op->loop, &op->deadline);
    op->undoing = true;
    undo_step(op);
}

static void step_answered(struct sk_done *done, const struct sk_err *err)
{
    struct sk_op *op = sk_container_of(done, struct sk_op, step);
    log_step(op, err);
    pass(op, SK_AFTER);
    if (op->err.code == SK_OK && err)
        op->err = *err;
    if (op->err.code != SK_OK) {
        walk_back(op);
        return;
    }
    op->at++;
    if (step_under_way(op)->name)
        run_step(op);
    else
        finish(op);
}

static void run_step(struct sk_op *op)
{
    op->step_began = sk_loop_now(op->loop);
    sk_done_init(&op->step, step_answered);
    pass(op, SK_BEFORE);
    step_under_way(op)->run(op, &op->step);
    if (op->err.code != SK_OK)
        sk_done_cancel(&op->step); /* the step itself asked for the end */
}

/* Records why and asks the step to give up; its answer starts the walk back. */
static void give_up(struct sk_op *op, const struct sk_err *why)
{
    op->err = *why;
    sk_done_cancel(&op->step);
}

static bool can_give_up(const struct sk_op *op)
{
    return op->running && !op->undoing && op->err.code == SK_OK;
}

static void deadline_passed(struct sk_timer *timer)
{
    struct sk_op *op = sk_container_of(timer, struct sk_op, deadline);
    if (!can_give_up(op))
        return;
    struct sk_err why;
    (void)!sk_fail(&why, SK_DEADLINE_EXCEEDED, "no time left in step \"%s\"", step_under_way(op)->name);
    give_up(op, &why);
}

static void whole_cancelled(struct sk_done *whole)
{
    sk_op_cancel(whole->callee, NULL);
}

void sk_op_start(struct sk_op *op, struct sk_loop *loop, const struct sk_log *log,
                 const struct sk_step *steps, struct sk_instant deadline, struct sk_done *whole)
{
    assert(!op->running);
    op->steps = steps;
    op->at = 0;
    op->undoing = false;
    op->err = (struct sk_err){0};
    op->loop = loop;
    op->log = log;
    if (!steps[0].name) {
        sk_done_later(loop, whole, NULL);
        return;
    }
    op->running = true;
    op->whole = whole;
    whole->cancel = whole_cancelled;
    whole->callee = op;
    if (sk_instant_is_set(deadline))
        sk_timer_start(loop, &op->deadline, deadline, deadline_passed);
    run_step(op);
}

void sk_op_cancel(struct sk_op *op, const struct sk_err *why)
{
    if (!can_give_up(op))
        return;
    struct sk_err cancelled;
    (void)!sk_fail(&cancelled, SK_CANCELLED, "cancelled");
    give_up(op, why ? why : &cancelled);
}

const char *sk_op_step_name(const struct sk_op *op)
{
    return op->running ? step_under_way(op)->name : "";
}
