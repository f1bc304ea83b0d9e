#include "cli/args.h"
#include "cli/session_output.h"
#include "cli/sessions.h"
#include "cli/verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct asked {
    struct sk_arena arena;
    struct sk_args args;
    Sandkeep__V1__OpenSessionRequest request;
};

/* What "sandkeep session open ..." or run would ask the server for. */
static enum sk_code ask(const struct sk_verb *verb, struct asked *asked, int argc, char **argv)
{
    struct sk_err err;
    *asked = (struct asked){0};
    enum sk_code code = sk_args_parse(verb, argc, argv, &asked->args, &err);
    return code ? code : sk_sessions_ask(&asked->args, &asked->arena, &asked->request, &err);
}

static void asked_fini(struct asked *asked)
{
    sk_arena_fini(&asked->arena);
    sk_args_fini(&asked->args);
}

#define ASK(verb, asked, ...)                                                                                \
    ask((verb), (asked), (int)sk_array_len(((char *[]){__VA_ARGS__})), (char *[]){__VA_ARGS__})

static void every_option_reaches_the_server(void **state)
{
    struct asked a;
    (void)state;
    assert_int_equal(ASK(&sk_verb_session_open, &a, "--lease", "7", "--name=n", "--max-sandboxes", "3",
                         "--image", "img", "--cpu", "2", "--memory", "1Gi", "-e", "A=b=c", "--tag", "t",
                         "--tag", "u", "--timeout", "60", "--idle-timeout", "9"),
                     SK_OK);
    const Sandkeep__V1__SandboxDefaults *d = a.request.defaults;
    assert_int_equal(a.request.lease_seconds, 7);
    assert_string_equal(a.request.display_name, "n");
    assert_int_equal(d->max_sandboxes, 3);
    assert_string_equal(d->container_image, "img");
    assert_string_equal(d->resources->limits->cpu, "2");
    assert_string_equal(d->resources->requests->memory, "1Gi");
    assert_int_equal(d->n_environment_variables, 1);
    assert_string_equal(d->environment_variables[0]->key, "A");
    assert_string_equal(d->environment_variables[0]->value, "b=c");
    assert_int_equal(d->n_tags, 2);
    assert_string_equal(d->tags[1], "u");
    assert_int_equal(d->max_lifetime_seconds, 60);
    assert_int_equal(d->idle_timeout_seconds, 9);
    asked_fini(&a);
}

static void what_is_not_said_is_the_servers_to_say(void **state)
{
    struct asked a;
    (void)state;
    assert_int_equal(ASK(&sk_verb_session_run, &a, "--", "make", "--lease", "x"), SK_OK);
    assert_int_equal(a.request.lease_seconds, 0);
    assert_int_equal(a.request.defaults->max_lifetime_seconds, 0);
    assert_int_equal(a.request.defaults->idle_timeout_seconds, 0);
    assert_int_equal(a.request.defaults->max_sandboxes, 0);
    assert_null(a.request.defaults->resources);
    assert_string_equal(a.request.defaults->container_image, "");
    assert_int_equal(a.args.command.count, 3);
    assert_int_equal(sk_args_grace(&a.args), 10);
    asked_fini(&a);
    assert_int_equal(ASK(&sk_verb_session_run, &a, "--grace", "0", "make"), SK_OK);
    assert_int_equal(sk_args_grace(&a.args), 0);
    asked_fini(&a);
}

static void nonsense_is_refused(void **state)
{
    struct asked a;
    (void)state;
    assert_int_equal(ASK(&sk_verb_session_open, &a, "--lease", "soon"), SK_INVALID_ARGUMENT);
    assert_int_equal(ASK(&sk_verb_session_open, &a, "--max-sandboxes", "-1"), SK_INVALID_ARGUMENT);
    assert_int_equal(ASK(&sk_verb_session_open, &a, "word"), SK_INVALID_ARGUMENT);
    assert_int_equal(ASK(&sk_verb_session_run, &a, "--lease", "5"), SK_INVALID_ARGUMENT);
    assert_int_equal(ASK(&sk_verb_session_close, &a, "--grace", "5"), SK_INVALID_ARGUMENT);
    assert_int_equal(ASK(&sk_verb_session_show, &a, "a", "b"), SK_INVALID_ARGUMENT);
    assert_int_equal(ASK(&sk_verb_session_open, &a, "--env", "=x"), SK_INVALID_ARGUMENT);
    asked_fini(&a);
}

static void states_have_names(void **state)
{
    (void)state;
    assert_string_equal(sk_session_state_name(SANDKEEP__V1__SESSION_STATE__SESSION_STATE_OPEN), "open");
    assert_string_equal(sk_session_state_name(SANDKEEP__V1__SESSION_STATE__SESSION_STATE_CLOSING), "closing");
    assert_string_equal(sk_session_state_name(SANDKEEP__V1__SESSION_STATE__SESSION_STATE_CLOSED), "closed");
    assert_string_equal(sk_session_state_name(77), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_reaches_the_server),
        cmocka_unit_test(what_is_not_said_is_the_servers_to_say),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
