/* Processes on terminals: real pseudo-terminals, whose far end a fake process has. */
#include "core/exec_impl.h"
#include "support/world.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

static void start_sized(struct run *run, struct sk_sandbox *s, const char *const *argv, uint16_t columns,
                        uint16_t rows, bool greedy)
{
    struct sk_exec_request request = {
        .argv = argv, .has_stdin = true, .on_terminal = true, .columns = columns, .rows = rows};
    run_request(run, s, &request, greedy);
}

static void start(struct run *run, struct sk_sandbox *s, const char *const *argv)
{
    start_sized(run, s, argv, 0, 0, true);
}

/* What the program would see. */
static struct winsize size_of(const struct run *run)
{
    struct winsize size = {0};

    assert_int_equal(ioctl(run->exec->in.fd, TIOCGWINSZ, &size), 0);
    return size;
}

static void assert_size(const struct run *run, int columns, int rows)
{
    assert_int_equal(size_of(run).ws_col, columns);
    assert_int_equal(size_of(run).ws_row, rows);
}

static void change_mode(const struct run *run, tcflag_t off)
{
    struct termios mode;

    assert_int_equal(tcgetattr(run->exec->in.fd, &mode), 0);
    mode.c_lflag &= ~off;
    assert_int_equal(tcsetattr(run->exec->in.fd, TCSANOW, &mode), 0);
}

static void test_output_and_exit(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    start(&run, s, ARGV("play", "out:one\n", "err:two\n", "exit:7"));
    assert_int_equal(run.started, 0);
    world_advance(&w, SK_MSEC(300));
    assert_int_equal(run.started, 1);
    assert_string_equal(run_out(&run), "one\r\ntwo\r\n"); /* one stream, and a terminal's line ends */
    assert_int_equal(run.err.len, 0);
    assert_int_equal(run.exits, 1);
    assert_int_equal(run.status, 7);
    run_close(&run);
    world_assert_only_main(&w, s);
    world_fini(&w);
}

static void test_size(void **state)
{
    struct world w;
    struct run usual, wide;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    start(&usual, s, ARGV("sleep", "infinity"));
    start_sized(&wide, s, ARGV("sleep", "infinity"), 200, 0, true);
    sk_exec_resize(wide.exec, 0, 50); /* there is no terminal yet */
    world_settle(&w);
    assert_size(&usual, 80, 24);
    assert_size(&wide, 200, 50);
    sk_exec_resize(usual.exec, 0, 30);
    assert_size(&usual, 80, 30);
    sk_exec_resize(usual.exec, UINT16_MAX, 1);
    assert_size(&usual, UINT16_MAX, 1);
    run_close(&usual);
    run_close(&wide);
    world_advance(&w, SK_SEC(3));
    world_assert_only_main(&w, s);
    world_fini(&w);
}

static void test_environment(void **state)
{
    static const struct sk_env own[] = {{"TERM", "dumb"}};
    struct sk_exec_request request = {.argv = ARGV("env"), .on_terminal = true};
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_request(&run, s, &request, true);
    world_advance(&w, SK_MSEC(300));
    assert_non_null(strstr(run_out(&run), "TERM=xterm-256color\r\n"));
    run_close(&run);
    request.env = own;
    request.env_count = 1;
    run_request(&run, s, &request, true);
    world_advance(&w, SK_MSEC(300));
    assert_non_null(strstr(run_out(&run), "TERM=dumb\r\n"));
    assert_null(strstr(run_out(&run), "xterm"));
    run_close(&run);
    world_fini(&w);
}

static void test_input_and_its_end(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    start(&run, s, ARGV("cat"));
    world_settle(&w);
    change_mode(&run, ECHO);
    sk_exec_write(run.exec, (const uint8_t *)"hello\n", 6);
    world_settle(&w);
    assert_int_equal(run.rooms, 1);
    assert_string_equal(run_out(&run), "hello\r\n");
    assert_int_equal(run.exits, 0);
    sk_exec_write(run.exec, (const uint8_t *)"half", 4);
    sk_exec_close_stdin(run.exec); /* a character for the half line, and one for the end */
    world_advance(&w, SK_MSEC(300));
    assert_string_equal(run_out(&run), "hello\r\nhalf");
    assert_int_equal(run.exits, 1);
    sk_exec_write(run.exec, (const uint8_t *)"late", 4);
    sk_exec_close_stdin(run.exec);
    world_settle(&w);
    assert_int_equal(run.rooms, 3);
    run_close(&run);
    world_assert_only_main(&w, s);
    world_fini(&w);
}

/* Before the process was there, and with its own character. */
static void test_early_end(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    start(&run, s, ARGV("cat"));
    sk_exec_close_stdin(run.exec);
    world_advance(&w, SK_MSEC(300));
    assert_int_equal(run.exits, 1);
    assert_int_equal(run.rooms, 0); /* what the daemon types is not the owner's */
    run_close(&run);
    world_assert_only_main(&w, s);
    world_fini(&w);
}

/* To a program that takes it for a key, as shells do. */
static void test_end_is_said_again(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    start(&run, s, ARGV("cat"));
    world_settle(&w);
    change_mode(&run, ICANON | ECHO);
    sk_exec_close_stdin(run.exec);
    world_settle(&w);
    assert_string_equal(run_out(&run), "\4");
    world_advance(&w, SK_MSEC(99));
    assert_string_equal(run_out(&run), "\4");
    world_advance(&w, SK_MSEC(1));
    assert_string_equal(run_out(&run), "\4\4");
    world_advance(&w, SK_SEC(40)); /* less and less often */
    assert_true(run.out.len > 5 && run.out.len < 20);
    run_close(&run);
    world_advance(&w, SK_SEC(3));
    world_assert_only_main(&w, s);
    world_fini(&w);
}

