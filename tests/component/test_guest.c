/* The real guest through the real channel: what only a real one can show.
 * Needs root for the users. */
#include "support/guest_rig.h"

#include <sys/mman.h>
#include <sys/stat.h>

static void exit_codes_and_signals(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(1, "sh", "-c", "exit 255")), 255);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(2, "sh", "-c", "kill -9 $$")), 128 + 9);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(3, "sh", "-c", "kill -SEGV $$")), 128 + 11);
}

/* Makes a file that the test then tries to execute. */
static void file_make(struct rig *rig, const char *name, const char *text, mode_t mode, char path[static 128])
{
    (void)snprintf(path, 128, "%s/%s", guest_rig_of(rig)->run_dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static void errors_tell_why(void **state)
{
    struct rig *rig = *state;
    char plain[128], script[128], astray[128];
    rig_up(rig);
    file_make(rig, "plain", "x", 0644, plain);
    file_make(rig, "script", "true\n", 0755, script);
    file_make(rig, "astray", "#!/no/such/interpreter\n", 0755, astray);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(1, "/no/such/program")), SK_NOT_FOUND);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(2, plain)), SK_PERMISSION_DENIED);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(3, script)), SK_PERMISSION_DENIED);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(4, astray)), SK_NOT_FOUND);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(5, "/usr")), SK_PERMISSION_DENIED);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(6, "")), SK_INVALID_ARGUMENT);
    struct sk_process p = RIG_PROCESS(7, "true");
    p.working_dir = "/no/such/directory";
    assert_int_equal(rig_start(rig, &p), SK_FAILED_PRECONDITION);
    p.working_dir = plain;
    assert_int_equal(rig_start(rig, &p), SK_FAILED_PRECONDITION);
    p.working_dir = "";
    p.user = "nobody-knows-this";
    assert_int_equal(rig_start(rig, &p), SK_INVALID_ARGUMENT);
    p.user = "4294967296";
    assert_int_equal(rig_start(rig, &p), SK_INVALID_ARGUMENT);
    p.user = "";
    p.env = (const char *const[]){"PATH=/no/such:/nor/this", NULL};
    assert_int_equal(rig_start(rig, &p), SK_NOT_FOUND);
    p.env = (const char *const[]){NULL}; /* no PATH: the usual one */
    assert_int_equal(rig_exec(rig, &p), 0);
    (void)unlink(plain);
    (void)unlink(script);
    (void)unlink(astray);
    assert_int_equal(rig->lost, 0);
}

static void expect_output(struct rig *rig, uint64_t key, const char *user, const char *dir,
                          const char *command, const char *expected)
{
    char text[4096];
    struct sk_process p = RIG_PROCESS(key, "sh", "-c", command);
    p.user = user;
    p.working_dir = dir;
    assert_int_equal(rig_output(rig, &p, text, sizeof text), 0);
    assert_string_equal(text, expected);
}

static void becomes_the_user(void **state)
{
    struct rig *rig = *state;
    if (geteuid() != 0)
        skip();
    rig_up(rig);
    expect_output(rig, 1, "12345:23456", "/", "id -u; id -g; id -G", "12345\n23456\n23456\n");
    expect_output(rig, 2, "nobody", "/", "id -un", "nobody\n");
    expect_output(rig, 3, "12345", "/root", "pwd; echo $HOME", "/root\n/\n"); /* as docker has it */
    expect_output(rig, 4, "", "", "id -u; echo $HOME; umask; pwd", "0\n/root\n0022\n/\n");
    expect_output(rig, 5, "12345", "", "echo out > /dev/stdout", "out\n");
    expect_output(rig, 6, "12345", "",
                  "grep -E '^Cap(Eff|Prm|Amb)' /proc/self/status | grep -v 0000000000000000; :", "");
}

/* Nothing of the guest's leaks into what it starts. */
static void children_are_clean(void **state)
{
    struct rig *rig = *state;
    char text[4096];
    rig_up(rig);
    assert_int_equal(rig_output(rig, &RIG_PROCESS(1, "ls", "/proc/self/fd"), text, sizeof text), 0);
    assert_string_equal(text, "0\n1\n2\n3\n"); /* 3 is the directory being listed */
    expect_output(rig, 2, "", "", "cat /proc/self/status | grep -E '^Sig(Blk|Ign|Cgt)' | tr -d '\\t'",
                  "SigBlk:0000000000000000\nSigIgn:0000000000000000\nSigCgt:0000000000000000\n");
    expect_output(rig, 3, "", "", "cat /proc/$$/oom_score_adj", "500\n");
    expect_output(rig, 4, "", "", "test \"$(cut -d' ' -f5,6 /proc/$$/stat)\" = \"$$ $$\" && echo own",
                  "own\n");
    expect_output(rig, 5, "", "", "readlink /proc/self/fd/0 /proc/self/fd/2", "/dev/null\n/dev/null\n");
    /* By the shell itself: while it builds a pipeline it may still hold an end of one. */
    expect_output(rig, 6, "", "/proc/self/fd", "pwd | cut -c1-6; set -- *; echo $*", "/proc/\n0 1 2 3\n");
}

