/* Processes in a running sandbox: streams, exits, refusals. */
#include "core/sandbox_impl.h"
#include "loop/pump.h"
#include "support/world.h"

static void test_output_and_exit(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("play", "out:one\n", "sleep:0.2", "err:two\n", "exit:7"), false, true);
    assert_int_equal(run.started, 0); /* never inside the call */
    world_settle(&w);
    assert_int_equal(run.started, 1);
    assert_string_equal(run_out(&run), "one\n"); /* it comes when it is written */
    world_advance(&w, SK_MSEC(200));
    assert_string_equal(run_err(&run), "two\n");
    assert_int_equal(run.chunks, 2);
    assert_int_equal(run.exits, 1);
    assert_int_equal(run.status, 7);
    run_close(&run);
    world_assert_only_main(&w, s);
    world_fini(&w);
}

static void test_environment(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("env"), false, true);
    world_settle(&w);
    assert_string_equal(run_out(&run),
                        "PATH=/usr/local/bin:/usr/bin:/bin\nLANG=C.UTF-8\nGREETING=hello\nEXTRA=1\n");
    run_close(&run);
    world_fini(&w);
}

static void test_stdin(void **state)
{
    struct world w;
    struct run run;
    static uint8_t big[300000];

    (void)state;
    memset(big, 'b', sizeof(big));
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("cat"), true, true);
    world_settle(&w);
    sk_exec_write(run.exec, (const uint8_t *)"hello", 5);
    world_settle(&w);
    assert_int_equal(run.rooms, 1);
    assert_string_equal(run_out(&run), "hello");
    sk_exec_write(run.exec, big, sizeof(big)); /* more than a pipe holds */
    sk_exec_close_stdin(run.exec);             /* after what is pending */
    world_settle(&w);
    assert_int_equal(run.rooms, 2);
    assert_int_equal(run.out.len, 5 + sizeof(big));
    assert_int_equal(run.exits, 1);
    sk_exec_write(run.exec, big, 10); /* discarded without an error */
    world_settle(&w);
    assert_int_equal(run.rooms, 3);
    run_close(&run);
    world_assert_only_main(&w, s);
    world_fini(&w);
}

static void test_broken_stdin(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("play", "exit:0"), true, true);
    world_settle(&w);
    assert_int_equal(run.exits, 1);
    for (int i = 1; i <= 3; i++) {
        sk_exec_write(run.exec, (const uint8_t *)"x", 1);
        world_settle(&w);
        assert_int_equal(run.rooms, i);
    }
    run_close(&run);
    world_fini(&w);
}

static void test_not_found(void **state)
{
    struct world w;
    struct run missing, forbidden;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&missing, s, ARGV("nosuch"), true, true);
    run_start(&forbidden, s, ARGV("/bin/noexec"), false, true);
    world_settle(&w);
    assert_int_equal(missing.started, 1);
    assert_int_equal(missing.exits, 1);
    assert_int_equal(missing.status, 127);
    assert_string_equal(
        run_err(&missing),
        "sandkeep: command not found: nosuch (execute the program: No such file or directory)\n");
    assert_int_equal(forbidden.status, 126);
    assert_string_equal(run_err(&forbidden),
                        "sandkeep: cannot execute: /bin/noexec (execute the program: Permission denied)\n");
    run_close(&missing);
    run_close(&forbidden);
    world_assert_only_main(&w, s);
    world_fini(&w);
}

static void test_empty_command(void **state)
{
    struct world w;
    struct run run;
    static const char *const nothing[] = {NULL};

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, nothing, false, true);
    world_settle(&w);
    assert_int_equal(run.errors, 1);
    assert_int_equal(run.error.code, SK_INVALID_ARGUMENT);
    run_close(&run);
    world_fini(&w);
}

static void test_back_pressure(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("yes", "1000000"), false, false);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(run.chunks, 0);
    assert_int_equal(sk_fake_agent_alive(w.agent, sk_sandbox_record(s)->id), 2); /* it waits for room */
    sk_exec_want(run.exec);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(run.chunks, 1);
    assert_true(run.last_len <= SK_PUMP_CHUNK);
    assert_int_equal(sk_fake_agent_alive(w.agent, sk_sandbox_record(s)->id), 2);
    while (run.exits == 0 && run.chunks < 1000) {
        sk_exec_want(run.exec);
        world_settle(&w);
    }
    assert_int_equal(run.out.len, 1000000);
    assert_int_equal(run.status, 0);
    run_close(&run);
    world_fini(&w);
}

/* The exit waits until somebody wants what comes after the last chunk. */
static void test_exit_is_wanted(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("echo", "x"), false, false);
    world_advance(&w, SK_SEC(5));
    sk_exec_want(run.exec);
    world_advance(&w, SK_SEC(5));
    assert_string_equal(run_out(&run), "x\n");
    assert_int_equal(run.exits, 0);
    sk_exec_want(run.exec);
    world_settle(&w);
    assert_int_equal(run.exits, 1);
    run_close(&run);
    world_fini(&w);
}

