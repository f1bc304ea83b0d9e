/* agent.h: what every agent driver must do, run on the fake and on the real one.
 *
 * The program that includes this gives rig_setup and rig_teardown (cmocka
 * fixtures that put a struct rig, not yet up, into *state). Programs used:
 * true, false, cat, env, pwd, echo, sleep. await_can_be_cancelled needs a
 * guest that does not come and is listed by the program. */
#ifndef SK_TESTS_CONTRACT_AGENT_H
#define SK_TESTS_CONTRACT_AGENT_H

#include "support/agent_rig.h"

static void runs_programs(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(1, "true")), 0);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(2, "false")), 1);
    assert_int_equal(rig->lost, 0);
}

static void says_what_is_not_there(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(1, "no-such-program")), SK_NOT_FOUND);
    assert_int_equal(rig->keys[1].exits, 0);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(2, "true")), 0);
    assert_int_equal(rig->keys[1].exits, 0);
}

static void gives_output(void **state)
{
    struct rig *rig = *state;
    char text[256];
    rig_up(rig);
    assert_int_equal(rig_output(rig, &RIG_PROCESS(1, "echo", "one", "two"), text, sizeof text), 0);
    assert_string_equal(text, "one two\n");
}

static void passes_environment_and_directory(void **state)
{
    struct rig *rig = *state;
    char text[4096];
    rig_up(rig);
    struct sk_process env = RIG_PROCESS(1, "env");
    env.env = (const char *const[]){"PATH=/usr/bin:/bin", "COLOUR=green = blue", "EMPTY=", NULL};
    assert_int_equal(rig_output(rig, &env, text, sizeof text), 0);
    assert_non_null(strstr(text, "COLOUR=green = blue\n"));
    assert_non_null(strstr(text, "EMPTY=\n"));
    assert_null(strstr(text, "LANG="));
    struct sk_process pwd = RIG_PROCESS(2, "pwd");
    pwd.working_dir = "/usr";
    assert_int_equal(rig_output(rig, &pwd, text, sizeof text), 0);
    assert_string_equal(text, "/usr\n");
}

static void carries_stdin(void **state)
{
    struct rig *rig = *state;
    char text[64];
    int in[2], out[2];
    rig_up(rig);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    struct sk_process cat = RIG_PROCESS(1, "cat");
    cat.stdin_take = in[0];
    cat.stdout_take = out[1];
    assert_int_equal(rig_start(rig, &cat), SK_OK);
    assert_int_equal(write(in[1], "hello", 5), 5);
    (void)close(in[1]);
    rig_read_all(rig, out[0], text, sizeof text);
    assert_string_equal(text, "hello");
    assert_int_equal(rig_wait_exit(rig, 1), 0);
}

static void signals(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(1, "sleep", "60")), SK_OK);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(2, "sleep", "60")), SK_OK);
    rig->agent->ops->signal(rig->guest, 99, SIGKILL, true);
    rig->agent->ops->signal(rig->guest, 1, SIGTERM, false);
    assert_int_equal(rig_wait_exit(rig, 1), 128 + SIGTERM);
    assert_int_equal(rig->keys[2].exits, 0);
    rig->agent->ops->signal(rig->guest, 2, SIGKILL, true);
    assert_int_equal(rig_wait_exit(rig, 2), 128 + SIGKILL);
    rig->agent->ops->signal(rig->guest, 1, SIGKILL, true); /* ended: nothing */
    rig_idle(rig, 20);
    assert_int_equal(rig->keys[1].exits, 1);
    assert_int_equal(rig->lost, 0);
}

