/* The daemon's end of a channel: order, limits, life. */
#include "far_end.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void calls_under_way_answer_before_lost(void **state)
{
    struct rig *rig = *state;
    struct rig_call calls[3];
    up(rig);
    for (uint64_t i = 0; i < 3; i++) {
        rig_call_init(&calls[i], rig, i + 1);
        rig->agent->ops->start(rig->guest, &RIG_PROCESS(i + 1, "true"), &calls[i].done);
    }
    sk_close_fd(&of(rig)->fd);
    assert_true(rig_until(rig, &rig->lost, 1));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(calls[i].fired, 1);
        assert_int_equal(calls[i].err.code, SK_UNAVAILABLE);
    }
}

static void a_guest_that_does_not_read(void **state)
{
    static struct rig_call calls[3000];
    struct rig *rig = *state;
    size_t refused = 0;
    up(rig);
    for (uint64_t i = 0; i < sk_array_len(calls); i++) {
        rig_call_init(&calls[i], rig, i + 1);
        rig->agent->ops->start(rig->guest, &RIG_PROCESS(i + 1, "true"), &calls[i].done);
        assert_int_equal(calls[i].fired, 0);
    }
    rig_idle(rig, 20);
    for (size_t i = 0; i < sk_array_len(calls); i++) {
        assert_true(calls[i].fired == 0 || calls[i].err.code == SK_RESOURCE_EXHAUSTED);
        refused += (size_t)calls[i].fired;
    }
    assert_true(refused > 500 && refused < 2000);
    assert_int_equal(rig->lost, 0);
    for (int i = 0; i < 20000; i++) /* signals end its patience */
        rig->agent->ops->signal(rig->guest, 1, SIGTERM, false);
    assert_int_equal(rig->lost, 0);
    assert_true(rig_until(rig, &rig->lost, 1));
    for (size_t i = 0; i < sk_array_len(calls); i++)
        assert_int_equal(calls[i].fired, 1);
}

