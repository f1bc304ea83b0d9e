/* Quantities: what is accepted, how it is rounded, where it ends. */
#include "base/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct sample {
    const char *text;
    int64_t scale, want;
};

static void check(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t got = -1;
        if (sk_quantity_parse(samples[i].text, samples[i].scale, &got) != SK_OK || got != samples[i].want)
            fail_msg("%s * %lld gave %lld", samples[i].text, (long long)samples[i].scale, (long long)got);
    }
}

static void accepts_what_clients_write(void **state)
{
    static const struct sample samples[] = {
        {"0", 1, 0},
        {"1", 1000, 1000},
        {"500m", 1000, 500},
        {"0.5", 1000, 500},
        {".5", 1000, 500},
        {"5.", 1000, 5000},
        {"+2", 1, 2},
        {"1.5", 1000, 1500},
        {"1e3", 1, 1000},
        {"1E3", 1, 1000},
        {"1E", 1, 1000000000000000000},
        {"25e-1", 1000, 2500},
        {"1e+2", 1, 100},
        {"128974848", 1, 128974848},
        {"129e6", 1, 129000000},
        {"129M", 1, 129000000},
        {"123Mi", 1, 128974848},
        {"1Ki", 1, 1024},
        {"1.5Gi", 1, 1610612736},
        {"1k", 1, 1000},
        {"2T", 1, 2000000000000},
        {"1Pi", 1, INT64_C(1) << 50},
        {"7Ei", 1, INT64_C(7) << 60},
        {"100u", 1000000, 100},
        {"0.1Ki", 10, 1024},
    };
    (void)state;
    check(samples, sk_array_len(samples));
}

static void rounds_up_never_down(void **state)
{
    static const struct sample samples[] = {
        {"0.5", 1, 1},      {"1n", 1, 1},
        {"1.0001", 1, 2},   {"0.0001", 1000, 1},
        {"1e-1000", 1, 1},  {"0.00000000000000000000000000000001", 1, 1},
        {"0e-1000", 1, 0},  {"0.000", 1000, 0},
        {"0e999999", 1, 0}, {"1.00000000000000000000000000000001", 1, 2},
        {"1m", 1, 1},       {"0.3Ki", 1, 308},
    };
    (void)state;
    check(samples, sk_array_len(samples));
}

static void is_exact_up_to_the_edge(void **state)
{
    static const struct sample samples[] = {
        {"9223372036854775807", 1, INT64_MAX},
        {"9223372036854775806.1", 1, INT64_MAX},
        {"0.0012345678901234567890Ei", 1000, 1423359869420436338},
        {"00000000000000000000000000000000000000000000000000007", 1, 7},
        {"10000000000000000000000000000e-28", 1000, 1000},
    };
    static const char *const beyond[] = {"9223372036854775808",
                                         "8Ei",
                                         "10E",
                                         "9223372036854775807.1",
                                         "1e19",
                                         "1e999999999999999999999",
                                         "99999999999999999999999999999999999999999"};
    int64_t got = 42;

    (void)state;
    check(samples, sk_array_len(samples));
    for (size_t i = 0; i < sk_array_len(beyond); i++)
        assert_int_equal(sk_quantity_parse(beyond[i], 1, &got), SK_OUT_OF_RANGE);
    assert_int_equal(sk_quantity_parse("9223372036854775807", 1000, &got), SK_OUT_OF_RANGE);
    assert_int_equal(sk_quantity_parse("1e18", INT64_MAX, &got), SK_OUT_OF_RANGE);
    assert_int_equal(got, 42);
}

static void refuses_everything_else(void **state)
{
    static const char *const bad[] = {"",     "-1",    "-0",    " 1",  "1 ",  ".",   "+",    "Ki",
                                      "m",    "1KI",   "1ki",   "1Mb", "1K",  "1mm", "1e",   "1e+",
                                      "1e3m", "0x1",   "1.2.3", "1,5", "inf", "nan", "1e3k", "--1",
                                      "+-1",  "1_000", "e3",    "1i",  "1Ki "};
    char endless[4096];
    int64_t got = 42;

    (void)state;
    for (size_t i = 0; i < sk_array_len(bad); i++)
        if (sk_quantity_parse(bad[i], 1, &got) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\" was not refused", bad[i]);
    memset(endless, '1', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_int_equal(sk_quantity_parse(endless, 1, &got), SK_INVALID_ARGUMENT);
    assert_int_equal(got, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_clients_write),
        cmocka_unit_test(rounds_up_never_down),
        cmocka_unit_test(is_exact_up_to_the_edge),
        cmocka_unit_test(refuses_everything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
