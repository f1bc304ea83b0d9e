#include "metrics/lag.h"
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void expect(struct sk_metrics *metrics, const char *line)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;

    sk_buf_init(&out, 1 << 20);
    assert_int_equal(sk_metrics_write(metrics, &out), SK_OK);
    assert_int_equal(sk_buf_append(&out, "", 1), SK_OK);
    if (!strstr((char *)out.data, line))
        fail_msg("no \"%s\" in:\n%s", line, (char *)out.data);
}

/* On a virtual clock no timer is ever late, so all of them are in the first bucket. */
static void test_it_measures_on_and_on(void **state)
{
    struct sk_loop *loop = sk_vloop_new();
    struct sk_metrics *metrics = sk_metrics_new();
    struct sk_lag lag;

    (void)state;
    sk_lag_start(&lag, loop, metrics);
    sk_vloop_advance(loop, SK_SEC(10));
    expect(metrics, "sandkeep_loop_lag_seconds_bucket{le=\"0.0005\"} 20\n");
    expect(metrics, "sandkeep_loop_lag_seconds_sum 0\n");
    sk_lag_stop(&lag);
    assert_true(sk_vloop_is_empty(loop));
    sk_metrics_free(metrics);
    sk_loop_free(loop);
}

static void test_stopping_what_never_started(void **state)
{
    struct sk_lag lag = {0};

    (void)state;
    sk_lag_stop(&lag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_measures_on_and_on),
        cmocka_unit_test(test_stopping_what_never_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
