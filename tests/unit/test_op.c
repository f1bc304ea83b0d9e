#include "loop/op.h"
#include "support/sweep.h"
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { STEPS = 4, LIMIT_S = 10 };

/* A driver with one thing to hold for each step, and the flow that uses it. */
struct world {
    struct sk_op op;
    struct sk_done whole;
    struct sk_loop *loop;
    struct sk_sweep *sweep; /* NULL = all is well */
    bool held[STEPS];
    char trace[200]; /* what was called, in order */
    int answers, undo_errors, answers_before;
    struct sk_err err;
    enum sk_sweep_verdict verdict; /* of the call under way */
    size_t target;
    bool undo_fails;
    struct sk_timer latency;
    struct sk_done *pending;
};

static struct world *world_of(struct sk_op *op)
{
    return sk_container_of(op, struct world, op);
}

static void note(struct world *w, const char *what)
{
    assert_true(strlen(w->trace) + strlen(what) + 2 < sizeof(w->trace));
    strcat(w->trace, what);
    strcat(w->trace, " ");
}

static void answer(struct world *w, enum sk_code code)
{
    struct sk_err err;
    struct sk_done *done = sk_take(w->pending);
    if (code != SK_OK)
        (void)!sk_fail(&err, code, "step said so");
    sk_done_fire(done, code == SK_OK ? NULL : &err);
}

static void latency_over(struct sk_timer *timer)
{
    struct world *w = sk_container_of(timer, struct world, latency);
    if (w->verdict != SK_SWEEP_FAIL_BEFORE)
        w->held[w->target] = true;
    answer(w, w->verdict == SK_SWEEP_OK ? SK_OK : SK_UNAVAILABLE);
}

static void cancelled_later(struct sk_timer *timer)
{
    answer(sk_container_of(timer, struct world, latency), SK_CANCELLED);
}

/* The driver gives up, but takes a moment to say so. */
static void on_cancel(struct sk_done *done)
{
    struct world *w = done->callee;
    sk_timer_start(w->loop, &w->latency, sk_instant_add(sk_loop_now(w->loop), SK_MSEC(3)), cancelled_later);
}

static void call(struct world *w, size_t target, const char *name, struct sk_done *done)
{
    note(w, name);
    w->target = target;
    w->pending = done;
    w->verdict = w->sweep ? sk_sweep_point(w->sweep, name) : SK_SWEEP_OK;
    done->callee = w;
    done->cancel = on_cancel;
    if (w->verdict != SK_SWEEP_HANG)
        sk_timer_start(w->loop, &w->latency, sk_instant_add(sk_loop_now(w->loop), SK_SEC(1)), latency_over);
}

static void take_0(struct sk_op *op, struct sk_done *done)
{
    call(world_of(op), 0, "take0", done);
}

static void take_1(struct sk_op *op, struct sk_done *done)
{
    call(world_of(op), 1, "take1", done);
}

static void look(struct sk_op *op, struct sk_done *done)
{
    call(world_of(op), 2, "look", done);
}

static void take_3(struct sk_op *op, struct sk_done *done)
{
    call(world_of(op), 3, "take3", done);
}

static void give_back(struct world *w, size_t target, const char *name, struct sk_done *done)
{
    struct sk_err err;
    note(w, name);
    w->held[target] = false;
    (void)!sk_fail(&err, SK_INTERNAL, "undo said so");
    sk_done_later(w->loop, done, w->undo_fails ? &err : NULL);
}

static void drop_0(struct sk_op *op, struct sk_done *done)
{
    give_back(world_of(op), 0, "drop0", done);
}

static void drop_1(struct sk_op *op, struct sk_done *done)
{
    give_back(world_of(op), 1, "drop1", done);
}

static void drop_3(struct sk_op *op, struct sk_done *done)
{
    give_back(world_of(op), 3, "drop3", done);
}

static const struct sk_step steps[] = {
    {"zero", take_0, drop_0}, {"one", take_1, drop_1}, {"look", look, NULL}, {"three", take_3, drop_3}, {0},
};

static void over(struct sk_done *done, const struct sk_err *err)
{
    struct world *w = sk_container_of(done, struct world, whole);
    w->answers++;
    w->err = err ? *err : (struct sk_err){0};
    memset(&w->op, 0xEE, sizeof(w->op)); /* it is ours again: nobody may look at it */
}

static void undo_failed(struct sk_op *op, const struct sk_step *step, const struct sk_err *err)
{
    (void)step;
    assert_int_equal(err->code, SK_INTERNAL);
    world_of(op)->undo_errors++;
}

