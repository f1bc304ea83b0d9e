#include "drivers/containerd/shims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_joins(struct sk_shims *shims, const char *id, const char *group)
{
    char name[SK_SHIM_GROUP_MAX] = "?";
    sk_shims_join(shims, id, name);
    assert_string_equal(name, group);
}

static void test_groups_fill_up(void **state)
{
    struct sk_shims shims;
    (void)state;
    sk_shims_init(&shims, 2, 0);
    assert_joins(&shims, "a", "sk-1");
    assert_joins(&shims, "b", "sk-1");
    assert_joins(&shims, "a", "sk-1");
    assert_joins(&shims, "c", "sk-2");
    sk_shims_leave(&shims, "b");
    assert_joins(&shims, "d", "sk-1");
    assert_joins(&shims, "e", "sk-2");
    assert_joins(&shims, "f", "sk-3");
    sk_shims_fini(&shims);
}

static void test_no_sharing(void **state)
{
    (void)state;
    for (unsigned ceiling = 0; ceiling < 2; ceiling++) {
        struct sk_shims shims;
        sk_shims_init(&shims, ceiling, 0);
        sk_shims_note(&shims, "z", "sk-9");
        assert_joins(&shims, "a", "");
        sk_shims_leave(&shims, "a");
        sk_shims_fini(&shims);
    }
}

static void test_a_group_that_is_ending_is_not_joined(void **state)
{
    struct sk_shims shims;
    (void)state;
    sk_shims_init(&shims, 4, 0);
    assert_joins(&shims, "a", "sk-1");
    assert_joins(&shims, "b", "sk-1");
    sk_shims_leaving(&shims, "a");
    assert_joins(&shims, "c", "sk-1"); /* b stays */
    sk_shims_leaving(&shims, "b");
    sk_shims_leaving(&shims, "c");
    sk_shims_leaving(&shims, "c");
    assert_joins(&shims, "d", "sk-2");
    sk_shims_leave(&shims, "a");
    sk_shims_leave(&shims, "b");
    sk_shims_leave(&shims, "c");
    assert_joins(&shims, "e", "sk-2");
    sk_shims_leave(&shims, "d");
    sk_shims_leave(&shims, "e");
    assert_joins(&shims, "f", "sk-3"); /* numbers are not used again */
    sk_shims_fini(&shims);
}

static void test_groups_are_learnt(void **state)
{
    static const char *const nonsense[] = {
        "", "sk-", "sk-0", "sk-1x", "xx-1", "7", "sk--1", "sk-99999999999999999999", "SK-1", "stolen"};
    struct sk_shims shims;
    (void)state;
    sk_shims_init(&shims, 2, 0);
    for (size_t i = 0; i < sk_array_len(nonsense); i++)
        sk_shims_note(&shims, "n", nonsense[i]);
    sk_shims_note(&shims, "a", "sk-5");
    sk_shims_note(&shims, "a", "sk-5");
    sk_shims_note(&shims, "b", "sk-7");
    sk_shims_note(&shims, "c", "sk-7");
    assert_joins(&shims, "d", "sk-8"); /* a has room beside it, yet its shim is an earlier daemon's */
    assert_joins(&shims, "e", "sk-8");
    assert_joins(&shims, "f", "sk-9");
    assert_joins(&shims, "b", "sk-7");
    sk_shims_leave(&shims, "nobody");
    sk_shims_leaving(&shims, "nobody");
    sk_shims_fini(&shims);
}

static void test_numbers_of_earlier_daemons_are_not_used_again(void **state)
{
    struct sk_shims shims;
    (void)state;
    sk_shims_init(&shims, 2, 1234567890123);
    assert_joins(&shims, "a", "sk-1234567890124");
    sk_shims_fini(&shims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_fill_up),
        cmocka_unit_test(test_no_sharing),
        cmocka_unit_test(test_a_group_that_is_ending_is_not_joined),
        cmocka_unit_test(test_groups_are_learnt),
        cmocka_unit_test(test_numbers_of_earlier_daemons_are_not_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
