/* The daemon's end against a far end that does what it wants: this program
 * itself connects as the guest. */
#include "drivers/agent/channel.h"
#include "drivers/agent/wire.h"
#include "support/agent_rig.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

struct fixture {
    struct rig rig;
    char run_dir[64];
    int fd; /* the hostile end */
};

static struct fixture *of(struct rig *rig)
{
    return sk_container_of(rig, struct fixture, rig);
}

static int far_connect(struct rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", rig->agent->ops->dir(rig->guest));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* A guest that is to greet by itself. */
static int launch(struct rig *rig)
{
    of(rig)->fd = far_connect(rig);
    assert_true(of(rig)->fd >= 0);
    return getpid();
}

static int setup(void **state)
{
    struct fixture *f = sk_alloc(sizeof *f);
    struct sk_err err;
    (void)strcpy(f->run_dir, "/tmp/sk-chan-XXXXXX");
    if (!mkdtemp(f->run_dir) || sk_loop_new(&f->rig.loop, &err) != SK_OK ||
        sk_agent_channel_open(f->rig.loop, NULL, f->run_dir, &f->rig.agent, &err) != SK_OK)
        return -1;
    f->rig.launch = launch;
    f->fd = -1;
    *state = &f->rig;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = of(*state);
    char dir[128];
    rig_down(&f->rig);
    sk_close_fd(&f->fd);
    (void)snprintf(dir, sizeof dir, "%s/agent", f->run_dir);
    bool clean = rmdir(dir) == 0 && rmdir(f->run_dir) == 0;
    sk_agent_channel_close(f->rig.agent);
    sk_loop_free(f->rig.loop);
    free(f);
    return clean ? 0 : -1;
}

/* --- the far end's voice -------------------------------------------------------- */

static bool far_send(struct rig *rig, const void *data, size_t len, const int *fds, size_t fd_count)
{
    char control[CMSG_SPACE(sizeof(int) * 253)] __attribute__((aligned(8))) = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * fd_count);
    }
    return sendmsg(of(rig)->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

static bool far_say_with(struct rig *rig, struct sk_frame frame, const int *fds, size_t fd_count)
{
    uint8_t data[SK_WIRE_HEADER];
    sk_frame_encode(&frame, data);
    return far_send(rig, data, sizeof data, fds, fd_count);
}

static bool far_say(struct rig *rig, enum sk_frame_type type, uint64_t key)
{
    return far_say_with(rig, (struct sk_frame){.type = type, .key = key}, NULL, 0);
}

static void far_greet(struct rig *rig)
{
    assert_true(far_say(rig, SK_FRAME_HELLO, 0));
    assert_true(far_say(rig, SK_FRAME_READY, 0));
}

static void up(struct rig *rig)
{
    rig_open(rig);
    rig->pid = rig->launch(rig);
    far_greet(rig);
    assert_int_equal(rig_await(rig), SK_OK);
}

/* Takes one frame from the daemon, descriptors closed; its type or 0. */
static int far_hear(struct rig *rig, uint64_t *out_key)
{
    uint8_t data[SK_WIRE_FRAME_MAX];
    struct sk_frame frame;
    ssize_t got = recv(of(rig)->fd, data, sizeof data, MSG_DONTWAIT);
    if (got <= 0 || !sk_frame_decode(SK_FRAME_FROM_DAEMON, data, (size_t)got, &frame))
        return 0;
    *out_key = frame.key;
    return (int)frame.type;
}

static int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}

/* --- ways to be wrong: each is called after the greeting ------------------------------ */

static void says_garbage(struct rig *rig)
{
    (void)far_send(rig, "GET / HTTP/1.1\r\n\r\n................", 34, NULL, 0);
}

static void says_too_little(struct rig *rig)
{
    (void)far_send(rig, "SKG1", 4, NULL, 0);
}

static void says_too_much(struct rig *rig)
{
    static uint8_t data[60000];
    struct sk_frame frame = {.type = SK_FRAME_EXITED, .key = 1};
    sk_frame_encode(&frame, data);
    (void)far_send(rig, data, sizeof data, NULL, 0);
}

static void says_nothing_and_leaves(struct rig *rig)
{
    sk_close_fd(&of(rig)->fd);
}

static void says_empty(struct rig *rig)
{
    (void)far_send(rig, "", 0, NULL, 0);
}

static void greets_again(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_HELLO, 0);
}

static void is_ready_again(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_READY, 0);
}

static void commands(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_RELEASE, 1);
}

static void finds_too_late(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_FOUND, 7);
}

static void starts_out_of_the_blue(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_STARTED, 7);
}

static void ends_the_unknown(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_EXITED, 7);
}

/* Starts key 1 for real first. */
static void start_one(struct rig *rig)
{
    struct rig_call call;
    uint64_t key = 0;
    rig_call_init(&call, rig, 1);
    rig->agent->ops->start(rig->guest, &RIG_PROCESS(1, "true"), &call.done);
    rig_idle(rig, 1);
    assert_int_equal(far_hear(rig, &key), SK_FRAME_START);
    assert_int_equal(key, 1);
    assert_true(far_say(rig, SK_FRAME_STARTED, 1));
    assert_true(rig_until(rig, &call.fired, 1));
    assert_int_equal(call.err.code, SK_OK);
}

static void starts_twice(struct rig *rig)
{
    start_one(rig);
    (void)far_say(rig, SK_FRAME_STARTED, 1);
}

static void ends_twice(struct rig *rig)
{
    start_one(rig);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
}

static void ends_the_released(struct rig *rig)
{
    start_one(rig);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
    (void)rig_wait_exit(rig, 1);
    rig->agent->ops->release(rig->guest, 1);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
}

