#include "cli/moment.h"

#include <setjmp.h>
#include <stdarg.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

static void age(int64_t seconds, const char *want)
{
    char text[24];
    sk_age_print(seconds, text, sizeof(text));
    assert_string_equal(text, want);
}

static void test_ages(void **state)
{
    (void)state;
    age(-5, "0s");
    age(0, "0s");
    age(119, "119s");
    age(120, "2m");
    age(7199, "119m");
    age(7200, "2h");
    age(172799, "47h");
    age(172800, "2d");
    age(INT64_MAX, "106751991167300d");
}

static void test_between(void **state)
{
    (void)state;
    assert_true(sk_seconds_between(3, 10) == 7 && sk_seconds_between(10, 3) == -7);
    assert_true(sk_seconds_between(INT64_MIN, 1) == INT64_MAX);
    assert_true(sk_seconds_between(1, INT64_MIN) == INT64_MIN);
}

static void moment(int64_t seconds, int32_t nanos, const char *want)
{
    char text[48];
    sk_moment_print(seconds, nanos, text, sizeof(text));
    assert_string_equal(text, want);
}

static void test_moments(void **state)
{
    (void)state;
    moment(0, 0, "1970-01-01T00:00:00.000Z");
    moment(1767323045, 6999999, "2026-01-02T03:04:05.006Z");
    moment(INT64_MAX, 0, "");
}

#define NOW (1767323045 * NS + 5) /* 2026-01-02T03:04:05 and a little */
#define NS  1000000000LL

static void since(const char *text, int64_t want)
{
    struct sk_wall at = {0};
    struct sk_err err;

    assert_int_equal(sk_since_parse(text, (struct sk_wall){NOW}, &at, &err), SK_OK);
    assert_true(at.ns == want);
}

static void test_durations(void **state)
{
    (void)state;
    since("0s", NOW);
    since("90s", NOW - 90 * NS);
    since("1h30m", NOW - 5400 * NS);
    since("2d", NOW - 172800 * NS);
    since("1d1h1m1s", NOW - 90061 * NS);
    since("36500d", 1); /* the beginning of time */
}

static void test_times(void **state)
{
    (void)state;
    since("2026-01-02", 1767312000 * NS);
    since("2026-01-02T03:04:05", 1767323045 * NS);
    since("2026-01-02T03:04:05Z", 1767323045 * NS);
    since("2026-01-02T03:04:05.25Z", 1767323045 * NS + 250000000);
    since("2026-01-02T03:04:05.0000000019", 1767323045 * NS + 1);
    since("2026-01-02T04:34:05+01:30", 1767323045 * NS);
    since("2026-01-01T22:04:05.5-05:00", 1767323045 * NS + 500000000);
}

static void test_neither(void **state)
{
    static const char *const texts[] = {"",
                                        "5",
                                        "s",
                                        "-5s",
                                        "5x",
                                        "1m1h",
                                        "1s1s",
                                        "1h 2m",
                                        "99999999999s",
                                        "9999999999d",
                                        "yesterday",
                                        "2026-13-02",
                                        "2026-01-02T",
                                        "2026-01-02T03:04",
                                        "2026-01-02T03:04:05+1",
                                        "2026-01-02T03:04:05+01:60",
                                        "2026-01-02T03:04:05Zx",
                                        "2026-01-02 03:04:05",
                                        "1960-01-01"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(texts); i++) {
        struct sk_wall at = {7};
        struct sk_err err;
        assert_int_equal(sk_since_parse(texts[i], (struct sk_wall){NOW}, &at, &err), SK_INVALID_ARGUMENT);
        assert_true(at.ns == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ages),    cmocka_unit_test(test_between),
                                       cmocka_unit_test(test_moments), cmocka_unit_test(test_durations),
                                       cmocka_unit_test(test_times),   cmocka_unit_test(test_neither)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
