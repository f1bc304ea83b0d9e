/* What --cpu, --memory and --env ask for. */
#include "cli/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

static void test_resources(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_args args = {0};

    (void)state;
    assert_null(sk_ask_resources(&args, &arena));
    args.cpu = "500m";
    const Coreweave__Sandbox__V1__ResourceRequirements *asked = sk_ask_resources(&args, &arena);
    assert_string_equal(asked->limits->cpu, "500m");
    assert_string_equal(asked->requests->cpu, "500m");
    assert_string_equal(asked->limits->memory, "");
    args.memory = "1Gi";
    assert_string_equal(sk_ask_resources(&args, &arena)->limits->memory, "1Gi");
}

static void test_variable(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    char *name = NULL, *value = NULL;
    struct sk_err err = {0};

    (void)state;
    assert_int_equal(sk_ask_variable("A=b=c", &arena, &name, &value, &err), SK_OK);
    assert_string_equal(name, "A");
    assert_string_equal(value, "b=c");
    assert_int_equal(sk_ask_variable("A=", &arena, &name, &value, &err), SK_OK);
    assert_string_equal(value, "");
    assert_int_equal(sk_ask_variable("A", &arena, &name, &value, &err), SK_INVALID_ARGUMENT);
    assert_string_equal(err.text, "--env A: want NAME=VALUE");
    assert_int_equal(sk_ask_variable("=x", &arena, &name, &value, &err), SK_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resources),
        cmocka_unit_test(test_variable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