static void test_child_holds_pipe(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("play", "out:x", "fork:1000", "exit:0"), false, true);
    world_advance(&w, SK_MSEC(199));
    assert_string_equal(run_out(&run), "x");
    assert_int_equal(run.exits, 0);
    world_advance(&w, SK_MSEC(1));
    assert_int_equal(run.exits, 1);
    run_close(&run);
    assert_int_equal(sk_fake_agent_alive(w.agent, sk_sandbox_record(s)->id), 2); /* the child lives on */
    world_fini(&w);
}

/* A silence is one only when somebody has listened: a machine that stands still takes no output away. */
static void test_no_output_is_lost_by_a_stall(void **state)
{
    (void)state;
    for (int turns = 0; turns < 10; turns++) {
        struct world w;
        struct run run;

        world_init(&w);
        struct sk_sandbox *s = world_running(&w, NULL);
        run_start(&run, s, ARGV("play", "fill:50000", "fork:1000", "exit:3"), false, false);
        world_settle(&w); /* it has ended, and nobody has wanted anything yet */
        run.greedy = true;
        sk_exec_want(run.exec);
        for (int i = 0; i < turns; i++)
            (void)sk_vloop_turn(w.loop);
        sk_vloop_stall(w.loop, SK_SEC(2));
        world_advance(&w, SK_SEC(1));
        assert_int_equal(run.exits, 1);
        assert_int_equal(run.status, 3);
        assert_int_equal(run.out.len, 50000);
        run_close(&run);
        world_fini(&w);
    }
}

/* Nor does a child that never falls silent hold the exit back. */
static void test_child_chatters(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("play", "fill:50000", "fork:1000", "chatter:0.1", "exit:2"), false, true);
    world_advance(&w, SK_MSEC(900));
    assert_int_equal(run.exits, 0);
    world_advance(&w, SK_MSEC(200));
    assert_int_equal(run.exits, 1);
    assert_int_equal(run.status, 2);
    assert_true(run.out.len >= 50000);
    run_close(&run);
    world_fini(&w);
}

static void test_utf8_is_held_back(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("play", "hex:41E282", "sleep:0.4", "hex:AC42", "sleep:1", "hex:C3", "sleep:1"),
              false, true);
    world_settle(&w);
    assert_string_equal(run_out(&run), "A");
    world_advance(&w, SK_MSEC(400));
    assert_string_equal(run_out(&run), "A\xE2\x82\xAC"
                                       "B");
    assert_int_equal(run.chunks, 2);
    world_advance(&w, SK_MSEC(1499)); /* the lonely byte waits for 500 ms */
    assert_int_equal(run.chunks, 2);
    world_advance(&w, SK_MSEC(1));
    assert_int_equal(run.chunks, 3);
    assert_int_equal(run.last_len, 1);
    world_advance(&w, SK_SEC(2));
    assert_int_equal(run.exits, 1);
    run_close(&run);
    world_fini(&w);
}

static void test_what_is_no_text_is_not_held_back_for_long(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("play", "hex:41FFC3", "sleep:1", "hex:C3", "sleep:1"), false, true);
    world_settle(&w);
    assert_int_equal(run.chunks, 1);
    world_advance(&w, SK_MSEC(10));
    assert_int_equal(run.chunks, 2);
    world_advance(&w, SK_MSEC(1000)); /* nor what comes after a byte that was none */
    assert_int_equal(run.chunks, 3);
    run_close(&run);
    world_fini(&w);
}

static void test_cut_character_at_the_end(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("play", "hex:F09F98", "exit:0"), false, true);
    world_settle(&w);
    assert_int_equal(run.out.len, 3);
    assert_int_equal(run.exits, 1);
    run_close(&run);
    run_start(&run, s, ARGV("play", "hex:FFFEC0", "sleep:5"), false, true); /* no UTF-8 at all: not held */
    world_settle(&w);
    assert_int_equal(run.out.len, 3);
    run_close(&run);
    world_fini(&w);
}

static void test_close_kills(void **state)
{
    struct world w;
    struct run run, early;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("play", "trap:15", "fork:1000", "sleep:infinity"), false, true);
    world_settle(&w);
    run_close(&run);
    world_settle(&w);
    world_assert_only_main(&w, s);
    run_start(&early, s, ARGV("sleep", "infinity"), false, true);
    sk_vloop_turn(w.loop); /* the guest has been asked and has not answered */
    run_close(&early);
    world_settle(&w);
    world_assert_only_main(&w, s);
    world_fini(&w);
}

static void test_waits_for_running(void **state)
{
    struct world w;
    struct answer created;
    struct run run, hopeless;

    (void)state;
    world_init(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_SEC(1));
    run_start(&run, created.sandbox, ARGV("echo", "x"), false, true);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(run.started + run.errors, 0);
    sk_fake_agent_deaf(w.agent, false);
    world_settle(&w);
    assert_int_equal(run.exits, 1);
    run_close(&run);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_SEC(1));
    run_start(&hopeless, created.sandbox, ARGV("echo", "x"), false, true);
    world_advance(&w, SK_SEC(61)); /* the create fails */
    assert_int_equal(hopeless.errors, 1);
    assert_int_equal(hopeless.error.code, SK_FAILED_PRECONDITION);
    assert_string_equal(hopeless.error.reason, "SANDBOX_NOT_RUNNING");
    run_close(&hopeless);
    world_fini(&w);
}

