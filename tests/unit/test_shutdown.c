/* The end of the daemon's service (shutdown.h). */
#include "core/shutdown.h"
#include "support/drain_rig.h"

static void shut_down(struct world *w, struct answer *over)
{
    answer_init(over);
    sk_node_shutdown(w->node, &over->done);
    world_settle(w);
}

static void with_nothing_under_way_it_stops_at_once(void **state)
{
    struct world w;
    struct answer over;
    struct call endless;

    (void)state;
    world_init(&w);
    world_running(&w, NULL);
    call_begin(&w, &endless, SK_STAY_ENDLESS);
    shut_down(&w, &over);
    assert_int_equal(over.count, 1);
    assert_int_equal(endless.cuts, 1);
    assert_creates_are_refused(&w);
    world_stop(&w);
    world_start(&w); /* nothing of it is stored */
    assert_int_equal(phase_of(&w), SK_SERVING);
    assert_int_equal(sk_drain_status(w.node).sandboxes, 1);
    world_fini(&w);
}

static void it_waits_for_calls_and_cuts_endless_ones_last(void **state)
{
    struct world w;
    struct answer over;
    struct call brief, work, endless, late;
    struct sk_err err = {0};

    (void)state;
    world_init(&w);
    calls_begin(&w, &brief, &work, &endless);
    endless.lingers = true;
    shut_down(&w, &over);
    assert_creates_are_refused(&w);
    call_begin(&w, &late, SK_STAY_WORK); /* what takes little time need not be refused meanwhile */
    sk_stay_end(&late.stay);
    world_advance(&w, SK_SEC(20));
    sk_stay_end(&brief.stay);
    world_settle(&w);
    assert_int_equal(over.count + endless.cuts, 0);
    assert_int_equal(sk_shutdown_status(w.node).calls, 1);
    sk_stay_end(&work.stay);
    world_settle(&w);
    assert_int_equal(work.cuts, 0);
    assert_int_equal(endless.cuts, 1);
    assert_int_equal(sk_stay_begin(w.node, &late.stay, SK_STAY_WORK, on_cut, &err), SK_UNAVAILABLE);
    assert_int_equal(over.count, 0); /* it is being told */
    sk_stay_end(&endless.stay);
    world_settle(&w);
    assert_int_equal(over.count, 1);
    world_fini(&w);
}

static void calls_are_cut_at_the_limit(void **state)
{
    struct world w;
    struct answer over;
    struct call work, deaf;

    (void)state;
    world_init(&w);
    call_begin(&w, &work, SK_STAY_WORK);
    call_begin(&w, &deaf, SK_STAY_WORK);
    deaf.lingers = true;
    shut_down(&w, &over);
    world_advance(&w, SK_SEC(29));
    assert_int_equal(work.cuts, 0);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(work.cuts, 1);
    assert_int_equal(over.count, 0);
    world_advance(&w, SK_SEC(2)); /* who cannot be told in that time is not */
    assert_int_equal(over.count, 1);
    sk_stay_end(&deaf.stay);
    world_fini(&w);
}

static void a_second_signal_ends_the_waiting(void **state)
{
    struct world w;
    struct answer over;
    struct call work;

    (void)state;
    world_init(&w);
    call_begin(&w, &work, SK_STAY_WORK);
    shut_down(&w, &over);
    sk_shutdown_hurry(w.node);
    sk_shutdown_hurry(w.node);
    world_settle(&w);
    assert_int_equal(work.cuts, 1);
    assert_int_equal(over.count, 1);
    world_fini(&w);
}

static void sandboxes_can_be_stopped_with_the_daemon(void **state)
{
    struct world w;
    struct answer over;
    struct call work;
    char id[64];

    (void)state;
    world_init(&w);
    world_stop(&w);
    w.config.drain_stops = true;
    world_start(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    (void)snprintf(id, sizeof(id), "%s", sk_sandbox_record(s)->id);
    call_begin(&w, &work, SK_STAY_WORK);
    shut_down(&w, &over);
    assert_int_equal(shown(s), SK_STATE_RUNNING);
    sk_stay_end(&work.stay);
    world_advance(&w, SK_SEC(15));
    assert_int_equal(over.count, 1);
    world_stop(&w);
    assert_int_equal(world_stored_state(&w, id), SK_STATE_TERMINATED);
    world_start(&w);
    assert_string_equal(sk_sandbox_record(sk_node_find(w.node, id))->state_reason, "the node stopped");
    world_assert_clean(&w);
    world_fini(&w);
}

/* One that cannot be ended in time is left to the next daemon. */
static void a_sandbox_that_resists_delays_the_stop_for_a_while_only(void **state)
{
    struct world w;
    struct answer over;

    (void)state;
    world_init(&w);
    world_stop(&w);
    w.config.drain_stops = true;
    world_start(&w);
    world_running(&w, NULL);
    sk_fake_runtime_away(w.runtime, true);
    shut_down(&w, &over);
    world_advance(&w, SK_SEC(29));
    world_advance(&w, SK_SEC(2));
    assert_int_equal(over.count, 1);
    world_stop(&w);
    sk_fake_runtime_away(w.runtime, false);
    w.config.drain_stops = false;
    world_start(&w);
    world_advance(&w, SK_SEC(60));
    assert_int_equal(sk_drain_status(w.node).sandboxes, 0);
    world_assert_clean(&w);
    world_fini(&w);
}

static void who_waits_for_a_drain_hears_of_the_stop(void **state)
{
    struct world w;
    struct answer waits, over, refused;
    struct sk_drain_ask ask = {.sandboxes = SK_DRAIN_LEAVE};
    struct call work;

    (void)state;
    world_init(&w);
    call_begin(&w, &work, SK_STAY_WORK);
    drain_for(&w, 60, false);
    answer_init(&waits);
    sk_drain_await(w.node, &waits.done);
    shut_down(&w, &over);
    assert_refused(&waits);
    answer_init(&refused);
    sk_drain_begin(w.node, &ask, &refused.done);
    world_settle(&w);
    assert_refused(&refused);
    answer_init(&refused);
    sk_drain_end(w.node, &refused.done);
    world_settle(&w);
    assert_refused(&refused);
    sk_stay_end(&work.stay);
    world_settle(&w);
    assert_int_equal(over.count, 1);
    world_stop(&w);
    world_start(&w); /* the drain that was asked for goes on */
    assert_int_equal(sk_node_health(w.node), SK_HEALTH_DRAINING);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_nothing_under_way_it_stops_at_once),
        cmocka_unit_test(it_waits_for_calls_and_cuts_endless_ones_last),
        cmocka_unit_test(calls_are_cut_at_the_limit),
        cmocka_unit_test(a_second_signal_ends_the_waiting),
        cmocka_unit_test(sandboxes_can_be_stopped_with_the_daemon),
        cmocka_unit_test(a_sandbox_that_resists_delays_the_stop_for_a_while_only),
        cmocka_unit_test(who_waits_for_a_drain_hears_of_the_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
