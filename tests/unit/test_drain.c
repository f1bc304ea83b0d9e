/* The end of the node's service (drain.h). */
#include "support/drain_rig.h"
#include "support/sessions.h"

static void undrain(struct world *w)
{
    struct answer stored;

    answer_init(&stored);
    sk_drain_end(w->node, &stored.done);
    world_settle(w);
    assert_int_equal(stored.err.code, SK_OK);
}

/* --- what is refused, and what goes on ------------------------------------------ */

static void creates_and_sessions_are_refused(void **state)
{
    struct world w;
    struct answer created, again, opened;
    struct sk_session *session = NULL;

    (void)state;
    world_init(&w);
    world_create(&w, world_record(&w, "r1"), &created);
    world_settle(&w);
    drain_for(&w, 60, false);
    assert_false(sk_node_is_available(w.node));
    assert_int_equal(sk_node_health(w.node), SK_HEALTH_DRAINING);
    assert_creates_are_refused(&w);
    answer_init(&opened);
    sk_session_open(w.node, session_record(&w, "s1"), &session, &opened.done);
    world_settle(&w);
    assert_refused(&opened);
    world_create(&w, world_record(&w, "r1"), &again); /* one that was accepted is no new one */
    world_settle(&w);
    assert_ptr_equal(again.sandbox, created.sandbox);
    undrain(&w);
    assert_true(sk_node_is_available(w.node));
    assert_int_equal(shown(world_running(&w, NULL)), SK_STATE_RUNNING);
    world_fini(&w);
}

static void what_exists_works_on(void **state)
{
    struct world w;
    struct run run;
    struct call late;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    drain_for(&w, 60, false);
    call_begin(&w, &late, SK_STAY_WORK); /* a stream may begin until the deadline */
    sk_stay_end(&late.stay);
    run_start(&run, s, ARGV("true"), false, true);
    world_settle(&w);
    assert_int_equal(run.exits, 1);
    run_close(&run);
    assert_int_equal(shown(s), SK_STATE_RUNNING);
    world_advance(&w, SK_SEC(90));
    world_fini(&w);
}

/* --- streams, and the deadline --------------------------------------------------- */

static void it_is_over_when_the_streams_are(void **state)
{
    struct world w;
    struct call brief, work, endless;
    struct answer over;

    (void)state;
    world_init(&w);
    call_begin(&w, &brief, SK_STAY_BRIEF);
    call_begin(&w, &work, SK_STAY_WORK);
    call_begin(&w, &endless, SK_STAY_BRIEF);
    sk_stay_become(&endless.stay, SK_STAY_ENDLESS);
    drain_for(&w, 60, false);
    answer_init(&over);
    sk_drain_await(w.node, &over.done);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(phase_of(&w), SK_DRAINING);
    assert_int_equal(sk_drain_status(w.node).streams, 2);
    sk_stay_end(&work.stay);
    world_settle(&w);
    assert_int_equal(over.count, 0);
    sk_stay_end(&endless.stay);
    sk_stay_end(&endless.stay); /* harmless */
    world_settle(&w);
    assert_int_equal(over.count, 1);
    assert_int_equal(over.err.code, SK_OK);
    assert_int_equal(phase_of(&w), SK_DRAINED);
    sk_stay_end(&brief.stay);
    world_fini(&w);
}

static void streams_are_cut_at_the_deadline(void **state)
{
    struct world w;
    struct call brief, work, endless, late;
    struct sk_err err = {0};

    (void)state;
    world_init(&w);
    calls_begin(&w, &brief, &work, &endless);
    work.lingers = true;
    drain_for(&w, 60, false);
    world_advance(&w, SK_SEC(59));
    assert_int_equal(work.cuts + endless.cuts, 0);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(work.cuts, 1);
    assert_int_equal(endless.cuts, 1);
    sk_stay_why(&work.stay, &err);
    assert_int_equal(err.code, SK_UNAVAILABLE);
    assert_string_equal(err.reason, "RUNNER_UNAVAILABLE");
    assert_int_equal(phase_of(&w), SK_DRAINING); /* one still has to go */
    sk_stay_end(&work.stay);
    sk_stay_end(&brief.stay);
    assert_int_equal(phase_of(&w), SK_DRAINED);
    assert_int_equal(sk_stay_begin(w.node, &late.stay, SK_STAY_WORK, on_cut, &err), SK_UNAVAILABLE);
    call_begin(&w, &brief, SK_STAY_BRIEF); /* records can be asked for */
    sk_stay_end(&brief.stay);
    undrain(&w);
    call_begin(&w, &late, SK_STAY_WORK);
    sk_stay_end(&late.stay);
    world_fini(&w);
}