static void a_cancelled_start_is_undone(void **state)
{
    struct rig *rig = *state;
    struct rig_call call;
    uint64_t key;
    up(rig);
    rig_call_init(&call, rig, 1);
    rig->agent->ops->start(rig->guest, &RIG_PROCESS(1, "true"), &call.done);
    sk_done_cancel(&call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    assert_int_equal(call.err.code, SK_CANCELLED);
    assert_int_equal(far_hear(rig, &key), SK_FRAME_START);
    (void)far_say(rig, SK_FRAME_STARTED, 1);
    rig_idle(rig, 10);
    assert_int_equal(far_hear(rig, &key), SK_FRAME_SIGNAL);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
    rig_idle(rig, 10);
    assert_int_equal(far_hear(rig, &key), SK_FRAME_RELEASE);
    assert_int_equal(rig->keys[1].exits, 0);
    assert_int_equal(call.fired, 1);
    assert_int_equal(rig->lost, 0);
}

static void close_is_silent(void **state)
{
    struct rig *rig = *state;
    struct rig_call call;
    up(rig);
    rig_call_init(&call, rig, 1);
    rig->agent->ops->start(rig->guest, &RIG_PROCESS(1, "true"), &call.done);
    rig_down(rig);
    rig_idle(rig, 50);
    assert_int_equal(call.fired, 0);
    assert_int_equal(rig->exits, 0);
    assert_int_equal(rig->lost, 0);
}

/* The event that is told may be the one to close. */
static void close_on_exit(void *arg, uint64_t key, int status)
{
    (void)key;
    (void)status;
    rig_down(arg);
    sk_loop_stop(((struct rig *)arg)->loop);
}

static void events_may_close(void **state)
{
    static const struct sk_guest_events events = {
        .on_exit = close_on_exit, .on_found = rig_on_found, .on_lost = rig_on_lost};
    struct rig *rig = *state;
    struct sk_err err;
    assert_int_equal(rig->agent->ops->open(rig->agent, RIG_ID, &events, rig, &rig->guest, &err), SK_OK);
    rig->pid = rig->launch(rig);
    far_greet(rig);
    assert_int_equal(rig_await(rig), SK_OK);
    start_one(rig);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
    rig_idle(rig, 20);
    assert_null(rig->guest);
    assert_int_equal(rig->lost, 0);
}

static void strangers_are_turned_away(void **state)
{
    struct rig *rig = *state;
    struct rig_call call;
    rig_open(rig);
    pid_t stranger = fork();
    if (stranger == 0) {
        for (int i = 0; i < 100; i++)
            (void)close(far_connect(rig));
        int fd = far_connect(rig); /* stays in the queue */
        (void)sleep(5);
        _exit(fd < 0);
    }
    rig_call_init(&call, rig, 0);
    rig->agent->ops->await(rig->guest, getpid(), &call.done);
    rig_idle(rig, 200);
    assert_int_equal(call.fired, 0);
    while ((of(rig)->fd = far_connect(rig)) < 0)
        rig_idle(rig, 10);
    far_greet(rig);
    assert_true(rig_until(rig, &call.fired, 1));
    assert_int_equal(call.err.code, SK_OK);
    (void)kill(stranger, SIGKILL);
    (void)waitpid(stranger, NULL, 0);
    assert_int_equal(rig->lost, 0);
    assert_int_equal(far_connect(rig), -1); /* nobody listens any more */
}

static void directories_have_modes(void **state)
{
    struct rig *rig = *state;
    struct stat st;
    char path[256];
    rig_open(rig);
    const char *dir = rig->agent->ops->dir(rig->guest);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    (void)snprintf(path, sizeof path, "%s/guest", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode) && st.st_size == 0);
    (void)snprintf(path, sizeof path, "%s/sock", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    (void)snprintf(path, sizeof path, "%s/agent", of(rig)->run_dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void odd_ids_are_refused(void **state)
{
    struct rig *rig = *state;
    struct sk_err err;
    static const char *const ids[] = {"", ".", "..", "../x", "a/b", ".hidden"};
    for (size_t i = 0; i < sk_array_len(ids); i++)
        assert_int_equal(rig->agent->ops->open(rig->agent, ids[i], &rig_events, rig, &rig->guest, &err),
                         SK_INVALID_ARGUMENT);
    rig->guest = NULL;
}

/* With each descriptor more it gets further; what has failed leaves nothing. */
static void too_few_descriptors(void **state)
{
    static const struct sk_guest_events deaf = {0};
    struct rig *rig = *state;
    struct rlimit before, now;
    struct sk_err err;
    char dir[128];
    int failures = 0, lowest = dup(0);
    assert_true(lowest >= 0 && close(lowest) == 0 && getrlimit(RLIMIT_NOFILE, &before) == 0);
    (void)snprintf(dir, sizeof dir, "%s/agent/few", of(rig)->run_dir);
    now = (struct rlimit){.rlim_cur = (rlim_t)lowest, .rlim_max = before.rlim_max};
    for (enum sk_code code = SK_INTERNAL; code != SK_OK; now.rlim_cur++) {
        struct sk_guest *guest = NULL;
        (void)setrlimit(RLIMIT_NOFILE, &now);
        code = rig->agent->ops->open(rig->agent, "few", &deaf, NULL, &guest, &err);
        (void)setrlimit(RLIMIT_NOFILE, &before);
        if (code == SK_OK)
            rig->agent->ops->close(guest, true);
        failures += code != SK_OK;
        assert_int_equal(access(dir, F_OK), -1);
    }
    assert_true(failures > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL_TEST(calls_under_way_answer_before_lost),
        CHANNEL_TEST(a_guest_that_does_not_read),
        CHANNEL_TEST(a_cancelled_start_is_undone),
        CHANNEL_TEST(close_is_silent),
        CHANNEL_TEST(events_may_close),
        CHANNEL_TEST(strangers_are_turned_away),
        CHANNEL_TEST(directories_have_modes),
        CHANNEL_TEST(odd_ids_are_refused),
        CHANNEL_TEST(too_few_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