static void long_environments_travel(void **state)
{
    struct rig *rig = *state;
    static char value[120000];
    static const char *env[18];
    char text[64];
    rig_up(rig);
    memset(value, 'x', sizeof value - 1);
    memcpy(value, "BIG=", 4);
    env[0] = "PATH=/usr/bin:/bin";
    for (int i = 1; i < 15; i++)
        env[i] = value;
    struct sk_process p = RIG_PROCESS(1, "sh", "-c", "echo ${#BIG}");
    p.env = env;
    assert_int_equal(rig_output(rig, &p, text, sizeof text), 0);
    assert_string_equal(text, "119995\n");
    for (int i = 15; i < 17; i++)
        env[i] = value;
    p = RIG_PROCESS(2, "true");
    p.env = (const char *const[]){value, value, value, value, value, value, value, value, value, value,
                                  value, value, value, value, value, value, value, value, NULL};
    assert_int_equal(rig_start(rig, &p), SK_INVALID_ARGUMENT); /* beyond the wire's limit */
    static char huge[200000];
    memset(huge, 'y', sizeof huge - 1);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(3, "true", huge)), SK_INVALID_ARGUMENT); /* E2BIG */
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(4, "true")), 0);
}

static int is_alive(int pid)
{
    char path[64], state = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    int got = fscanf(file, "%*d %*s %c", &state);
    (void)fclose(file);
    return got == 1 && state != 'Z';
}

static void trees_are_felled(void **state)
{
    struct rig *rig = *state;
    int ends[2], pids[4], count = 0;
    rig_up(rig);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct sk_process p =
        RIG_PROCESS(1, "sh", "-c",
                    "setsid sh -c 'echo $$; sleep 61; :' & sh -c 'echo $$; sleep 62; :' & "
                    "setsid sh -c 'setsid sh -c \"echo \\$\\$; sleep 63; :\" & wait' & echo $$; wait");
    p.stdout_take = ends[1];
    assert_int_equal(rig_start(rig, &p), SK_OK);
    FILE *out = fdopen(ends[0], "r");
    while (count < 4 && fscanf(out, "%d", &pids[count]) == 1)
        count++;
    assert_int_equal(count, 4);
    for (int i = 0; i < 4; i++)
        assert_true(is_alive(pids[i]));
    rig->agent->ops->signal(rig->guest, 1, SIGKILL, true);
    assert_int_equal(rig_wait_exit(rig, 1), 128 + SIGKILL);
    for (int i = 0; i < 4; i++)
        for (int waited = 0; is_alive(pids[i]) && waited < RIG_LIMIT_MS; waited += 5)
            rig_idle(rig, 5);
    for (int i = 0; i < 4; i++)
        assert_false(is_alive(pids[i]));
    assert_int_equal(fgetc(out), '\n');
    assert_int_equal(fgetc(out), EOF); /* nobody holds the pipe */
    (void)fclose(out);
}

/* A tree that forks as fast as it can is felled too. */
static void wild_trees_are_felled(void **state)
{
    struct rig *rig = *state;
    int ends[2];
    rig_up(rig);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct sk_process p =
        RIG_PROCESS(1, "sh", "-c", "for i in 1 2 3 4 5 6; do (while :; do (:) ; done) & done; wait");
    p.stdout_take = ends[1];
    assert_int_equal(rig_start(rig, &p), SK_OK);
    rig_idle(rig, 100);
    rig->agent->ops->signal(rig->guest, 1, SIGKILL, true);
    assert_int_equal(rig_wait_exit(rig, 1), 128 + SIGKILL);
    struct pollfd end = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&end, 1, RIG_LIMIT_MS), 1);
    assert_true(end.revents & POLLHUP);
    (void)close(ends[0]);
}

static long rss_of(int pid)
{
    char path[64];
    long size = 0, rss = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *file = fopen(path, "r");
    int got = file ? fscanf(file, "%ld %ld", &size, &rss) : 0;
    if (file)
        (void)fclose(file);
    return got == 2 ? rss * 4 : -1;
}