static void asked_again_the_earlier_deadline_counts(void **state)
{
    struct world w;
    struct call work;

    (void)state;
    world_init(&w);
    call_begin(&w, &work, SK_STAY_WORK);
    drain_for(&w, 60, true);
    struct sk_wall first = sk_drain_status(w.node).deadline;
    drain_for(&w, 600, false);
    assert_int_equal(sk_drain_status(w.node).deadline.ns, first.ns);
    assert_true(sk_drain_status(w.node).stops);
    drain_for(&w, 0, false);
    assert_int_equal(work.cuts, 1);
    world_fini(&w);
}

static void who_sets_the_clock_moves_no_deadline(void **state)
{
    static const int64_t years[] = {30, -30};

    (void)state;
    for (size_t i = 0; i < sk_array_len(years); i++) {
        struct world w;
        struct call work;
        world_init(&w);
        call_begin(&w, &work, SK_STAY_WORK);
        drain_for(&w, 60, false);
        world_advance(&w, SK_SEC(30));
        sk_vloop_jump_wall(w.loop, SK_SEC(years[i] * 365 * 86400));
        drain_for(&w, 60, false); /* as who waits for its end does from time to time */
        struct sk_drain_status status = sk_drain_status(w.node);
        assert_true(status.deadline.ns - sk_loop_wall(w.loop).ns == SK_SEC(30).ns);
        world_advance(&w, SK_SEC(29));
        assert_int_equal(work.cuts, 0);
        world_advance(&w, SK_SEC(1));
        assert_int_equal(work.cuts, 1);
        sk_stay_end(&work.stay);
        world_fini(&w);
    }
}

static void a_waiter_may_give_up_and_an_undrain_ends_the_wait(void **state)
{
    struct world w;
    struct call work;
    struct answer first, second;

    (void)state;
    world_init(&w);
    call_begin(&w, &work, SK_STAY_WORK);
    drain_for(&w, 60, false);
    answer_init(&first);
    answer_init(&second);
    sk_drain_await(w.node, &first.done);
    sk_drain_await(w.node, &second.done);
    sk_done_cancel(&first.done);
    world_settle(&w);
    assert_int_equal(first.err.code, SK_CANCELLED);
    assert_int_equal(second.count, 0);
    undrain(&w);
    assert_int_equal(second.count, 1);
    assert_int_equal(phase_of(&w), SK_SERVING);
    sk_stay_end(&work.stay);
    world_fini(&w);
}

/* --- sandboxes --------------------------------------------------------------------- */

static void sandboxes_are_ended_once_the_streams_are_over(void **state)
{
    struct world w;
    struct call work;
    struct answer over;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = sk_sandbox_ref(world_running(&w, NULL));
    call_begin(&w, &work, SK_STAY_WORK);
    drain_for(&w, 60, true);
    answer_init(&over);
    sk_drain_await(w.node, &over.done);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(shown(s), SK_STATE_RUNNING);
    sk_stay_end(&work.stay);
    world_advance(&w, SK_SEC(15));
    assert_int_equal(shown(s), SK_STATE_TERMINATED);
    assert_string_equal(sk_sandbox_record(s)->state_reason, "the node is being drained");
    assert_int_equal(world_stored_state(&w, sk_sandbox_record(s)->id), SK_STATE_TERMINATED);
    assert_int_equal(over.count, 1);
    assert_int_equal(phase_of(&w), SK_DRAINED);
    sk_sandbox_unref(s);
    world_assert_clean(&w);
    world_fini(&w);
}