static void test_sandbox_ends(void **state)
{
    struct world w;
    struct answer deleted;
    struct run run, late;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("play", "out:x", "sleep:infinity"), false, true);
    world_settle(&w);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_string_equal(run_out(&run), "x");
    assert_int_equal(run.errors, 1);
    assert_int_equal(run.exits, 0);
    assert_string_equal(run.error.reason, "SANDBOX_NOT_RUNNING");
    run_start(&late, s, ARGV("true"), false, true);
    world_settle(&w);
    assert_int_equal(late.errors, 1);
    assert_int_equal(late.error.code, SK_FAILED_PRECONDITION);
    run_close(&run);
    run_close(&late);
    assert_true(sk_list_is_empty(&s->execs));
    world_fini(&w);
}

static int hang_starts(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "agent.start") == 0 ? SK_FAKE_HANG : SK_FAKE_OK;
}

/* Nobody has asked for output yet, and the error comes all the same. */
static void test_sandbox_ends_while_it_starts(void **state)
{
    struct world w;
    struct answer deleted;
    struct run run, left;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_hook(&w, hang_starts, NULL);
    run_start(&run, s, ARGV("true"), false, true);
    run_start(&left, s, ARGV("true"), false, true);
    world_settle(&w);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(run.started, 0);
    assert_int_equal(run.errors, 1);
    assert_string_equal(run.error.reason, "SANDBOX_NOT_RUNNING");
    run_close(&run);
    run_close(&left);
    assert_true(sk_list_is_empty(&s->execs));
    world_fini(&w);
}

static void test_node_stops(void **state)
{
    struct world w;
    struct run run;
    struct answer stopped;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("sleep", "infinity"), false, true);
    world_settle(&w);
    answer_init(&stopped);
    sk_node_stop(w.node, &stopped.done);
    world_settle(&w);
    assert_int_equal(run.errors, 1);
    assert_int_equal(run.error.code, SK_UNAVAILABLE);
    assert_int_equal(stopped.count, 0); /* the exec is still its owner's */
    run_close(&run);
    world_settle(&w);
    assert_int_equal(stopped.count, 1);
    sk_node_free(sk_take(w.node));
    world_fini(&w);
}

static void test_many_at_once(void **state)
{
    enum { MANY = 100 };
    static struct run runs[MANY];
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    for (size_t i = 0; i < MANY; i++)
        run_start(&runs[i], s, ARGV("echo", "x"), i % 2, true);
    world_settle(&w);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(runs[i].exits, 1);
        assert_string_equal(run_out(&runs[i]), "x\n");
        run_close(&runs[i]);
    }
    world_assert_only_main(&w, s);
    world_fini(&w);
}

/* --- sweep ------------------------------------------------------------------------ */

static void cancel(void *arg)
{
    struct run *run = arg;
    sk_exec_close(sk_take(run->exec));
}

static void one_exec(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct run run;

    (void)arg;
    world_init(&w);
    world_sweep(&w, sweep);
    sk_sweep_pause(sweep, true);
    struct sk_sandbox *s = world_running(&w, NULL);
    sk_sweep_pause(sweep, false);
    sk_sweep_on_cancel(sweep, w.loop, cancel, &run);
    run_start(&run, s, ARGV("play", "out:x", "exit:0"), true, true);
    world_advance(&w, SK_SEC(40)); /* past the limit of a start */
    sk_sweep_pause(sweep, true);
    if (run.exec)
        assert_int_equal(run.exits + run.errors, 1);
    if (sk_sweep_is_clean(sweep))
        assert_int_equal(run.exits, 1);
    run_close(&run);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    if (sweep->flavour != SK_SWEEP_FAIL_AFTER) /* then an unwanted process may end unseen */
        assert_int_equal(sk_fake_agent_alive(w.agent, sk_sandbox_record(s)->id), 1);
    assert_true(sk_list_is_empty(&s->execs));
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(one_exec, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_and_exit),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_stdin),
        cmocka_unit_test(test_broken_stdin),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_empty_command),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_exit_is_wanted),
        cmocka_unit_test(test_child_holds_pipe),
        cmocka_unit_test(test_no_output_is_lost_by_a_stall),
        cmocka_unit_test(test_child_chatters),
        cmocka_unit_test(test_utf8_is_held_back),
        cmocka_unit_test(test_what_is_no_text_is_not_held_back_for_long),
        cmocka_unit_test(test_cut_character_at_the_end),
        cmocka_unit_test(test_close_kills),
        cmocka_unit_test(test_waits_for_running),
        cmocka_unit_test(test_sandbox_ends),
        cmocka_unit_test(test_sandbox_ends_while_it_starts),
        cmocka_unit_test(test_node_stops),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
