#include "api/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static int setup(void **state)
{
    static struct sk_arena arena; /* emptied after each test */
    static struct sk_check check;
    check = (struct sk_check){.arena = &arena};
    *state = &check;
    return 0;
}

static int teardown(void **state)
{
    struct sk_check *check = *state;
    sk_arena_fini(check->arena);
    return 0;
}

static void paths_are_written_out(void **state)
{
    struct sk_check *check = *state;
    const struct sk_path *spec = SK_FIELD(SK_FIELD(NULL, "sandbox"), "spec");
    const struct sk_path *rule = SK_ITEM(SK_FIELD(spec, "network"), "egress", 12);
    assert_string_equal(sk_path_text(check->arena, SK_FIELD(rule, "https_hostname")),
                        "sandbox.spec.network.egress[12].https_hostname");
}

static void nothing_found_is_fine(void **state)
{
    struct sk_check *check = *state;
    struct sk_err err = {.code = SK_DATA_LOSS};
    assert_true(sk_check_range(check, SK_FIELD(NULL, "port"), 1, 1, 65535));
    assert_true(sk_check_range(check, SK_FIELD(NULL, "port"), 65535, 1, 65535));
    assert_true(sk_check_enum(check, SK_FIELD(NULL, "mode"), 2, 2));
    assert_true(sk_check_request_id(check, ""));
    assert_int_equal(sk_check_result(check, &err), SK_OK);
    assert_int_equal(err.code, SK_DATA_LOSS);
}

static void every_violation_is_kept(void **state)
{
    struct sk_check *check = *state;
    struct sk_err err = {0};
    assert_false(sk_check_range(check, SK_FIELD(NULL, "port"), 0, 1, 65535));
    assert_false(sk_check_enum(check, SK_FIELD(NULL, "mode"), -1, 2));
    assert_false(sk_check_enum(check, SK_FIELD(NULL, "mode"), 3, 2));
    assert_int_equal(check->count, 3);
    assert_string_equal(check->violations[0].field, "port");
    assert_string_equal(check->violations[0].text, "must be between 1 and 65535");
    assert_int_equal(sk_check_result(check, &err), SK_INVALID_ARGUMENT);
    assert_string_equal(err.field, "port");
    assert_non_null(strstr(err.text, "and more"));
}

static void violations_come_before_refusals(void **state)
{
    struct sk_check *check = *state;
    struct sk_err err = {0};
    sk_check_refused(check, SK_FIELD(NULL, "files"), SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", "not yet");
    sk_check_refused(check, SK_FIELD(NULL, "gpu"), SK_FAILED_PRECONDITION, "OTHER", "never reported");
    assert_int_equal(sk_check_result(check, &err), SK_UNIMPLEMENTED);
    assert_string_equal(err.reason, "NOT_IMPLEMENTED");
    assert_string_equal(err.text, "files: not yet");
    assert_string_equal(err.field, "files");

    sk_check_violated(check, SK_FIELD(NULL, "image"), "must be there");
    assert_int_equal(sk_check_result(check, &err), SK_INVALID_ARGUMENT);
    assert_null(err.reason);
}

static void a_flood_is_counted_not_kept(void **state)
{
    struct sk_check *check = *state;
    for (int i = 0; i < 100000; i++)
        sk_check_violated(check, SK_ITEM(NULL, "tags", i), "must not be empty");
    assert_int_equal(check->count, 100000);
    assert_true(check->arena->used < 64 * 1024);
    assert_int_equal(sk_check_result(check, NULL), SK_INVALID_ARGUMENT);
}

static void a_long_sentence_ends_between_characters(void **state)
{
    struct sk_check *check = *state;
    char text[400];
    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 3);
    sk_check_violated(check, SK_FIELD(NULL, "x"), "a%s", text); /* odd offset: the cut falls inside */
    size_t len = strlen(check->violations[0].text);
    assert_in_range(len, 180, 191);
    assert_int_equal(check->violations[0].text[len - 1], (char)0xa9);
}

static void names_of_variables(void **state)
{
    struct sk_check *check = *state;
    const struct sk_path *at = SK_FIELD(NULL, "env");
    assert_true(sk_check_env_name(check, at, "A"));
    assert_true(sk_check_env_name(check, at, "with space"));
    assert_false(sk_check_env_name(check, at, ""));
    assert_false(sk_check_env_name(check, at, "A=B"));
    assert_false(sk_check_env_name(check, at, "="));
}

static void request_ids_have_a_length(void **state)
{
    struct sk_check *check = *state;
    char id[130];
    memset(id, 'x', sizeof(id));
    id[128] = '\0';
    assert_true(sk_check_request_id(check, id));
    id[128] = 'x';
    id[129] = '\0';
    assert_false(sk_check_request_id(check, id));
    assert_string_equal(check->violations[0].field, "request_id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(paths_are_written_out, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_found_is_fine, setup, teardown),
        cmocka_unit_test_setup_teardown(every_violation_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(violations_come_before_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_is_counted_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_sentence_ends_between_characters, setup, teardown),
        cmocka_unit_test_setup_teardown(names_of_variables, setup, teardown),
        cmocka_unit_test_setup_teardown(request_ids_have_a_length, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
