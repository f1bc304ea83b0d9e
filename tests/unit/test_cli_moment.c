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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ages), cmocka_unit_test(test_moments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
