/* Terminals of the real guest, through the real channel. Needs root and a devpts; else skipped. */
#include "support/guest_rig.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

struct screen {
    int master;
    size_t len;
    char text[16384];
};

static void start_on(struct rig *rig, struct screen *screen, struct sk_process *p)
{
    struct rig_call call;
    *screen = (struct screen){.master = -1};
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_terminal(rig->guest, &screen->master, &p->stdin_take, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    assert_int_equal(call.err.code, SK_OK);
    p->on_terminal = true;
    assert_int_equal(rig_start(rig, p), SK_OK);
}

/* One read, or a nap of PAUSE_MS; false at the end. */
#define PAUSE_MS 2
static bool screen_read(struct rig *rig, struct screen *screen)
{
    size_t room = sizeof screen->text - 1 - screen->len;
    ssize_t got = read(screen->master, screen->text + screen->len, room);
    if (got > 0)
        screen->len += (size_t)got;
    else if (got < 0 && errno == EAGAIN)
        rig_idle(rig, PAUSE_MS);
    else
        return false;
    screen->text[screen->len] = 0;
    return true;
}

/* Reads until the text stands there, which is then forgotten with all before it. */
static void expect(struct rig *rig, struct screen *screen, const char *text)
{
    char *found = NULL;
    for (int tries = 0; tries < RIG_LIMIT_MS / PAUSE_MS && !(found = strstr(screen->text, text)); tries++)
        if (!screen_read(rig, screen))
            break;
    if (!found)
        print_message("wanted \"%s\", got \"%s\"\n", text, screen->text);
    assert_non_null(found);
    size_t rest = strlen(found + strlen(text));
    memmove(screen->text, found + strlen(text), rest + 1);
    screen->len = rest;
}

static void type(struct screen *screen, const char *keys)
{
    assert_int_equal(write(screen->master, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static void resize(struct screen *screen, unsigned short rows, unsigned short columns)
{
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    assert_int_equal(ioctl(screen->master, TIOCSWINSZ, &size), 0);
}

/* Whether that program leads those to whom the terminal's keys go. */
static bool is_in_front(const struct screen *screen, const char *program)
{
    char path[64], name[32] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)tcgetpgrp(screen->master));
    FILE *file = fopen(path, "r");
    bool is_it = file && fscanf(file, "%31s", name) == 1 && strcmp(name, program) == 0;
    if (file)
        (void)fclose(file);
    return is_it;
}

/* Before that, keys mean nothing to it: a shell's child ignores them until it is another program. */
static void await_in_front(struct rig *rig, const struct screen *screen, const char *program)
{
    for (int waited = 0; !is_in_front(screen, program) && waited < RIG_LIMIT_MS; waited += PAUSE_MS)
        rig_idle(rig, PAUSE_MS);
    assert_true(is_in_front(screen, program));
}

static int finish(struct rig *rig, struct screen *screen, uint64_t key)
{
    int status = rig_wait_exit(rig, key);
    rig->agent->ops->release(rig->guest, key);
    (void)close(screen->master);
    return status;
}

static void it_is_the_sessions_own(void **state)
{
    struct rig *rig = *state;
    struct screen screen;
    struct sk_process p = RIG_PROCESS(
        1, "sh", "-c",
        "echo through > /dev/tty; set -- $(cat /proc/$$/stat); test $5,$6,$8 = $$,$$,$$ && echo leader; "
        "ls -l /proc/self/fd | grep -c '> /dev/pts/'; stat -Lc '%u %a' /proc/self/fd/0; echo > $(tty) end");
    rig_up(rig);
    p.user = "12345";
    start_on(rig, &screen, &p);
    expect(rig, &screen, "through\r\nleader\r\n2\r\n12345 "); /* its own stdout is grep's pipe */
    expect(rig, &screen, "end\r\n");
    assert_int_equal(finish(rig, &screen, 1), 0);
}

static void it_has_a_size(void **state)
{
    struct rig *rig = *state;
    struct screen screen;
    struct sk_process p =
        RIG_PROCESS(1, "sh", "-c", "trap 'stty size; exit 3' WINCH; stty size; while :; do sleep 0.01; done");
    rig_up(rig);
    start_on(rig, &screen, &p);
    expect(rig, &screen, "0 0\r\n");
    resize(&screen, 50, 132);
    expect(rig, &screen, "50 132\r\n");
    assert_int_equal(finish(rig, &screen, 1), 3);
}

static void keys_have_their_meaning(void **state)
{
    struct rig *rig = *state;
    struct screen screen;
    rig_up(rig);
    start_on(rig, &screen, &RIG_PROCESS(1, "cat"));
    type(&screen, "twice\n");
    expect(rig, &screen, "twice\r\ntwice\r\n");
    type(&screen, "\003");
    assert_int_equal(finish(rig, &screen, 1), 128 + SIGINT);
    start_on(rig, &screen, &RIG_PROCESS(2, "cat"));
    type(&screen, "\004");
    assert_int_equal(finish(rig, &screen, 2), 0);
}

static void shells_have_job_control(void **state)
{
    struct rig *rig = *state;
    struct screen screen;
    struct sk_process p = RIG_PROCESS(1, "bash", "--norc", "--noprofile", "-i");
    p.env = (const char *const[]){"PATH=/usr/bin:/bin", "PS1=$ ", "HOME=/nonexistent", "TERM=dumb", NULL};
    if (access("/bin/bash", X_OK) < 0)
        skip();
    rig_up(rig);
    start_on(rig, &screen, &p);
    expect(rig, &screen, "$ ");
    assert_null(strstr(screen.text, "no job control"));
    type(&screen, "sleep 100 &\n");
    expect(rig, &screen, "[1] ");
    type(&screen, "fg\n");
    expect(rig, &screen, "fg\r\nsleep 100\r\n");
    await_in_front(rig, &screen, "sleep");
    type(&screen, "\032");
    expect(rig, &screen, "Stopped");
    type(&screen, "fg\n");
    expect(rig, &screen, "fg\r\nsleep 100\r\n");
    await_in_front(rig, &screen, "sleep");
    type(&screen, "\003");
    expect(rig, &screen, "$ ");
    type(&screen, "echo status $?\n");
    expect(rig, &screen, "status 130\r\n");
    type(&screen, "exit 9\n");
    assert_int_equal(finish(rig, &screen, 1), 9);
}

static void closing_it_hangs_up(void **state)
{
    struct rig *rig = *state;
    struct screen screen;
    rig_up(rig);
    start_on(rig, &screen, &RIG_PROCESS(1, "sleep", "61"));
    (void)close(screen.master);
    assert_int_equal(rig_wait_exit(rig, 1), 128 + SIGHUP);
}

/* The writer ends long before its reader has read. */
static void nothing_is_lost(void **state)
{
    static const size_t sizes[] = {1, 4095, 9000, 70000, 300000};
    struct rig *rig = *state;
    char command[128], chunk[700];
    rig_up(rig);
    for (size_t i = 0; i < sk_array_len(sizes); i++) {
        struct screen screen;
        size_t total = 0;
        ssize_t got;
        (void)snprintf(command, sizeof command, "head -c %zu /dev/zero | tr '\\0' x", sizes[i]);
        start_on(rig, &screen, &RIG_PROCESS(i + 1, "sh", "-c", command));
        rig_idle(rig, 30);
        while ((got = read(screen.master, chunk, sizeof chunk)) > 0 || (got < 0 && errno == EAGAIN)) {
            total += got > 0 ? (size_t)got : 0;
            if (got < 0 || total % 7 == 0)
                rig_idle(rig, 1);
        }
        assert_int_equal(total, sizes[i]);
        assert_int_equal(finish(rig, &screen, i + 1), 0);
    }
}

static void all_of_the_session_can_be_felled(void **state)
{
    struct rig *rig = *state;
    struct screen screen;
    struct sk_process p = RIG_PROCESS(
        1, "sh", "-c", "trap '' HUP INT; (trap '' HUP; sleep 61; :) & (sleep 62; :) & echo ready; wait; :");
    rig_up(rig);
    start_on(rig, &screen, &p);
    expect(rig, &screen, "ready\r\n");
    rig->agent->ops->signal(rig->guest, 1, SIGKILL, true);
    assert_int_equal(rig_wait_exit(rig, 1), 128 + SIGKILL);
    while (screen_read(rig, &screen)) /* ends when nobody has it open */
        continue;
    assert_int_equal(errno, EIO);
    (void)close(screen.master);
}

static void many_leave_nothing(void **state)
{
    struct rig *rig = *state;
    struct screen screen;
    char fds[64];
    rig_up(rig);
    (void)snprintf(fds, sizeof fds, "/proc/%d/fd", rig->pid);
    int guest_before = count_entries(fds), own_before = count_entries("/proc/self/fd");
    for (uint64_t key = 1; key <= 200; key++) {
        start_on(rig, &screen, &RIG_PROCESS(key, "/bin/true"));
        assert_int_equal(finish(rig, &screen, key), 0);
    }
    until_entries(rig, fds, guest_before);
    assert_int_equal(count_entries("/proc/self/fd"), own_before);
}

#define TERMINAL_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TERMINAL_TEST(it_is_the_sessions_own),
        TERMINAL_TEST(it_has_a_size),
        TERMINAL_TEST(keys_have_their_meaning),
        TERMINAL_TEST(shells_have_job_control),
        TERMINAL_TEST(closing_it_hangs_up),
        TERMINAL_TEST(nothing_is_lost),
        TERMINAL_TEST(all_of_the_session_can_be_felled),
        TERMINAL_TEST(many_leave_nothing),
    };
    if (geteuid() != 0 || access("/dev/pts/ptmx", F_OK) < 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
