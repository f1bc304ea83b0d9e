/* What a W&B server says of a key's holder. */
#include "drivers/wandb/viewer.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static enum sk_code parse(const char *text, struct sk_verified *out)
{
    struct sk_err err;

    *out = (struct sk_verified){0};
    return sk_viewer_parse((const uint8_t *)text, strlen(text), out, &err);
}

static void the_holder_and_their_teams(void **state)
{
    struct sk_verified who;

    (void)state;
    assert_int_equal(
        parse("{\"data\":{\"viewer\":{\"id\":\"x\",\"username\":\"ann\",\"entity\":\"ann-org\","
              "\"teams\":{\"edges\":[{\"node\":{\"name\":\"red\"}},{\"node\":{\"name\":\"blue\"}}]}}}}",
              &who),
        SK_OK);
    assert_int_equal(who.count, 4);
    assert_string_equal(who.entities[0], "ann");
    assert_string_equal(who.entities[1], "ann-org");
    assert_string_equal(who.entities[2], "red");
    assert_string_equal(who.entities[3], "blue");
    sk_arena_fini(&who.arena);
}

static void nobody_is_an_unknown_key(void **state)
{
    struct sk_verified who;

    (void)state;
    assert_int_equal(parse("{\"data\":{\"viewer\":null}}", &who), SK_UNAUTHENTICATED);
    assert_int_equal(parse("{\"errors\":[],\"data\":{\"viewer\":null}}", &who), SK_UNAUTHENTICATED);
    assert_int_equal(parse("{\"errors\":null,\"data\":{\"viewer\":null}}", &who), SK_UNAUTHENTICATED);
    sk_arena_fini(&who.arena);
}

static void everything_else_is_no_answer(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"data\":null}",
        "{\"data\":{}}",
        "{\"data\":{\"viewer\":\"ann\"}}",
        "{\"data\":{\"viewer\":{\"entity\":\"ann\"",
        "<html>",
        "{\"errors\":[{\"message\":\"busy\"}]}",
        "{\"errors\":[{\"message\":\"busy\"}],\"data\":{\"viewer\":null}}",
        "{\"data\":{\"viewer\":null},\"errors\":[{\"message\":\"busy\"}]}",
        "{\"data\":{\"viewer\":null},\"errors\":[\"busy\"]}",
        "{\"data\":{\"viewer\":null},\"errors\":\"busy\"}",
        "{\"data\":{\"viewer\":null},\"errors\":{\"message\":\"busy\"}}",
        "{\"data\":{\"viewer\":{\"entity\":\"ann\",\"teams\":null}},\"errors\":[{\"message\":\"busy\"}]}",
    };
    struct sk_verified who;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse(bad[i], &who), SK_UNAVAILABLE);
        sk_arena_fini(&who.arena);
    }
}

static void more_teams_than_are_looked_at(void **state)
{
    struct sk_verified who;
    struct sk_buf text;

    (void)state;
    sk_buf_init(&text, 1 << 20);
    assert_int_equal(sk_buf_printf(&text, "{\"data\":{\"viewer\":{\"teams\":{\"edges\":["), SK_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sk_buf_printf(&text, "%s{\"node\":{\"name\":\"t%d\"}}", i ? "," : "", i), SK_OK);
    assert_int_equal(sk_buf_printf(&text, "]}}}}"), SK_OK);
    assert_int_equal(parse((const char *)text.data, &who), SK_OK);
    assert_int_equal(who.count, SK_VERIFIED_ENTITIES_MAX);
    sk_arena_fini(&who.arena);
    sk_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_holder_and_their_teams),
        cmocka_unit_test(nobody_is_an_unknown_key),
        cmocka_unit_test(everything_else_is_no_answer),
        cmocka_unit_test(more_teams_than_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
