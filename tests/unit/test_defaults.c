/* Spec over image: what runs, where, with which environment. */
#include "core/defaults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it */
#include <cmocka.h>

#define LIST(...) ((const char *[]){__VA_ARGS__, NULL})
#define NONE      ((const char *[]){NULL})

static void check(const char **entrypoint, const char **cmd, const char **command, const char **args,
                  const char *const *want)
{
    struct sk_record *record = sk_record_new("n1-aaaaaaaaaaaaaaaaaaaaaaaaaa");
    struct sk_image image = {
        .name = "i", .entrypoint = (char **)entrypoint, .cmd = (char **)cmd, .env = (char **)NONE};
    struct sk_err err = {0};

    image.working_dir = "/img";
    image.user = "app";
    image.stop_signal = 2;
    record->spec.command = command;
    record->spec.args = args;
    enum sk_code code = sk_defaults_resolve(record, &image, &err);
    if (!want) {
        assert_int_equal(code, SK_INVALID_ARGUMENT);
    } else {
        assert_int_equal(code, SK_OK);
        size_t len = sk_strings_count(want);
        assert_int_equal(sk_strings_count((const char *const *)record->process.argv), len);
        for (size_t i = 0; i < len; i++)
            assert_string_equal(record->process.argv[i], want[i]);
        assert_string_equal(record->process.working_dir, "/img");
        assert_string_equal(record->process.user, "app");
        assert_int_equal(record->process.stop_signal, 2);
    }
    sk_record_free(record);
}

static void test_argv(void **state)
{
    (void)state;
    check(LIST("e"), LIST("c"), NULL, NULL, LIST("e", "c"));
    check(LIST("e"), LIST("c"), NULL, LIST("a"), LIST("e", "a"));
    check(LIST("e"), LIST("c"), LIST("x"), NULL, LIST("x"));
    check(LIST("e"), LIST("c"), LIST("x", ""), LIST("a", "b"), LIST("x", "", "a", "b"));
    check(NONE, LIST("c"), NULL, NULL, LIST("c"));
    check(NONE, LIST("c"), NULL, LIST("a"), LIST("a"));
    check(LIST("e"), LIST("c"), NONE, NONE, LIST("e", "c"));
    check(NONE, NONE, NULL, NULL, NULL);
    check(LIST(""), NONE, NULL, NULL, NULL);
}

static void test_env(void **state)
{
    struct sk_arena arena = {0};
    static const struct sk_env added[] = {{"B", "2"}, {"D", "="}, {"B", "3"}, {"AA", ""}};

    (void)state;
    const char **env = sk_defaults_env(
        &arena, (const char *const *)LIST("A=1", "B=1", "broken", "=x", "A=0", "C=a=b"), added, 4);
    static const char *const want[] = {"A=0", "B=3", "C=a=b", "D==", "AA="};
    assert_int_equal(sk_strings_count((const char *const *)env), sk_array_len(want));
    for (size_t i = 0; i < sk_array_len(want); i++)
        assert_string_equal(env[i], want[i]);
    sk_arena_fini(&arena);
}

static void explain(enum sk_code code, const char *text, const char *want)
{
    struct sk_err err, said;

    (void)sk_fail(&err, code, "%s", text);
    assert_int_equal(sk_defaults_explain("/bin/sh", &err, &said), code);
    assert_int_equal(said.code, code);
    assert_string_equal(said.text, want);
}

/* Of the command is only said what is true of it. */
static void test_what_could_not_be_started(void **state)
{
    (void)state;
    explain(SK_NOT_FOUND, "execute the program: x", "command not found: /bin/sh (execute the program: x)");
    explain(SK_PERMISSION_DENIED, "execute the program: x",
            "cannot execute: /bin/sh (execute the program: x)");
    explain(SK_FAILED_PRECONDITION, "enter the working directory: x",
            "cannot start /bin/sh: enter the working directory: x");
    explain(SK_INVALID_ARGUMENT, "no such user in the sandbox",
            "cannot start /bin/sh: no such user in the sandbox");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_argv),
        cmocka_unit_test(test_env),
        cmocka_unit_test(test_what_could_not_be_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
