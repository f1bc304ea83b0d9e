#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

static void prints(const char *const *cells, size_t count, size_t columns, const char *want)
{
    struct sk_table table = {.columns = columns};
    struct sk_buf out;

    sk_buf_init(&out, 4096);
    for (size_t i = 0; i < count; i++)
        sk_table_add(&table, cells[i]);
    assert_int_equal(sk_table_print(&table, &out), SK_OK);
    char *text = sk_buf_take_text(&out);
    assert_string_equal(text, want);
    free(text);
    sk_buf_fini(&out);
    sk_table_fini(&table);
}

static void test_columns_are_as_wide_as_their_widest(void **state)
{
    const char *const cells[] = {"ID", "STATE", "AGE", "a-longer-id", "running", "3s", "b", NULL, ""};

    (void)state;
    prints(cells, sk_array_len(cells), 3,
           "ID           STATE    AGE\n"
           "a-longer-id  running  3s\n"
           "b            -        -\n");
}

static void test_characters_are_counted_not_bytes(void **state)
{
    const char *const cells[] = {"gr\xc3\xbc\xc3\x9f", "x", "five5", "y"};

    (void)state;
    prints(cells, sk_array_len(cells), 2,
           "gr\xc3\xbc\xc3\x9f   x\n"
           "five5  y\n");
}

/* A server's text must not drive the terminal. */
static void test_control_characters_are_disarmed(void **state)
{
    const char *const cells[] = {"a\x1b[2Jb\nc\x7f",
                                 "\xc2\x9b"
                                 "1m",
                                 "\xe2\x80\xae"
                                 "exe",
                                 "\xe2\x80\xa8x\xe2\x80\x8b",
                                 "\xff\xc3\xbc\x9b",
                                 "\xe2\x80"};

    (void)state;
    prints(cells, sk_array_len(cells), 2, "a?[2Jb?c?  ?1m\n?exe       ?x?\n?\xc3\xbc?        ??\n");
}

static void test_many_rows(void **state)
{
    struct sk_table table = {.columns = 2};
    struct sk_buf out;

    (void)state;
    sk_buf_init(&out, 1024 * 1024);
    for (int i = 0; i < 2000; i++)
        sk_table_add(&table, "cell");
    assert_int_equal(sk_table_print(&table, &out), SK_OK);
    assert_int_equal(out.len, 1000 * sizeof("cell  cell"));
    sk_buf_fini(&out);
    sk_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_as_wide_as_their_widest),
        cmocka_unit_test(test_characters_are_counted_not_bytes),
        cmocka_unit_test(test_control_characters_are_disarmed),
        cmocka_unit_test(test_many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