static void start(struct world *w)
{
    struct sk_instant deadline = sk_instant_add(sk_loop_now(w->loop), SK_SEC(LIMIT_S));
    w->op.on_undo_error = undo_failed;
    sk_done_init(&w->whole, over);
    sk_op_start(&w->op, w->loop, NULL, steps, deadline, &w->whole);
    w->answers_before = w->answers;
}

static bool holds_nothing(const struct world *w)
{
    return !w->held[0] && !w->held[1] && !w->held[3];
}

static void test_success(void **state)
{
    (void)state;
    struct world w = {.loop = sk_vloop_new()};
    start(&w);
    assert_string_equal(sk_op_step_name(&w.op), "zero");
    sk_vloop_advance(w.loop, SK_MSEC(1500));
    assert_string_equal(sk_op_step_name(&w.op), "one");
    sk_vloop_advance(w.loop, SK_SEC(5));
    assert_string_equal(w.trace, "take0 take1 look take3 ");
    assert_int_equal(w.answers, 1);
    assert_int_equal(w.err.code, SK_OK);
    assert_true(w.held[0] && w.held[1] && w.held[3]);
    assert_true(sk_vloop_is_empty(w.loop)); /* the deadline's timer too */
    sk_loop_free(w.loop);
}

static void test_cancel_walks_back(void **state)
{
    (void)state;
    struct world w = {.loop = sk_vloop_new()};
    start(&w);
    sk_vloop_advance(w.loop, SK_MSEC(2500));
    assert_string_equal(sk_op_step_name(&w.op), "look");
    sk_op_cancel(&w.op, NULL);
    sk_op_cancel(&w.op, NULL);
    assert_int_equal(w.answers, 0); /* the step still has to answer */
    sk_vloop_advance(w.loop, SK_MSEC(10));
    assert_string_equal(w.trace, "take0 take1 look drop1 drop0 ");
    assert_int_equal(w.answers, 1);
    assert_int_equal(w.err.code, SK_CANCELLED);
    assert_true(holds_nothing(&w) && sk_vloop_is_empty(w.loop));
    sk_loop_free(w.loop);
}

static void test_cancel_says_why(void **state)
{
    (void)state;
    struct world w = {.loop = sk_vloop_new()};
    struct sk_err why;
    (void)!sk_fail(&why, SK_ABORTED, "deleted meanwhile");
    start(&w);
    sk_op_cancel(&w.op, &why);
    sk_vloop_advance(w.loop, SK_SEC(20));
    assert_string_equal(w.trace, "take0 drop0 "); /* the step under way is undone too */
    assert_int_equal(w.err.code, SK_ABORTED);
    assert_string_equal(w.err.text, "deleted meanwhile");
    sk_loop_free(w.loop);
}

/* Cancelling the completion of a flow cancels the flow: flows nest. */
static void test_cancel_through_whole(void **state)
{
    (void)state;
    struct world w = {.loop = sk_vloop_new()};
    start(&w);
    sk_done_cancel(&w.whole);
    sk_vloop_advance(w.loop, SK_MSEC(10));
    assert_int_equal(w.answers, 1);
    assert_int_equal(w.err.code, SK_CANCELLED);
    assert_true(holds_nothing(&w) && sk_vloop_is_empty(w.loop));
    sk_loop_free(w.loop);
}

static void test_undo_errors_do_not_stop_it(void **state)
{
    (void)state;
    struct world w = {.loop = sk_vloop_new(), .undo_fails = true};
    start(&w);
    sk_vloop_advance(w.loop, SK_MSEC(3500));
    sk_op_cancel(&w.op, NULL);
    sk_vloop_advance(w.loop, SK_SEC(1));
    assert_string_equal(w.trace, "take0 take1 look take3 drop3 drop1 drop0 ");
    assert_int_equal(w.undo_errors, 3);
    assert_int_equal(w.err.code, SK_CANCELLED); /* the first error is what is reported */
    sk_loop_free(w.loop);
}

static void test_empty_table(void **state)
{
    (void)state;
    static const struct sk_step none[] = {{0}};
    struct world w = {.loop = sk_vloop_new()};
    sk_done_init(&w.whole, over);
    sk_op_start(&w.op, w.loop, NULL, none, (struct sk_instant){0}, &w.whole);
    assert_int_equal(w.answers, 0);
    assert_string_equal(sk_op_step_name(&w.op), "");
    sk_op_cancel(&w.op, NULL); /* nothing to cancel */
    sk_vloop_settle(w.loop);
    assert_int_equal(w.answers, 1);
    assert_int_equal(w.err.code, SK_OK);
    sk_loop_free(w.loop);
}

