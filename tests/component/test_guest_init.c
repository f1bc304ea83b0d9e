/* The guest as what it is: PID 1 of namespaces of its own, in roots that are
 * more or less odd. Needs root; else skipped. */
#include "support/guest_rig.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum oddity { PLAIN, WITHOUT_PROC, WITHOUT_DEV };

struct birth {
    struct rig *rig;
    enum oddity oddity;
    char program[512], sock[512];
};

/* In the new namespaces: hides /etc, gives a /proc or an empty one. */
static int become_init(void *arg)
{
    struct birth *birth = arg;
    char *argv[] = {birth->program, birth->sock, NULL}, *env[] = {NULL};
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(birth->oddity == WITHOUT_PROC ? "tmpfs" : "proc", "/proc",
              birth->oddity == WITHOUT_PROC ? "tmpfs" : "proc", 0, NULL) < 0 ||
        mount("tmpfs", "/etc", "tmpfs", 0, NULL) < 0 || sethostname("box", 3) < 0 ||
        (birth->oddity == WITHOUT_DEV && mount("tmpfs", "/dev", "tmpfs", 0, NULL) < 0))
        _exit(126);
    (void)execve(birth->program, argv, env);
    _exit(127);
}

static int launch_as(struct rig *rig, enum oddity oddity)
{
    static char stack[64 * 1024] __attribute__((aligned(16)));
    struct birth birth = {.rig = rig, .oddity = oddity};
    const char *build = getenv("SK_BUILD");
    (void)snprintf(birth.program, sizeof birth.program, "%s/sandkeep-guest", build ? build : ".");
    (void)snprintf(birth.sock, sizeof birth.sock, "%s/sock", rig->agent->ops->dir(rig->guest));
    int pid = clone(become_init, stack + sizeof stack,
                    CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | SIGCHLD, &birth);
    guest_rig_of(rig)->child = pid;
    return pid;
}

static int launch_plain(struct rig *rig)
{
    return launch_as(rig, PLAIN);
}

static int launch_without_proc(struct rig *rig)
{
    return launch_as(rig, WITHOUT_PROC);
}

static int launch_without_dev(struct rig *rig)
{
    return launch_as(rig, WITHOUT_DEV);
}

static int plain_setup(void **state)
{
    int failed = rig_setup(state);
    if (!failed)
        ((struct rig *)*state)->launch = launch_plain;
    return failed;
}

static int run_shell(struct rig *rig, uint64_t key, const char *command, char *text, size_t size)
{
    return rig_output(rig, &RIG_PROCESS(key, "sh", "-c", command), text, size);
}

static void the_sandbox_is_made_ready(void **state)
{
    struct rig *rig = *state;
    char text[4096];
    rig_up(rig);
    assert_int_equal(run_shell(rig, 1, "cat /etc/hosts", text, sizeof text), 0);
    assert_non_null(strstr(text, "127.0.0.1 localhost\n"));
    assert_non_null(strstr(text, " box\n"));
    assert_int_equal(run_shell(rig, 2, "grep -q 127.0.0.1 /proc/net/fib_trie", text, sizeof text), 0);
    assert_int_equal(run_shell(rig, 3, "id -u; echo $HOME", text, sizeof text), 0); /* without /etc/passwd */
    assert_string_equal(text, "0\n/\n");
    assert_int_equal(run_shell(rig, 4, "echo $PPID", text, sizeof text), 0);
    assert_string_equal(text, "1\n");
}

static void orphans_are_reaped(void **state)
{
    struct rig *rig = *state;
    char text[4096];
    rig_up(rig);
    for (uint64_t key = 1; key <= 5; key++)
        assert_int_equal(
            run_shell(rig, key, "for i in 1 2 3 4 5 6 7 8; do (true &) ; done", text, sizeof text), 0);
    for (uint64_t key = 6; key < RIG_KEYS; key++) {
        assert_int_equal(run_shell(rig, key, "ls -d /proc/[0-9]* | wc -l", text, sizeof text), 0);
        if (atoi(text) <= 4) /* PID 1, sh, ls, wc */
            break;
        rig_idle(rig, 20);
    }
    assert_true(atoi(text) <= 4);
}

static void the_inside_cannot_end_it(void **state)
{
    struct rig *rig = *state;
    char text[256];
    rig_up(rig);
    assert_int_equal(
        run_shell(rig, 1, "kill -KILL 1; kill -STOP 1; kill -SEGV 1; kill -ABRT 1; kill -PIPE 1; echo ok",
                  text, sizeof text),
        0);
    assert_string_equal(text, "ok\n");
    struct sk_process nobody =
        RIG_PROCESS(2, "sh", "-c", "cat /proc/1/environ /proc/1/maps || ls /proc/1/fd; kill -TERM 1");
    nobody.user = "12345";
    assert_int_equal(rig_output(rig, &nobody, text, sizeof text), 1);
    assert_string_equal(text, "");
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(3, "true")), 0);
    assert_int_equal(rig->lost, 0);
}

