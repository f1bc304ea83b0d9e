/* So many bytes a second. */
#include "core/allowance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_second_at_once_then_the_rate(void **state)
{
    struct sk_instant now = {5000000000};
    struct sk_allowance a;

    (void)state;
    sk_allowance_init(&a, 1000, now);
    assert_int_equal(sk_allowance_spend(&a, 1000, now).ns, 0);
    assert_int_equal(sk_duration_ms(sk_allowance_spend(&a, 500, now)), 500);
    now = sk_instant_add(now, SK_MSEC(501));
    assert_int_equal(sk_allowance_spend(&a, 0, now).ns, 0);
    now = sk_instant_add(now, SK_SEC(1000000)); /* nothing is saved up */
    assert_int_equal(sk_allowance_spend(&a, 1000, now).ns, 0);
    assert_true(sk_allowance_spend(&a, 1, now).ns > 0);
}

static void over_a_long_time_the_rate_holds(void **state)
{
    struct sk_instant now = {1};
    struct sk_allowance a;
    int64_t spent = 0;

    (void)state;
    sk_allowance_init(&a, INT64_C(1) << 40, now);
    while (now.ns < SK_SEC(100).ns) {
        struct sk_duration wait = sk_allowance_spend(&a, 1 << 30, now);
        spent += 1 << 30;
        now = sk_instant_add(now, wait);
        now.ns += 1000;
    }
    assert_true(spent <= 102 * (INT64_C(1) << 40));
    assert_true(spent >= 99 * (INT64_C(1) << 40));
}

static void none_means_none(void **state)
{
    struct sk_allowance a;

    (void)state;
    sk_allowance_init(&a, 0, (struct sk_instant){1});
    assert_int_equal(sk_allowance_spend(&a, INT64_MAX, (struct sk_instant){1}).ns, 0);
    assert_int_equal(sk_allowance_spend(&a, INT64_MAX, (struct sk_instant){1}).ns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_at_once_then_the_rate),
        cmocka_unit_test(over_a_long_time_the_rate_holds),
        cmocka_unit_test(none_means_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