static void cancel_itself(struct sk_op *op, struct sk_done *done)
{
    sk_op_cancel(op, NULL);
    call(world_of(op), 0, "take0", done);
}

static void test_cancel_from_inside_a_step(void **state)
{
    (void)state;
    static const struct sk_step table[] = {{"self", cancel_itself, drop_0}, {"three", take_3, drop_3}, {0}};
    struct world w = {.loop = sk_vloop_new()};
    sk_done_init(&w.whole, over);
    sk_op_start(&w.op, w.loop, NULL, table, (struct sk_instant){0}, &w.whole);
    assert_int_equal(w.answers, 0);
    sk_vloop_advance(w.loop, SK_MSEC(10)); /* less than the step would take */
    assert_string_equal(w.trace, "take0 drop0 ");
    assert_int_equal(w.err.code, SK_CANCELLED);
    sk_loop_free(w.loop);
}

static void test_deadline_long_past(void **state)
{
    (void)state;
    struct world w = {.loop = sk_vloop_new()};
    sk_done_init(&w.whole, over);
    sk_op_start(&w.op, w.loop, NULL, steps, (struct sk_instant){1}, &w.whole);
    sk_vloop_advance(w.loop, SK_MSEC(10));
    assert_string_equal(w.trace, "take0 drop0 ");
    assert_int_equal(w.err.code, SK_DEADLINE_EXCEEDED);
    assert_string_equal(w.err.text, "no time left in step \"zero\"");
    sk_loop_free(w.loop);
}

static void cancel_world(void *arg)
{
    struct world *w = arg;
    sk_op_cancel(&w->op, NULL);
}

static enum sk_code expected(enum sk_sweep_verdict flavour)
{
    static const enum sk_code codes[] = {SK_OK, SK_UNAVAILABLE, SK_UNAVAILABLE, SK_DEADLINE_EXCEEDED,
                                         SK_CANCELLED};
    return codes[flavour];
}

static void scenario(struct sk_sweep *sweep, void *arg)
{
    struct world w = {.loop = sk_vloop_new(), .sweep = sweep};
    (void)arg;
    sk_sweep_on_cancel(sweep, w.loop, cancel_world, &w);
    start(&w);
    assert_int_equal(w.answers_before, 0); /* never inside sk_op_start */
    sk_vloop_advance(w.loop, SK_SEC(2 * LIMIT_S));
    assert_int_equal(w.answers, 1);
    assert_int_equal(w.undo_errors, 0);
    assert_int_equal(w.err.code, expected(sk_sweep_flavour(sweep)));
    if (!sk_sweep_is_clean(sweep))
        assert_true(holds_nothing(&w));
    assert_true(sk_vloop_is_empty(w.loop));
    sk_loop_free(w.loop);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(scenario, NULL);
}

static void count_runs(struct sk_sweep *sweep, void *arg)
{
    int *runs = arg;
    runs[sk_sweep_flavour(sweep)]++;
    sk_sweep_pause(sweep, true);
    assert_int_equal(sk_sweep_point(sweep, "setup"), SK_SWEEP_OK);
    sk_sweep_pause(sweep, false);
    enum sk_sweep_verdict a = sk_sweep_point(sweep, "a"),
                          b = (enum sk_sweep_verdict)sk_sweep_hook(sweep, "b");
    assert_int_equal((a != SK_SWEEP_OK) + (b != SK_SWEEP_OK), !sk_sweep_is_clean(sweep));
}

/* The sweep itself: each flavour at each counted call, no cancel when none was offered. */
static void test_sweep_counts(void **state)
{
    int runs[5] = {0};
    (void)state;
    sk_sweep_run(count_runs, runs);
    assert_int_equal(runs[SK_SWEEP_OK], 1);
    assert_int_equal(runs[SK_SWEEP_FAIL_BEFORE], 2);
    assert_int_equal(runs[SK_SWEEP_FAIL_AFTER], 2);
    assert_int_equal(runs[SK_SWEEP_HANG], 2);
    assert_int_equal(runs[SK_SWEEP_CANCEL], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success),
        cmocka_unit_test(test_cancel_walks_back),
        cmocka_unit_test(test_cancel_says_why),
        cmocka_unit_test(test_cancel_through_whole),
        cmocka_unit_test(test_undo_errors_do_not_stop_it),
        cmocka_unit_test(test_empty_table),
        cmocka_unit_test(test_cancel_from_inside_a_step),
        cmocka_unit_test(test_deadline_long_past),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_sweep_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