static void signals_go_on_to_the_main_process(void **state)
{
    struct rig *rig = *state;
    struct sk_process main_process =
        RIG_PROCESS(1, "sh", "-c", "trap 'exit 42' USR1; echo ready; while :; do sleep 0.01; done");
    int ends[2];
    char ready[6];
    rig_up(rig);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    main_process.is_main = true;
    main_process.stdout_take = ends[1];
    assert_int_equal(rig_start(rig, &main_process), SK_OK);
    assert_int_equal(read(ends[0], ready, sizeof ready), sizeof ready);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(2, "sh", "-c", "kill -USR1 1")), 0);
    assert_int_equal(rig_wait_exit(rig, 1), 42);
    (void)close(ends[0]);
}

static void without_proc_it_still_works(void **state)
{
    struct rig *rig = *state;
    char text[64];
    rig->launch = launch_without_proc;
    rig_up(rig);
    assert_int_equal(rig_output(rig, &RIG_PROCESS(1, "echo", "here"), text, sizeof text), 0);
    assert_string_equal(text, "here\n");
    assert_int_equal(rig_start(rig, &RIG_PROCESS(2, "sh", "-c", "sleep 61 & sleep 62; :")), SK_OK);
    rig->agent->ops->signal(rig->guest, 2, SIGKILL, true);
    assert_int_equal(rig_wait_exit(rig, 2), 128 + SIGKILL);
}

static void without_null_it_says_so(void **state)
{
    struct rig *rig = *state;
    rig->launch = launch_without_dev;
    rig_up(rig);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(1, "true")), SK_INTERNAL);
    int in[2], out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    struct sk_process p = RIG_PROCESS(2, "true");
    p.stdin_take = in[0];
    p.stdout_take = out[1];
    p.stderr_take = fcntl(out[1], F_DUPFD_CLOEXEC, 0);
    assert_int_equal(rig_exec(rig, &p), 0);
    (void)close(in[1]);
    (void)close(out[0]);
}

static enum sk_code terminal_of(struct rig *rig)
{
    struct rig_call call;
    int master = -1, slave = -1;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_terminal(rig->guest, &master, &slave, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    sk_close_fd(&master);
    sk_close_fd(&slave);
    return call.err.code;
}

static enum sk_code read_of(struct rig *rig, const char *user, const char *path)
{
    struct rig_call call;
    int fd = -1;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_read(rig->guest, &(struct sk_file_ask){path, "", user}, &fd, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    sk_close_fd(&fd);
    return call.err.code;
}

static void files_of_pid_1(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    assert_int_equal(read_of(rig, "12345", "/etc/hosts"), SK_OK);
    assert_int_equal(read_of(rig, "12345", "/proc/1/status"), SK_OK);
    assert_int_equal(read_of(rig, "", "/proc/1/fd/3"), SK_INVALID_ARGUMENT);
    assert_int_equal(read_of(rig, "", "/proc/1/root/etc/hosts"), SK_INVALID_ARGUMENT);
    assert_int_equal(rig->lost, 0);
}

static void files_and_terminals_in_odd_roots(void **state)
{
    struct rig *rig = *state;
    rig->launch = launch_without_dev;
    rig_up(rig);
    assert_int_equal(terminal_of(rig), SK_FAILED_PRECONDITION);
    assert_int_equal(read_of(rig, "", "/etc/hosts"), SK_OK);
    rig_down(rig);
    guest_rig_kill(rig);
    rig->launch = launch_without_proc;
    rig_up(rig);
    assert_int_equal(read_of(rig, "", "/etc/hosts"), SK_INTERNAL); /* said, not guessed */
    assert_int_equal(rig->lost, 0);
}

/* A process that closes, fills and floods what it can reach. */
static void floods_inside_harm_nobody(void **state)
{
    struct rig *rig = *state;
    char text[256];
    rig_up(rig);
    assert_int_equal(
        rig_start(rig, &RIG_PROCESS(1, "sh", "-c", "ulimit -u 400; while :; do (sleep 60 &); done")), SK_OK);
    rig_idle(rig, 300);
    rig->agent->ops->signal(rig->guest, 1, SIGKILL, true);
    assert_int_equal(rig_wait_exit(rig, 1), 128 + SIGKILL);
    assert_int_equal(run_shell(rig, 2, "echo fine", text, sizeof text), 0);
    assert_string_equal(text, "fine\n");
    assert_int_equal(rig->lost, 0);
}

#define INIT_TEST(name) cmocka_unit_test_setup_teardown(name, plain_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INIT_TEST(the_sandbox_is_made_ready),        INIT_TEST(orphans_are_reaped),
        INIT_TEST(the_inside_cannot_end_it),         INIT_TEST(signals_go_on_to_the_main_process),
        INIT_TEST(without_proc_it_still_works),      INIT_TEST(without_null_it_says_so),
        INIT_TEST(floods_inside_harm_nobody),        INIT_TEST(files_of_pid_1),
        INIT_TEST(files_and_terminals_in_odd_roots),
    };
    if (geteuid() != 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