/* One whose create is under way when the drain begins. */
static void one_that_is_being_made_is_ended_too(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    for (int at = 0; at < 90; at += 5) {
        world_init(&w);
        sk_fake_runtime_calls(w.runtime)->latency = SK_MSEC(10);
        world_create(&w, world_record(&w, ""), &created);
        world_advance(&w, SK_MSEC(at));
        drain_for(&w, 60, true);
        world_advance(&w, SK_SEC(40));
        assert_int_equal(sk_drain_status(w.node).sandboxes, 0);
        assert_int_equal(phase_of(&w), SK_DRAINED);
        world_assert_clean(&w);
        world_fini(&w);
    }
}

/* --- the store --------------------------------------------------------------------- */

static void a_drain_outlives_the_daemon(void **state)
{
    struct world w;
    struct call work;

    (void)state;
    world_init(&w);
    world_running(&w, NULL);
    drain_for(&w, 60, false);
    world_advance(&w, SK_SEC(20));
    world_crash(&w);
    world_start(&w);
    assert_int_equal(sk_node_health(w.node), SK_HEALTH_DRAINING);
    assert_creates_are_refused(&w);
    call_begin(&w, &work, SK_STAY_WORK);
    world_advance(&w, SK_SEC(39));
    assert_int_equal(work.cuts, 0);
    world_advance(&w, SK_SEC(2)); /* 60 s in all */
    assert_int_equal(work.cuts, 1);
    undrain(&w);
    world_stop(&w);
    world_start(&w);
    assert_int_equal(phase_of(&w), SK_SERVING);
    world_fini(&w);
}

/* Killed while the sandboxes are ended: the next daemon ends the rest. */
static void killed_in_the_middle(void **state)
{
    struct world w;

    (void)state;
    for (int at = 0; at < 12000; at += 700) {
        world_init(&w);
        sk_fake_runtime_calls(w.runtime)->latency = SK_MSEC(100);
        struct answer created;
        world_create(&w, world_record(&w, ""), &created);
        world_advance(&w, SK_SEC(5));
        drain_for(&w, 1, true);
        world_advance(&w, SK_MSEC(at));
        world_crash(&w);
        world_start(&w);
        world_advance(&w, SK_SEC(60));
        assert_int_equal(phase_of(&w), SK_DRAINED);
        assert_int_equal(sk_drain_status(w.node).sandboxes, 0);
        world_assert_clean(&w);
        world_fini(&w);
    }
}

static int refuse_store(void *arg, const char *call)
{
    (void)arg;
    return strncmp(call, "store.", 6) == 0 ? SK_FAKE_FAIL : SK_FAKE_OK;
}

static void a_disk_that_refuses_delays_no_drain(void **state)
{
    struct world w;
    struct sk_drain_ask ask = {.sandboxes = SK_DRAIN_AS_CONFIGURED};
    struct answer stored;

    (void)state;
    world_init(&w);
    world_hook(&w, refuse_store, NULL);
    answer_init(&stored);
    sk_drain_begin(w.node, &ask, &stored.done);
    world_settle(&w);
    assert_int_equal(stored.count, 1);
    assert_int_not_equal(stored.err.code, SK_OK);
    assert_creates_are_refused(&w);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creates_and_sessions_are_refused),
        cmocka_unit_test(what_exists_works_on),
        cmocka_unit_test(it_is_over_when_the_streams_are),
        cmocka_unit_test(streams_are_cut_at_the_deadline),
        cmocka_unit_test(asked_again_the_earlier_deadline_counts),
        cmocka_unit_test(who_sets_the_clock_moves_no_deadline),
        cmocka_unit_test(a_waiter_may_give_up_and_an_undrain_ends_the_wait),
        cmocka_unit_test(sandboxes_are_ended_once_the_streams_are_over),
        cmocka_unit_test(one_that_is_being_made_is_ended_too),
        cmocka_unit_test(a_drain_outlives_the_daemon),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(a_disk_that_refuses_delays_no_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
