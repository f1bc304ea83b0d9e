#include "cli/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

typedef Coreweave__Sandbox__V1__SandboxStatus box_status;
typedef Coreweave__Sandbox__V1__SandboxSpec box_spec;
typedef Coreweave__Sandbox__V1__Container container;

static char *print(sk_shown *const *boxes, size_t count, bool array)
{
    struct sk_buf out;
    struct sk_err err;

    sk_buf_init(&out, 64 * 1024);
    assert_int_equal(sk_box_print_json(boxes, count, array, &out, &err), SK_OK);
    return sk_buf_take_text(&out);
}

static void contains(const char *json, const char *part)
{
    if (!strstr(json, part))
        fail_msg("no %s in %s", part, json);
}

static void test_a_full_box(void **state)
{
    sk_shown box = COREWEAVE__SANDBOX__V1__SANDBOX__INIT, *boxes[] = {&box};
    box_status status = COREWEAVE__SANDBOX__V1__SANDBOX_STATUS__INIT;
    box_spec spec = COREWEAVE__SANDBOX__V1__SANDBOX_SPEC__INIT;
    container main = COREWEAVE__SANDBOX__V1__CONTAINER__INIT, *containers[] = {&main};
    Google__Protobuf__Timestamp created = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    char *tags[] = {"quote\"", "b"}, *words[] = {"-c", "exit 0"};

    (void)state;
    box.sandbox_id = "n-1";
    box.status = &status;
    box.spec = &spec;
    status.state = COREWEAVE__SANDBOX__V1__STATE__STATE_COMPLETED;
    status._exit_code_case = COREWEAVE__SANDBOX__V1__SANDBOX_STATUS___EXIT_CODE_EXIT_CODE;
    status.create_time = &created;
    spec.containers = containers;
    spec.n_containers = 1;
    spec.tags = tags;
    spec.n_tags = 2;
    main.image = "python:3.11";
    main.command = "/bin/sh";
    main.args = words;
    main.n_args = 2;
    char *json = print(boxes, 1, false);
    assert_int_equal(json[0], '{');
    contains(json, "\"id\": \"n-1\"");
    contains(json, "\"state\": \"completed\"");
    contains(json, "\"exit_code\": 0");
    contains(json, "\"quote\\\"\"");
    contains(json, "\"image\": \"python:3.11\"");
    contains(json, "\"exit 0\"");
    contains(json, "\"created\": \"1970-01-01T00:00:00.000Z\"");
    contains(json, "\"started\": null");
    free(json);
}

static void test_a_bare_box_and_no_box(void **state)
{
    sk_shown box = COREWEAVE__SANDBOX__V1__SANDBOX__INIT, *boxes[] = {&box, &box};

    (void)state;
    char *json = print(boxes, 2, true);
    assert_int_equal(json[0], '[');
    contains(json, "\"state\": \"unknown\"");
    contains(json, "\"exit_code\": null");
    contains(json, "\"command\": [\n\n");
    free(json);
    json = print(NULL, 0, true);
    assert_string_equal(json, "[\n\n]\n");
    free(json);
}

/* What names hold must not drive the terminal that shows the JSON; who reads it as JSON gets all of it. */
static void test_what_drives_terminals_is_escaped(void **state)
{
    sk_shown box = COREWEAVE__SANDBOX__V1__SANDBOX__INIT, *boxes[] = {&box};

    (void)state;
    box.sandbox_id = "\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\xc3\xbc\xff";
    char *json = print(boxes, 1, false);
    contains(json, "\"id\": \"\\u001B[2J\\u007f\\u009b\\u202e\xc3\xbc\xef\xbf\xbd\",\n");
    free(json);
}

static void test_state_names(void **state)
{
    Coreweave__Sandbox__V1__State out;
    struct sk_err err;

    (void)state;
    for (int i = 1; i <= COREWEAVE__SANDBOX__V1__STATE__STATE_PREPARING; i++) {
        assert_int_equal(sk_state_parse(sk_state_name((Coreweave__Sandbox__V1__State)i), &out, &err), SK_OK);
        assert_int_equal(out, i);
    }
    assert_string_equal(sk_state_name((Coreweave__Sandbox__V1__State)99), "unknown");
    assert_int_equal(sk_state_parse("unknown", &out, &err), SK_INVALID_ARGUMENT);
    assert_true(sk_state_is_final(COREWEAVE__SANDBOX__V1__STATE__STATE_FAILED));
    assert_false(sk_state_is_final(COREWEAVE__SANDBOX__V1__STATE__STATE_TERMINATING));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_box),
        cmocka_unit_test(test_a_bare_box_and_no_box),
        cmocka_unit_test(test_what_drives_terminals_is_escaped),
        cmocka_unit_test(test_state_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
