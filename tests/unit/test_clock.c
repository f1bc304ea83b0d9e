#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

static void test_arithmetic(void **state)
{
    (void)state;
    struct sk_instant at = {5000000000};
    assert_int_equal(sk_instant_add(at, SK_MSEC(1)).ns, 5001000000);
    assert_int_equal(sk_instant_add(at, SK_SEC(-1)).ns, 4000000000);
    assert_int_equal(sk_instant_diff(sk_instant_add(at, SK_NS(7)), at).ns, 7);
    assert_int_equal(sk_duration_ms(SK_SEC(3)), 3000);
    assert_int_equal(SK_SEC(100000000).ns, 100000000000000000);
}

static void test_min(void **state)
{
    (void)state;
    struct sk_instant never = {0}, early = {1}, late = {2};
    assert_false(sk_instant_is_set(never));
    assert_int_equal(sk_instant_min(never, late).ns, 2);
    assert_int_equal(sk_instant_min(late, never).ns, 2);
    assert_int_equal(sk_instant_min(early, late).ns, 1);
    assert_int_equal(sk_instant_min(late, early).ns, 1);
    assert_false(sk_instant_is_set(sk_instant_min(never, never)));
}

static void test_system(void **state)
{
    (void)state;
    struct sk_instant before = sk_clock_boot();
    struct timespec ts;
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &ts), 0);
    int64_t between = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
    assert_true(before.ns > 0 && before.ns <= between && between <= sk_clock_boot().ns);
    assert_true(sk_clock_wall().ns / 1000000000 - time(NULL) <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_min),
        cmocka_unit_test(test_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
