#include "cli/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

static void amount(int64_t bytes, const char *want)
{
    char text[32];
    sk_bytes_print(bytes, text, sizeof(text));
    assert_string_equal(text, want);
}

static void test_amounts(void **state)
{
    (void)state;
    amount(0, "0 B");
    amount(1023, "1023 B");
    amount(1024, "1.0 KiB");
    amount(1536, "1.5 KiB");
    amount(1024 * 1024 - 1, "1.0 MiB"); /* never "1024.0 KiB" */
    amount(32 * 1024 * 1024, "32.0 MiB");
    amount(INT64_MAX, "8.0 EiB");
}

static void line(const char *name, int64_t done, int64_t total, int64_t ms, size_t width, const char *want)
{
    char text[256];
    sk_progress_print(name, done, total, SK_MSEC(ms), width, text, sizeof(text));
    assert_string_equal(text, want);
}

static void test_lines(void **state)
{
    (void)state;
    line("a", 1 << 20, 4 << 20, 2000, 80, "a  1.0 MiB / 4.0 MiB  25 %  512.0 KiB/s");
    line("a", 1 << 20, -1, 1000, 80, "a  1.0 MiB  1.0 MiB/s");
    line("a", 5, 0, 1000, 80, "a  5 B  5 B/s");
    line("a", 8 << 20, 4 << 20, 1000, 80, "a  8.0 MiB / 4.0 MiB  100 %  8.0 MiB/s");
    line("a", 5, 10, 0, 80, "a  5 B / 10 B  50 %  0 B/s");
}

static void test_lines_fit_and_carry_no_controls(void **state)
{
    char name[400];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = 0;
    line("abcdef", 5, 10, 0, 4, "abcd");
    line("\x1b[2J\n\xc3\xa4", 1, -1, 1000, 80, "?[2J???  1 B  1 B/s");
    char text[256];
    sk_progress_print(name, INT64_MAX, INT64_MAX, SK_MSEC(1), 10000, text, sizeof(text));
    assert_in_range(strlen(text), 80, 255);
    assert_non_null(strstr(text, "100 %"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_lines_fit_and_carry_no_controls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