static void sends_descriptors(struct rig *rig)
{
    int fds[2] = {0, 1};
    start_one(rig);
    (void)far_say_with(rig, (struct sk_frame){.type = SK_FRAME_EXITED, .key = 1}, fds, 2);
}

static void floods_with_descriptors(struct rig *rig)
{
    int fds[253];
    for (size_t i = 0; i < sk_array_len(fds); i++)
        fds[i] = 0;
    start_one(rig);
    (void)far_say_with(rig, (struct sk_frame){.type = SK_FRAME_EXITED, .key = 1}, fds, sk_array_len(fds));
}

static void has_an_impossible_status(struct rig *rig)
{
    uint8_t data[SK_WIRE_HEADER];
    struct sk_frame frame = {.type = SK_FRAME_EXITED, .key = 1};
    start_one(rig);
    sk_frame_encode(&frame, data);
    data[17] = 1; /* status 256 */
    (void)far_send(rig, data, sizeof data, NULL, 0);
}

static void every_fault_is_the_end(void **state)
{
    static void (*const faults[])(struct rig *) = {
        says_garbage,
        says_too_little,
        says_too_much,
        says_nothing_and_leaves,
        says_empty,
        greets_again,
        is_ready_again,
        commands,
        finds_too_late,
        starts_twice,
        starts_out_of_the_blue,
        ends_the_unknown,
        ends_twice,
        ends_the_released,
        sends_descriptors,
        floods_with_descriptors,
        has_an_impossible_status,
    };
    struct rig *rig = *state;
    int fds_before = count_fds();
    for (size_t i = 0; i < sk_array_len(faults); i++) {
        rig->lost = 0;
        memset(rig->keys, 0, sizeof rig->keys);
        up(rig);
        faults[i](rig);
        assert_true(rig_until(rig, &rig->lost, 1));
        assert_int_equal(rig->lost_err.code, SK_UNAVAILABLE);
        assert_true(rig->keys[1].exits <= 1);
        rig_down(rig);
        sk_close_fd(&of(rig)->fd);
        assert_int_equal(count_fds(), fds_before);
    }
}

/* --- faults in the greeting ----------------------------------------------------------- */

static void says_ready_first(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_READY, 0);
}

static void ends_before_ready(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_HELLO, 0);
    (void)far_say(rig, SK_FRAME_FOUND, 1);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
}

static void finds_twice(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_HELLO, 0);
    (void)far_say(rig, SK_FRAME_FOUND, 1);
    (void)far_say(rig, SK_FRAME_FOUND, 1);
}

static void keeps_what_is_no_pipe(struct rig *rig)
{
    int fd = memfd_create("no pipe", MFD_CLOEXEC);
    (void)far_say(rig, SK_FRAME_HELLO, 0);
    (void)far_say_with(
        rig, (struct sk_frame){.type = SK_FRAME_FOUND, .key = 1, .flags = SK_FRAME_FD_KEEP_STDOUT}, &fd, 1);
    (void)close(fd);
}

static void forgets_the_descriptor(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_HELLO, 0);
    (void)far_say_with(
        rig, (struct sk_frame){.type = SK_FRAME_FOUND, .key = 1, .flags = SK_FRAME_FD_KEEP_STDOUT}, NULL, 0);
}

static void faults_in_the_greeting(void **state)
{
    static void (*const faults[])(struct rig *) = {
        says_ready_first,      ends_before_ready,      finds_twice,
        keeps_what_is_no_pipe, forgets_the_descriptor, says_nothing_and_leaves};
    struct rig *rig = *state;
    int fds_before = count_fds();
    for (size_t i = 0; i < sk_array_len(faults); i++) {
        struct rig_call call;
        rig->lost = 0;
        rig_open(rig);
        rig->pid = rig->launch(rig);
        rig_call_init(&call, rig, 0);
        rig->agent->ops->await(rig->guest, rig->pid, &call.done);
        faults[i](rig);
        assert_true(rig_until(rig, &rig->lost, 1));
        assert_int_equal(call.fired, 1); /* before on_lost */
        assert_int_equal(call.err.code, SK_UNAVAILABLE);
        rig_down(rig);
        sk_close_fd(&of(rig)->fd);
        assert_int_equal(count_fds(), fds_before);
    }
}

/* More processes than there may be. */
static void too_many_found(void **state)
{
    struct rig *rig = *state;
    struct rig_call call;
    rig_open(rig);
    rig->pid = rig->launch(rig);
    rig_call_init(&call, rig, 0);
    rig->agent->ops->await(rig->guest, rig->pid, &call.done);
    (void)far_say(rig, SK_FRAME_HELLO, 0);
    for (uint64_t key = 1; key <= SK_WIRE_KEYS_MAX + 1;) {
        if (far_say(rig, SK_FRAME_FOUND, key))
            key++;
        else if (rig->lost)
            break;
        else
            rig_idle(rig, 1);
    }
    assert_true(rig_until(rig, &rig->lost, 1));
    assert_int_equal(rig->keys[SK_WIRE_KEYS_MAX].found, 1);
    assert_int_equal(rig->keys[SK_WIRE_KEYS_MAX + 1].found, 0);
}

/* --- order, limits, life ---------------------------------------------------------------- */

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

#define CHANNEL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL_TEST(every_fault_is_the_end),
        CHANNEL_TEST(faults_in_the_greeting),
        CHANNEL_TEST(too_many_found),
        CHANNEL_TEST(calls_under_way_answer_before_lost),
        CHANNEL_TEST(a_guest_that_does_not_read),
        CHANNEL_TEST(a_cancelled_start_is_undone),
        CHANNEL_TEST(close_is_silent),
        CHANNEL_TEST(events_may_close),
        CHANNEL_TEST(strangers_are_turned_away),
        CHANNEL_TEST(directories_have_modes),
        CHANNEL_TEST(odd_ids_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
