#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strings.h"

static void counts_up_to_the_null(void **state)
{
    (void)state;
    const char *const two[] = {"a", "", NULL, "never"};
    assert_int_equal(sk_strings_count(two), 2);
    assert_int_equal(sk_strings_count(two + 2), 0);
    assert_int_equal(sk_strings_count(NULL), 0);
}

static void copies_list_and_strings(void **state)
{
    (void)state;
    struct sk_arena arena = {0};
    char text[] = "changes";
    const char *const list[] = {text, "stays", NULL};
    const char **copy = sk_strings_copy(&arena, list);
    text[0] = 'X';
    assert_string_equal(copy[0], "changes");
    assert_string_equal(copy[1], "stays");
    assert_null(copy[2]);
    sk_arena_fini(&arena);
}

static void nothing_becomes_an_empty_list(void **state)
{
    (void)state;
    struct sk_arena arena = {0};
    const char **copy = sk_strings_copy(&arena, NULL);
    assert_non_null(copy);
    assert_null(copy[0]);
    sk_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_up_to_the_null),
        cmocka_unit_test(copies_list_and_strings),
        cmocka_unit_test(nothing_becomes_an_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
