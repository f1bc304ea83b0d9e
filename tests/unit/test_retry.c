#include "drivers/registry/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_what_is_worth_a_try(void **state)
{
    static const struct {
        struct sk_outcome outcome;
        bool worth;
    } rows[] = {
        {{SK_UNAVAILABLE, 0, -1}, true},          /* reset, stall, no name */
        {{SK_PERMISSION_DENIED, 0, -1}, false},   /* a forbidden address */
        {{SK_FAILED_PRECONDITION, 0, -1}, false}, /* a certificate */
        {{SK_RESOURCE_EXHAUSTED, 0, -1}, false},  /* too long */
        {{SK_DATA_LOSS, 200, -1}, false},         {{SK_FAILED_PRECONDITION, 302, -1}, false},
        {{SK_UNAUTHENTICATED, 401, -1}, false},   {{SK_NOT_FOUND, 404, -1}, false},
        {{SK_UNAVAILABLE, 408, -1}, true},        {{SK_RESOURCE_EXHAUSTED, 429, -1}, true},
        {{SK_UNAVAILABLE, 500, -1}, true},        {{SK_UNAVAILABLE, 501, -1}, false},
        {{SK_UNAVAILABLE, 503, -1}, true},        {{SK_UNAVAILABLE, 599, -1}, true},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++)
        if (sk_retry_is_worth(&rows[i].outcome) != rows[i].worth)
            fail_msg("row %zu", i);
}

static void test_pauses_grow(void **state)
{
    static const int64_t longest_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    const struct sk_retry_policy policy = SK_RETRY_USUAL;
    const struct sk_outcome outcome = {SK_UNAVAILABLE, 503, -1};
    (void)state;
    for (unsigned i = 0; i < sk_array_len(longest_ms); i++) {
        assert_int_equal(sk_duration_ms(sk_retry_pause(&policy, &outcome, i + 1, 0)), longest_ms[i]);
        for (uint32_t chance = 0; chance < 5000; chance += 7) {
            int64_t ms = sk_duration_ms(sk_retry_pause(&policy, &outcome, i + 1, chance));
            assert_in_range(ms, longest_ms[i] / 2, longest_ms[i]);
        }
        assert_true(sk_duration_ms(sk_retry_pause(&policy, &outcome, i + 1, 1023)) <
                    longest_ms[i] * 51 / 100);
    }
    assert_int_equal(sk_duration_ms(sk_retry_pause(&policy, &outcome, UINT32_MAX, 0)), 30000);
}

static void test_what_they_ask_for(void **state)
{
    const struct sk_retry_policy policy = SK_RETRY_USUAL;
    struct sk_outcome outcome = {SK_RESOURCE_EXHAUSTED, 429, 0};
    (void)state;
    assert_int_equal(sk_duration_ms(sk_retry_pause(&policy, &outcome, 1, 0)), 500);
    outcome.retry_after_s = 7;
    assert_int_equal(sk_duration_ms(sk_retry_pause(&policy, &outcome, 1, 1023)), 7000);
    assert_int_equal(sk_duration_ms(sk_retry_pause(&policy, &outcome, 5, 0)), 8000);
    outcome.retry_after_s = 60;
    assert_false(sk_retry_is_too_long(&policy, &outcome));
    outcome.retry_after_s = 61;
    assert_true(sk_retry_is_too_long(&policy, &outcome));
    outcome.retry_after_s = INT64_MAX;
    assert_true(sk_retry_is_too_long(&policy, &outcome));
    outcome.status = 404;
    assert_false(sk_retry_is_too_long(&policy, &outcome));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_worth_a_try),
        cmocka_unit_test(test_pauses_grow),
        cmocka_unit_test(test_what_they_ask_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
