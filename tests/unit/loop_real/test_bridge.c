/* The thread that waits on gRPC's queue, and the loop. */
#include "rpc/bridge.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <setjmp.h>
#include <stdarg.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

#define ALARMS 1000

struct rig {
    struct sk_loop *loop;
    struct sk_bridge *bridge;
    struct sk_done closed;
    bool is_closed;
};

/* gRPC core has no alarm in C: watching an idle channel until a deadline is one. */
struct alarm {
    struct sk_tag tag;
    unsigned *left;
    struct sk_loop *loop;
    unsigned fired;
    bool ok;
};

struct pause {
    struct sk_timer timer;
    struct sk_loop *loop;
};

static void on_alarm(struct sk_tag *tag, bool ok)
{
    struct alarm *alarm = sk_container_of(tag, struct alarm, tag);

    alarm->fired++;
    alarm->ok = ok;
    if (--*alarm->left == 0)
        sk_loop_stop(alarm->loop);
}

static void on_closed(struct sk_done *done, const struct sk_err *err)
{
    struct rig *rig = sk_container_of(done, struct rig, closed);
    (void)err;
    rig->is_closed = true;
    sk_loop_stop(rig->loop);
}

static void setup(struct rig *rig)
{
    struct sk_err err;

    *rig = (struct rig){0};
    assert_int_equal(sk_loop_new(&rig->loop, &err), SK_OK);
    assert_int_equal(sk_bridge_new(rig->loop, &rig->bridge, &err), SK_OK);
}

static void teardown(struct rig *rig)
{
    sk_done_init(&rig->closed, on_closed);
    sk_bridge_close(rig->bridge, &rig->closed);
    assert_false(rig->is_closed); /* never inside the call */
    sk_loop_run(rig->loop);
    assert_true(rig->is_closed);
    sk_loop_free(rig->loop);
}

static void test_opens_and_closes(void **state)
{
    struct rig rig;

    (void)state;
    for (int i = 0; i < 3; i++) {
        setup(&rig);
        assert_ptr_equal(sk_bridge_loop(rig.bridge), rig.loop);
        teardown(&rig);
    }
}

static void watch_once(struct rig *rig, grpc_channel *channel, void *tag, int64_t ms)
{
    gpr_timespec at = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));

    grpc_channel_watch_connectivity_state(channel, GRPC_CHANNEL_IDLE, at, sk_bridge_queue(rig->bridge), tag);
}

static void watch(struct rig *rig, grpc_channel *channel, struct alarm *alarms, unsigned *left, int64_t ms)
{
    *left = ALARMS;
    for (size_t i = 0; i < ALARMS; i++) {
        alarms[i] = (struct alarm){.tag = {on_alarm}, .left = left, .loop = rig->loop};
        watch_once(rig, channel, &alarms[i].tag, ms);
    }
}

static grpc_channel *idle_channel(void)
{
    grpc_channel_credentials *plain = grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create("unix:/nonexistent/sock", plain, NULL);
    grpc_channel_credentials_release(plain);
    return channel;
}

static void test_every_event_arrives_once(void **state)
{
    struct rig rig;
    struct alarm *alarms = sk_alloc(ALARMS * sizeof(*alarms));
    unsigned left;

    (void)state;
    setup(&rig);
    grpc_channel *channel = idle_channel();
    watch(&rig, channel, alarms, &left, 10);
    sk_loop_run(rig.loop);
    for (size_t i = 0; i < ALARMS; i++) {
        assert_int_equal(alarms[i].fired, 1);
        assert_false(alarms[i].ok); /* the deadline passed, nothing changed */
    }
    grpc_channel_destroy(channel);
    teardown(&rig);
    free(alarms);
}

static void stop(struct sk_timer *timer)
{
    sk_loop_stop(sk_container_of(timer, struct pause, timer)->loop);
}

static void run_for(struct rig *rig, int64_t ms)
{
    struct pause pause = {.loop = rig->loop};

    sk_timer_start(rig->loop, &pause.timer, sk_instant_add(sk_loop_now(rig->loop), SK_MSEC(ms)), stop);
    sk_loop_run(rig->loop);
}

/* It comes, but not by itself. When is up to gRPC's timers: on a busy machine perhaps after a loud one. */
static void test_a_quiet_event_waits_for_a_loud_one(void **state)
{
    struct rig rig;
    struct alarm quiet, loud;
    unsigned loud_left, quiet_left = 2; /* which it does not reach: it stops nothing */

    (void)state;
    setup(&rig);
    grpc_channel *channel = idle_channel();
    quiet = (struct alarm){.tag = {on_alarm}, .left = &quiet_left, .loop = rig.loop};
    loud = (struct alarm){.tag = {on_alarm}, .left = &loud_left, .loop = rig.loop};
    watch_once(&rig, channel, sk_tag_quietly(&quiet.tag), 10);
    run_for(&rig, 200);
    assert_int_equal(quiet.fired, 0);
    do {
        loud_left = 1;
        watch_once(&rig, channel, &loud.tag, 10);
        sk_loop_run(rig.loop);
    } while (!quiet.fired);
    assert_int_equal(quiet.fired, 1);
    assert_true(loud.fired > 0);
    grpc_channel_destroy(channel);
    teardown(&rig);
}

/* Closing waits for what is under way, and its events come before the end. */
static void test_close_drains_the_queue(void **state)
{
    struct rig rig;
    struct alarm *alarms = sk_alloc(ALARMS * sizeof(*alarms));
    unsigned left;

    (void)state;
    setup(&rig);
    grpc_channel *channel = idle_channel();
    watch(&rig, channel, alarms, &left, 50);
    grpc_channel_destroy(channel);
    sk_done_init(&rig.closed, on_closed);
    sk_bridge_close(rig.bridge, &rig.closed);
    while (!rig.is_closed)
        sk_loop_run(rig.loop);
    assert_int_equal(left, 0);
    sk_loop_free(rig.loop);
    free(alarms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_and_closes),
        cmocka_unit_test(test_every_event_arrives_once),
        cmocka_unit_test(test_a_quiet_event_waits_for_a_loud_one),
        cmocka_unit_test(test_close_drains_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