/* More input than a terminal holds waits, and the end of input behind it. */
static void test_back_pressure(void **state)
{
    static uint8_t flood[1 << 20];
    struct world w;
    struct run run;

    (void)state;
    memset(flood, 'f', sizeof(flood));
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    start(&run, s, ARGV("play", "sleep:5", "cat", "exit:3"));
    world_settle(&w);
    change_mode(&run, ICANON | ECHO);
    sk_exec_write(run.exec, flood, sizeof(flood));
    sk_exec_close_stdin(run.exec);
    world_advance(&w, SK_SEC(4));
    assert_int_equal(run.rooms, 0);
    for (int i = 0; i < 1000 && run.rooms == 0; i++) {
        (void)sk_vloop_wait_fd(w.loop, 10); /* the kernel moves a terminal's bytes in its own time */
        world_advance(&w, SK_MSEC(10));
    }
    assert_int_equal(run.rooms, 1);
    run_close(&run);
    world_advance(&w, SK_SEC(3));
    world_assert_only_main(&w, s);
    world_fini(&w);
}

static void test_output_outlives_the_process(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    start_sized(&run, s, ARGV("play", "fill:3000", "exit:4"), 0, 0, false);
    world_advance(&w, SK_SEC(20));
    assert_int_equal(sk_fake_agent_remembered(w.agent, sk_sandbox_record(s)->id), 1); /* it has long ended */
    while (run.exits == 0 && run.chunks < 100) {
        sk_exec_want(run.exec);
        world_advance(&w, SK_MSEC(300));
    }
    assert_int_equal(run.out.len, 3000);
    assert_int_equal(run.status, 4);
    assert_int_equal(sk_fake_agent_remembered(w.agent, sk_sandbox_record(s)->id), 1);
    run_close(&run);
    world_assert_only_main(&w, s);
    world_fini(&w);
}

static void test_not_found(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    start(&run, s, ARGV("nosuch"));
    world_settle(&w);
    assert_int_equal(run.started, 1);
    assert_int_equal(run.status, 127);
    assert_non_null(strstr(run_out(&run), "command not found: nosuch"));
    assert_non_null(strstr(run_out(&run), "\r\n"));
    run_close(&run);
    world_assert_only_main(&w, s);
    world_fini(&w);
}

static void test_letting_go_hangs_up_and_kills(void **state)
{
    struct world w;
    struct run polite, stubborn;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    start(&polite, s, ARGV("play", "trap:1:0", "sleep:infinity"));
    start(&stubborn, s, ARGV("play", "trap:1", "trap:15", "fork:1000", "sleep:infinity"));
    world_settle(&w);
    run_close(&polite);
    run_close(&stubborn);
    world_advance(&w, SK_MSEC(1999));
    assert_int_equal(sk_fake_agent_alive(w.agent, sk_sandbox_record(s)->id), 2);
    assert_int_equal(polite.exits + stubborn.exits, 0);
    world_advance(&w, SK_MSEC(1));
    world_assert_only_main(&w, s);
    world_fini(&w);
}

static void test_sandbox_ends(void **state)
{
    struct world w;
    struct answer deleted;
    struct run run, left;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    start(&run, s, ARGV("play", "out:x", "sleep:infinity"));
    start(&left, s, ARGV("play", "trap:1", "sleep:infinity"));
    world_settle(&w);
    run_close(&left);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_string_equal(run_out(&run), "x");
    assert_int_equal(run.errors, 1);
    assert_string_equal(run.error.reason, "SANDBOX_NOT_RUNNING");
    run_close(&run);
    assert_true(sk_list_is_empty(&s->execs));
    world_fini(&w);
}

/* --- sweep ------------------------------------------------------------------------ */

static void cancel(void *arg)
{
    struct run *run = arg;
    sk_exec_close(sk_take(run->exec));
}

static int descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void one_terminal(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct run run;

    (void)arg;
    world_init(&w);
    world_sweep(&w, sweep);
    sk_sweep_pause(sweep, true);
    struct sk_sandbox *s = world_running(&w, NULL);
    int before = descriptors();
    sk_sweep_pause(sweep, false);
    sk_sweep_on_cancel(sweep, w.loop, cancel, &run);
    start(&run, s, ARGV("play", "out:x", "exit:0"));
    world_advance(&w, SK_SEC(40)); /* past the limit of a start */
    sk_sweep_pause(sweep, true);
    if (run.exec)
        assert_int_equal(run.exits + run.errors, 1);
    if (sk_sweep_is_clean(sweep))
        assert_int_equal(run.exits, 1);
    run_close(&run);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    assert_true(sk_list_is_empty(&s->execs));
    if (sweep->flavour != SK_SWEEP_FAIL_AFTER) { /* then an unwanted process may end unseen */
        assert_int_equal(sk_fake_agent_alive(w.agent, sk_sandbox_record(s)->id), 1);
        assert_int_equal(descriptors(), before);
    }
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(one_terminal, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_and_exit), cmocka_unit_test(test_size),
        cmocka_unit_test(test_environment),     cmocka_unit_test(test_input_and_its_end),
        cmocka_unit_test(test_early_end),       cmocka_unit_test(test_end_is_said_again),
        cmocka_unit_test(test_back_pressure),   cmocka_unit_test(test_output_outlives_the_process),
        cmocka_unit_test(test_not_found),       cmocka_unit_test(test_letting_go_hangs_up_and_kills),
        cmocka_unit_test(test_sandbox_ends),    cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
