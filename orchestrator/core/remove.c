#include "core/remove.h"

#include "core/exec_impl.h"
#include "core/steps.h"
#include "core/teardown.h"

#include <signal.h>

/* After SIGKILL the exit comes at once, unless the guest is broken. */
#define KILL_LIMIT SK_SEC(2)

struct sk_removal {
    struct sk_op op;
    struct sk_done whole;
    struct sk_sandbox *sandbox; /* a reference */
    struct sk_done saved;
    struct sk_done *saving;   /* the record step's, while it waits */
    struct sk_done *stopping; /* the stop step's, while it waits */
    struct sk_timer timer;
    bool killed;
    struct sk_teardown teardown;
    struct sk_done drained; /* the main process's output is at its end */
    struct sk_done *gone;   /* the teardown's, while the drain goes on */
};

static struct sk_removal *of(struct sk_op *op)
{
    return sk_container_of(op, struct sk_removal, op);
}

static struct sk_loop *loop_of(const struct sk_removal *r)
{
    return r->sandbox->node->loop;
}

/* --- steps ----------------------------------------------------------------- */

/* A full disk delays no end: the sweep stores it later. */
static void on_saved(struct sk_done *saved, const struct sk_err *err)
{
    struct sk_removal *r = sk_container_of(saved, struct sk_removal, saved);

    (void)err;
    sk_done_fire(r->saving, NULL);
}

/* The effect comes after the intent: until the new state is stored, nothing is taken away that a restart
 * would need to come to the same end. */
static void await_record(struct sk_op *op, struct sk_done *done)
{
    struct sk_removal *r = of(op);

    r->saving = done;
    sk_done_init(&r->saved, on_saved);
    sk_sandbox_await_saved(r->sandbox, &r->saved);
}

static void signal_main(const struct sk_removal *r, int signo, bool tree)
{
    struct sk_sandbox *s = r->sandbox;
    s->node->agent->ops->signal(s->guest, SK_MAIN_KEY, signo, tree);
}

static bool can_stop(const struct sk_removal *r)
{
    const struct sk_sandbox *s = r->sandbox;
    return s->guest && s->guest_ready && s->main.started && !s->main.ended;
}

static void stopped(struct sk_removal *r)
{
    struct sk_done *done = sk_take(r->stopping);

    sk_timer_stop(loop_of(r), &r->timer);
    if (done)
        sk_done_later(loop_of(r), done, NULL);
}

static void on_timer(struct sk_timer *timer);

static void arm(struct sk_removal *r)
{
    struct sk_instant now = sk_loop_now(loop_of(r));
    struct sk_instant at = r->sandbox->record->kill_at;

    if (r->killed)
        at = sk_instant_add(now, KILL_LIMIT);
    sk_timer_start(loop_of(r), &r->timer, at.ns > now.ns ? at : now, on_timer);
}

static void on_timer(struct sk_timer *timer)
{
    struct sk_removal *r = sk_container_of(timer, struct sk_removal, timer);

    if (r->killed) {
        stopped(r);
        return;
    }
    r->killed = true;
    signal_main(r, SIGKILL, false);
    arm(r);
}

static void cancel_stop(struct sk_done *done)
{
    struct sk_removal *r = done->callee;
    struct sk_err err = {0};

    r->stopping = NULL;
    sk_timer_stop(loop_of(r), &r->timer);
    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_done_later(loop_of(r), done, &err);
}

static void stop_main(struct sk_op *op, struct sk_done *done)
{
    struct sk_removal *r = of(op);
    struct sk_sandbox *s = r->sandbox;

    if (s->state != SK_STATE_TERMINATING || !can_stop(r)) {
        sk_done_later(loop_of(r), done, NULL);
        return;
    }
    r->stopping = done;
    done->callee = r;
    done->cancel = cancel_stop;
    if (s->record->kill_at.ns > sk_loop_now(loop_of(r)).ns)
        signal_main(r, s->record->process.stop_signal, false);
    arm(r);
}

static void let_go(struct sk_sandbox *s)
{
    sk_execs_gone(s);
    sk_main_fini(s);
    sk_sandbox_close_guest(s, true);
}

static void on_drained(struct sk_done *drained, const struct sk_err *err)
{
    struct sk_removal *r = sk_container_of(drained, struct sk_removal, drained);

    r->gone->cancel = NULL;
    let_go(r->sandbox);
    sk_done_fire(r->gone, err);
}

static void cancel_drain(struct sk_done *done)
{
    struct sk_removal *r = done->callee;
    sk_done_cancel(&r->drained);
}

/* Nobody is left to hold a pipe: what is in them is all there is. */
static void on_task_gone(struct sk_teardown *teardown, struct sk_done *done)
{
    struct sk_removal *r = sk_container_of(teardown, struct sk_removal, teardown);

    if (!r->sandbox->guest) {
        sk_teardown_forget_guest(teardown, done); /* of an earlier daemon */
        return;
    }
    r->gone = done;
    done->callee = r;
    done->cancel = cancel_drain;
    sk_done_init(&r->drained, on_drained);
    sk_main_log_drain(r->sandbox, &r->drained);
}

static void tear_down(struct sk_op *op, struct sk_done *done)
{
    struct sk_removal *r = of(op);
    sk_teardown_start(&r->teardown, r->sandbox->node, r->sandbox->record->id, on_task_gone, done);
}

static const struct sk_step steps[] = {
    {"record", await_record, NULL},
    {"stop", stop_main, NULL},
    {"teardown", tear_down, NULL},
    {0},
};

/* --- the whole ------------------------------------------------------------- */

static void over(struct sk_sandbox *s, const struct sk_err *err)
{
    if (s->node->stopping && err)
        return; /* the next daemon goes on */
    let_go(s);
    (void)sk_sandbox_move(s, SK_EV_GONE, NULL);
    if (!err)
        return;
    sk_log_err(sk_sandbox_log(s), SK_WARN, "sandbox.leftovers", err);
    sk_gc_soon(&s->node->gc);
}

static void on_whole(struct sk_done *whole, const struct sk_err *err)
{
    struct sk_removal *r = sk_container_of(whole, struct sk_removal, whole);
    struct sk_sandbox *s = r->sandbox;
    struct sk_node *node = s->node;

    s->removal = NULL;
    over(s, err);
    sk_sandbox_give_back(s, !err);
    free(r);
    sk_sandbox_unref(s);
    sk_node_unhold(node);
}

static void on_step(struct sk_op *op, const struct sk_step *step, const struct sk_err *err)
{
    sk_steps_trace(sk_container_of(op, struct sk_removal, op)->sandbox, op, step, err);
}

void sk_removal_start(struct sk_sandbox *sandbox)
{
    struct sk_node *node = sandbox->node;

    if (sandbox->removal || node->stopping)
        return;
    struct sk_removal *r = sk_alloc(sizeof(*r));
    r->sandbox = sk_sandbox_ref(sandbox);
    sandbox->removal = r;
    sk_node_hold(node);
    sk_done_init(&r->whole, on_whole);
    r->op.flow = "remove";
    r->op.on_step = on_step;
    sk_op_start(&r->op, node->loop, sk_sandbox_log(sandbox), steps, (struct sk_instant){0}, &r->whole);
}

void sk_removal_poke(struct sk_sandbox *sandbox)
{
    struct sk_removal *r = sandbox->removal;

    if (!r || !r->stopping)
        return;
    if (!can_stop(r))
        stopped(r);
    else if (!r->killed)
        arm(r);
}

void sk_removal_cancel(struct sk_sandbox *sandbox)
{
    if (sandbox->removal)
        sk_op_cancel(&sandbox->removal->op, NULL);
}
