#include "cli/probe.h"

#include <setjmp.h>
#include <stdarg.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

static void read_as(const char *answer, int kind, int64_t size, mode_t mode, bool tar)
{
    struct sk_probe probe = sk_probe_read(answer);

    assert_int_equal(probe.kind, kind);
    assert_int_equal(probe.size, size);
    assert_int_equal(probe.mode, mode);
    assert_int_equal(probe.tar, tar);
    assert_true(probe.shell);
}

static void test_answers(void **state)
{
    (void)state;
    read_as("file 12 644\ntar\n", SK_PROBE_FILE, 12, 0644, true);
    read_as("folder 4096 1777\ntar\n", SK_PROBE_FOLDER, 4096, 0777, true);
    read_as("nothing \n", SK_PROBE_NOTHING, -1, 0, false);
    read_as("file \ntar\n", SK_PROBE_FILE, -1, 0, true);
}

/* The answer is a stranger's. */
static void test_nonsense(void **state)
{
    (void)state;
    read_as("", SK_PROBE_UNKNOWN, -1, 0, false);
    read_as("filefilefilefilefilefile 1 2\n", SK_PROBE_UNKNOWN, -1, 0, false);
    read_as("file 99999999999999999999 7777777\n", SK_PROBE_FILE, -1, 0777, false);
    read_as("file -5 -5\n", SK_PROBE_FILE, -1, 0, false);
    read_as("file 1 999\n", SK_PROBE_FILE, 1, 0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers), cmocka_unit_test(test_nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
