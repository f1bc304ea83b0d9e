#include "loop/timers.h"
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MANY = 500 };

struct alarm {
    struct sk_timer timer;
    struct sk_loop *loop;
    struct sk_instant due, fired_at;
    int fired;
};

static void ring(struct sk_timer *timer)
{
    struct alarm *alarm = sk_container_of(timer, struct alarm, timer);
    alarm->fired++;
    alarm->fired_at = sk_loop_now(alarm->loop);
}

static void set(struct alarm *alarm, struct sk_loop *loop, struct sk_duration in)
{
    alarm->loop = loop;
    alarm->due = sk_instant_add(sk_loop_now(loop), in);
    sk_timer_start(loop, &alarm->timer, alarm->due, ring);
}

/* A repeatable jumble of numbers below `below`. */
static int64_t jumble(uint32_t *seed, int64_t below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (int64_t)(*seed >> 8) % below;
}

/* Starts, moves and stops many at random; each that is left fires once, exactly when due. */
static void test_jumble(void **state)
{
    (void)state;
    static struct alarm alarms[MANY];
    struct sk_loop *loop = sk_vloop_new();
    uint32_t seed = 7;
    for (size_t i = 0; i < MANY; i++)
        set(&alarms[i], loop, SK_MSEC(jumble(&seed, 1000)));
    for (size_t i = 0; i < MANY; i += 3)
        set(&alarms[i], loop, SK_MSEC(jumble(&seed, 1000)));
    for (size_t i = 0; i < MANY; i += 5) {
        sk_timer_stop(loop, &alarms[i].timer);
        sk_timer_stop(loop, &alarms[i].timer);
    }
    sk_vloop_advance(loop, SK_SEC(1));
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(alarms[i].fired, i % 5 ? 1 : 0);
        if (i % 5)
            assert_int_equal(alarms[i].fired_at.ns, alarms[i].due.ns);
    }
    assert_true(sk_vloop_is_empty(loop));
    sk_loop_free(loop);
}

static void test_never_early(void **state)
{
    (void)state;
    struct sk_loop *loop = sk_vloop_new();
    struct alarm alarm = {0};
    set(&alarm, loop, SK_SEC(10));
    sk_vloop_advance(loop, SK_NS(9999999999));
    assert_int_equal(alarm.fired, 0);
    assert_false(sk_vloop_is_empty(loop));
    sk_vloop_jump_wall(loop, SK_SEC(1000000)); /* not its clock */
    sk_vloop_settle(loop);
    assert_int_equal(alarm.fired, 0);
    sk_vloop_advance(loop, SK_NS(1));
    assert_int_equal(alarm.fired, 1);
    sk_loop_free(loop);
}

static void again(struct sk_timer *timer)
{
    struct alarm *alarm = sk_container_of(timer, struct alarm, timer);
    if (++alarm->fired < 3)
        sk_timer_start(alarm->loop, timer, sk_loop_now(alarm->loop), again);
}

/* A timer that is due at once when it starts itself again fires once a turn, not for ever in one. */
static void test_restart_from_inside(void **state)
{
    (void)state;
    struct sk_loop *loop = sk_vloop_new();
    struct alarm alarm = {.loop = loop};
    sk_timer_start(loop, &alarm.timer, sk_loop_now(loop), again);
    assert_int_equal(alarm.fired, 0); /* never inside the call */
    assert_true(sk_vloop_turn(loop));
    assert_int_equal(alarm.fired, 1);
    sk_vloop_settle(loop);
    assert_int_equal(alarm.fired, 3);
    sk_loop_free(loop);
}

struct pair {
    struct sk_timer first, second;
    struct sk_loop *loop;
    int fired;
};

static void stop_other(struct sk_timer *timer)
{
    struct pair *pair = sk_container_of(timer, struct pair, first);
    pair->fired++;
    sk_timer_stop(pair->loop, &pair->second);
}

static void never(struct sk_timer *timer)
{
    sk_container_of(timer, struct pair, second)->fired += 100;
}

static void test_stop_one_that_is_due(void **state)
{
    (void)state;
    struct sk_loop *loop = sk_vloop_new();
    struct pair pair = {.loop = loop};
    struct sk_instant now = sk_loop_now(loop);
    sk_timer_start(loop, &pair.first, now, stop_other);
    sk_timer_start(loop, &pair.second, now, never); /* due in the same turn */
    sk_vloop_settle(loop);
    assert_int_equal(pair.fired, 1);
    sk_loop_free(loop);
}

static void test_wall_goes_along(void **state)
{
    (void)state;
    struct sk_loop *loop = sk_vloop_new();
    struct sk_wall wall = sk_loop_wall(loop);
    sk_vloop_advance(loop, SK_SEC(5));
    assert_int_equal(sk_loop_wall(loop).ns - wall.ns, SK_SEC(5).ns);
    sk_vloop_jump_wall(loop, SK_SEC(-60));
    assert_int_equal(sk_loop_wall(loop).ns - wall.ns, SK_SEC(-55).ns);
    sk_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jumble),
        cmocka_unit_test(test_never_early),
        cmocka_unit_test(test_restart_from_inside),
        cmocka_unit_test(test_stop_one_that_is_due),
        cmocka_unit_test(test_wall_goes_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