static void many_short_runs_leave_nothing(void **state)
{
    struct rig *rig = *state;
    char fds[64];
    rig_up(rig);
    (void)snprintf(fds, sizeof fds, "/proc/%d/fd", rig->pid);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(1, "true")), 0);
    int guest_before = count_entries(fds), own_before = count_entries("/proc/self/fd");
    long rss_before = rss_of(rig->pid);
    for (uint64_t key = 2; key < 2002; key++) {
        int out[2], err[2];
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        assert_int_equal(pipe2(err, O_CLOEXEC), 0);
        struct sk_process p = RIG_PROCESS(key, "/bin/true");
        p.stdout_take = out[1];
        p.stdout_keep_take = fcntl(out[0], F_DUPFD_CLOEXEC, 0);
        p.stderr_take = err[1];
        p.stderr_keep_take = fcntl(err[0], F_DUPFD_CLOEXEC, 0);
        assert_int_equal(rig_exec(rig, &p), 0);
        (void)close(out[0]);
        (void)close(err[0]);
    }
    until_entries(rig, fds, guest_before);
    assert_int_equal(count_entries("/proc/self/fd"), own_before);
    assert_true(rss_of(rig->pid) <=
                rss_before + 256);                    /* the kernel's count is exact to some 32 pages a cpu */
    assert_true(rss_before > 0 && rss_before < 1024); /* KiB */
    char children[64];
    (void)snprintf(children, sizeof children, "/proc/%d/task/%d/children", rig->pid, rig->pid);
    int fd = open(children, O_RDONLY | O_CLOEXEC);
    char one;
    assert_int_equal(read(fd, &one, 1), 0);
    (void)close(fd);
}

/* All at once, up to what a sandbox may have. */
static void a_burst_is_served(void **state)
{
    static struct rig_call calls[1500];
    struct rig *rig = *state;
    size_t started = 0;
    rig_up(rig);
    for (uint64_t i = 0; i < sk_array_len(calls); i++) {
        rig_call_init(&calls[i], rig, i + 1);
        rig->agent->ops->start(rig->guest, &RIG_PROCESS(i + 1, "/bin/true"), &calls[i].done);
    }
    for (size_t i = 0; i < sk_array_len(calls); i++) {
        assert_true(rig_until(rig, &calls[i].fired, 1));
        assert_true(calls[i].err.code == SK_OK || calls[i].err.code == SK_RESOURCE_EXHAUSTED);
        started += calls[i].err.code == SK_OK;
    }
    assert_true(started > 500);
    for (size_t i = 0; i < sk_array_len(calls); i++)
        if (calls[i].err.code == SK_OK)
            assert_int_equal(rig_wait_exit(rig, i + 1), 0);
    assert_int_equal(rig->exits, started);
    assert_int_equal(rig->lost, 0);
}

/* Ended while nobody listened, with its output in the pipe. */
static void the_daemon_may_be_away(void **state)
{
    struct rig *rig = *state;
    int ends[2];
    char text[64];
    rig_up(rig);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct sk_process p =
        RIG_PROCESS(1, "sh", "-c", "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    p.is_main = true;
    p.stdout_take = ends[1];
    p.stdout_keep_take = ends[0];
    struct pollfd ready = {.fd = fcntl(ends[0], F_DUPFD_CLOEXEC, 0), .events = POLLIN};
    assert_int_equal(rig_start(rig, &p), SK_OK);
    assert_int_equal(poll(&ready, 1, RIG_LIMIT_MS), 1);
    (void)close(ready.fd);
    rig->agent->ops->close(rig->guest, false);
    rig->guest = NULL;
    assert_int_equal(kill(rig->pid, SIGTERM), 0); /* what the runtime sends to PID 1 */
    rig_idle(rig, 200);
    memset(rig->keys, 0, sizeof rig->keys);
    rig_open(rig);
    assert_int_equal(rig_await(rig), SK_OK);
    assert_int_equal(rig->keys[1].found, 1);
    assert_int_equal(rig_wait_exit(rig, 1), 7);
    rig_read_all(rig, rig->keys[1].found_out, text, sizeof text);
    assert_string_equal(text, "ready\nbye\n");
}

/* The guest is dropped in the middle of whatever it does, again and again. */
static void restarts_in_a_row(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    assert_int_equal(rig_start(rig, &RIG_PROCESS(1, "sleep", "61")), SK_OK);
    for (uint64_t i = 0; i < 10; i++) {
        struct rig_call call;
        rig_call_init(&call, rig, 10 + i);
        rig->agent->ops->start(rig->guest, &RIG_PROCESS(10 + i, "true"), &call.done);
        rig_restart(rig);
        assert_int_equal(rig->keys[1].found, 1);
        assert_int_equal(rig->keys[10 + i].found, 1);
        assert_int_equal(rig_wait_exit(rig, 10 + i), 0);
    }
    rig->agent->ops->signal(rig->guest, 1, SIGKILL, true);
    assert_int_equal(rig_wait_exit(rig, 1), 128 + SIGKILL);
}

#define GUEST_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUEST_TEST(exit_codes_and_signals),   GUEST_TEST(errors_tell_why),
        GUEST_TEST(becomes_the_user),         GUEST_TEST(children_are_clean),
        GUEST_TEST(long_environments_travel), GUEST_TEST(trees_are_felled),
        GUEST_TEST(wild_trees_are_felled),    GUEST_TEST(many_short_runs_leave_nothing),
        GUEST_TEST(a_burst_is_served),        GUEST_TEST(the_daemon_may_be_away),
        GUEST_TEST(restarts_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