static void survives_a_restart(void **state)
{
    struct rig *rig = *state;
    int ends[2];
    char text[64];
    rig_up(rig);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct sk_process echo = RIG_PROCESS(1, "echo", "kept");
    echo.is_main = true;
    echo.stdout_take = ends[1];
    echo.stdout_keep_take = ends[0];
    assert_int_equal(rig_start(rig, &echo), SK_OK);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(2, "sleep", "60")), SK_OK);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(3, "true")), 0);
    assert_int_equal(rig_wait_exit(rig, 1), 0);
    rig_restart(rig);

    assert_int_equal(rig->keys[1].found, 1);
    assert_true(rig->keys[1].found_main);
    assert_int_equal(rig->keys[1].found_err, -1);
    assert_true(rig->keys[1].found_out >= 0);
    assert_int_equal(rig->keys[2].found, 1);
    assert_false(rig->keys[2].found_main);
    assert_int_equal(rig->keys[2].found_out, -1);
    assert_int_equal(rig->keys[3].found, 0);
    assert_true(fcntl(rig->keys[1].found_out, F_GETFL) & O_NONBLOCK);
    rig_read_all(rig, rig->keys[1].found_out, text, sizeof text);
    assert_string_equal(text, "kept\n");
    assert_int_equal(rig_wait_exit(rig, 1), 0);
    rig->agent->ops->signal(rig->guest, 2, SIGKILL, true);
    assert_int_equal(rig_wait_exit(rig, 2), 128 + SIGKILL);

    rig->agent->ops->release(rig->guest, 1);
    rig_idle(rig, 50);
    rig_restart(rig);
    assert_int_equal(rig->keys[1].found, 0);
    assert_int_equal(rig->keys[2].found, 1);
    assert_int_equal(rig_wait_exit(rig, 2), 128 + SIGKILL);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(4, "true")), 0);
}

static void loss_answers_everyone(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(1, "sleep", "3")), SK_OK);
    rig->kill(rig);
    assert_true(rig_until(rig, &rig->lost, 1));
    assert_int_equal(rig_start(rig, &RIG_PROCESS(2, "true")), SK_UNAVAILABLE);
    rig->agent->ops->signal(rig->guest, 1, SIGKILL, true);
    rig_idle(rig, 20);
    assert_int_equal(rig->lost, 1);
    assert_int_equal(rig->keys[1].exits, 0);
}

static void await_can_be_cancelled(void **state)
{
    struct rig *rig = *state;
    struct rig_call call;
    rig_open(rig);
    rig_call_init(&call, rig, 0);
    rig->agent->ops->await(rig->guest, 1, &call.done); /* no guest has that pid */
    rig_idle(rig, 20);
    sk_done_cancel(&call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    assert_int_equal(call.err.code, SK_CANCELLED);
}

static bool rig_litters(struct rig *rig)
{
    struct sk_litter_list list = {0};
    struct rig_call call;
    bool found = false;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->list_litter(rig->agent, &list, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    assert_int_equal(call.err.code, SK_OK);
    for (size_t i = 0; i < list.len; i++)
        found |= strcmp(list.items[i].name, RIG_ID) == 0;
    free(list.items);
    return found;
}

/* What a daemon leaves that ends without removing, another one finds and takes away. */
static void finds_what_was_left(void **state)
{
    struct rig *rig = *state;
    struct sk_litter litter = {.kind = "agent folder", .name = RIG_ID};
    rig_open(rig);
    assert_true(rig_litters(rig));
    rig->agent->ops->close(sk_take(rig->guest), false);
    assert_true(rig_litters(rig));
    for (int i = 0; i < 2; i++) { /* absent is success */
        struct rig_call call;
        rig_call_init(&call, rig, 0);
        rig->agent->ops->remove_litter(rig->agent, &litter, &call.done);
        assert_true(rig_until(rig, &call.fired, 1));
        assert_int_equal(call.err.code, SK_OK);
        assert_false(rig_litters(rig));
    }
}

#define AGENT_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
#define AGENT_CONTRACT                                                                                       \
    AGENT_TEST(runs_programs), AGENT_TEST(says_what_is_not_there), AGENT_TEST(gives_output),                 \
        AGENT_TEST(passes_environment_and_directory), AGENT_TEST(carries_stdin), AGENT_TEST(signals),        \
        AGENT_TEST(survives_a_restart), AGENT_TEST(loss_answers_everyone), AGENT_TEST(finds_what_was_left)

#endif
