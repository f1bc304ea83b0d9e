/* Files of a guest: what is asked, what comes back, and who still wants it then. */
#include "opening.h"

#include <sys/resource.h>

static void a_file_is_read(void **state)
{
    struct rig *rig = *state;
    uint8_t data[SK_WIRE_FRAME_MAX];
    struct sk_frame frame;
    struct sk_open_text text;
    struct rig_call call;
    int fd = -1, file = file_open(O_RDONLY);
    up(rig);
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_read(rig->guest, &the_ask, &fd, &call.done);
    ssize_t got = recv(of(rig)->fd, data, sizeof data, MSG_DONTWAIT);
    assert_true(got > 0 && sk_frame_decode(SK_FRAME_FROM_DAEMON, data, (size_t)got, &frame));
    assert_int_equal(frame.open.kind, SK_OPEN_READ);
    assert_true(sk_open_text_split((const char *)frame.open.text, frame.open.text_len, &text));
    assert_string_equal(text.user, "me");
    assert_string_equal(text.working_dir, "/tmp");
    assert_string_equal(text.path, "dir/file");
    answer_fd(rig, frame.key, file);
    assert_true(rig_until(rig, &call.fired, 1));
    assert_int_equal(call.err.code, SK_OK);
    assert_true(fd >= 0 && fd != file && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
    (void)close(fd);
    (void)close(file);
}

static void copies_must_be_sealed(void **state)
{
    struct rig *rig = *state;
    struct opening o;
    int copy = sealed_copy(F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    up(rig);
    opening_start(rig, &o, SK_OPEN_READ, 0);
    answer_fd(rig, o.key, copy);
    assert_true(rig_until(rig, &o.call.fired, 1));
    assert_int_equal(o.call.err.code, SK_OK);
    opening_end(&o);
    (void)close(copy);
}

static void a_file_is_written(void **state)
{
    struct rig *rig = *state;
    struct opening o;
    struct rig_call commit;
    uint64_t key;
    int file = file_open(O_WRONLY);
    up(rig);
    for (int sys = 0; sys <= ENOSPC; sys += ENOSPC) { /* the caller's key may come again */
        opening_start(rig, &o, SK_OPEN_WRITE, 7);
        answer_fd(rig, o.key, file);
        assert_true(rig_until(rig, &o.call.fired, 1));
        assert_int_equal(o.call.err.code, SK_OK);
        opening_end(&o);
        rig_call_init(&commit, rig, 0);
        rig->agent->ops->commit(rig->guest, 7, &commit.done);
        assert_int_equal(far_hear(rig, &key), SK_FRAME_COMMIT);
        assert_true(key == o.key);
        answer_committed(rig, key, sys);
        assert_true(rig_until(rig, &commit.fired, 1));
        assert_int_equal(commit.err.code, sys ? SK_RESOURCE_EXHAUSTED : SK_OK);
        rig->agent->ops->abandon(rig->guest, 7); /* it has ended: nothing */
        assert_int_equal(far_hear(rig, &key), 0);
    }
    (void)close(file);
}

static void a_write_is_abandoned(void **state)
{
    struct rig *rig = *state;
    struct opening o;
    uint64_t key;
    int file = file_open(O_RDWR);
    up(rig);
    opening_start(rig, &o, SK_OPEN_WRITE, 7);
    answer_fd(rig, o.key, file);
    assert_true(rig_until(rig, &o.call.fired, 1));
    opening_end(&o);
    rig->agent->ops->abandon(rig->guest, 7);
    assert_int_equal(far_hear(rig, &key), SK_FRAME_ABANDON);
    assert_true(key == o.key);
    assert_int_equal(rig->lost, 0);
    (void)close(file);
}

static void errors_have_codes(void **state)
{
    static const struct {
        int sys;
        enum sk_code code;
        const char *reason;
    } cases[] = {
        {ENOENT, SK_NOT_FOUND, "FILE_NOT_FOUND"},
        {ENOTDIR, SK_NOT_FOUND, "FILE_NOT_FOUND"},
        {EISDIR, SK_FAILED_PRECONDITION, "FILE_IS_DIRECTORY"},
        {EACCES, SK_PERMISSION_DENIED, "FILE_PERMISSION_DENIED"},
        {EROFS, SK_PERMISSION_DENIED, "FILE_PERMISSION_DENIED"},
        {ELOOP, SK_INVALID_ARGUMENT, NULL},
        {ESRCH, SK_INVALID_ARGUMENT, NULL},
        {ENOSPC, SK_RESOURCE_EXHAUSTED, NULL},
        {EIO, SK_INTERNAL, "FILE_IO_FAILED"},
        {4095, SK_INTERNAL, "FILE_IO_FAILED"},
    };
    struct rig *rig = *state;
    up(rig);
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        struct opening o;
        opening_start(rig, &o, i % 2 ? SK_OPEN_READ : SK_OPEN_WRITE, 7);
        answer_errno(rig, o.key, cases[i].sys);
        assert_true(rig_until(rig, &o.call.fired, 1));
        assert_int_equal(o.call.err.code, cases[i].code);
        assert_true((o.call.err.reason == NULL) == (cases[i].reason == NULL));
        if (cases[i].reason)
            assert_string_equal(o.call.err.reason, cases[i].reason);
        assert_int_equal(o.fd, -1);
    }
    assert_int_equal(rig->lost, 0);
}

static void paths_have_limits(void **state)
{
    static char path[SK_WIRE_PATH_MAX + 1], dir[SK_WIRE_FRAME_MAX];
    struct rig *rig = *state;
    struct rig_call calls[2];
    int fd = -1;
    uint64_t key;
    up(rig);
    memset(path, 'a', SK_WIRE_PATH_MAX);
    memset(dir, 'a', sizeof dir - 1);
    const struct sk_file_ask asks[] = {{.path = path, .working_dir = "", .user = ""},
                                       {.path = "a", .working_dir = dir, .user = ""}};
    for (size_t i = 0; i < sk_array_len(asks); i++) {
        rig_call_init(&calls[i], rig, 0);
        rig->agent->ops->open_read(rig->guest, &asks[i], &fd, &calls[i].done);
        assert_true(rig_until(rig, &calls[i].fired, 1));
        assert_int_equal(calls[i].err.code, SK_INVALID_ARGUMENT);
    }
    assert_int_equal(far_hear(rig, &key), 0);
}

/* --- cancelling ----------------------------------------------------------------------------- */

/* The answer arrives after the cancel: its descriptor is closed, a write abandoned. */
static void late_answers_are_undone(void **state)
{
    static int (*const makes[])(void) = {read_only, write_only, terminals_open};
    struct rig *rig = *state;
    up(rig);
    int fds_before = count_fds();
    for (enum sk_open_kind kind = SK_OPEN_READ; kind <= SK_OPEN_LAST; kind++) {
        struct opening o, next;
        uint64_t key;
        int fd = makes[kind - 1]();
        opening_start(rig, &o, kind, 7);
        sk_done_cancel(&o.call.done);
        assert_int_equal(o.call.fired, 0);
        assert_true(rig_until(rig, &o.call.fired, 1));
        assert_int_equal(o.call.err.code, SK_CANCELLED);
        opening_start(rig, &next, kind, 7); /* the same key at once */
        assert_true(next.key != o.key);
        answer_fd(rig, o.key, fd);
        rig_idle(rig, 10);
        assert_int_equal(far_hear(rig, &key), kind == SK_OPEN_WRITE ? SK_FRAME_ABANDON : 0);
        assert_true(kind != SK_OPEN_WRITE || key == o.key);
        assert_int_equal(next.call.fired, 0);
        answer_errno(rig, next.key, ENOENT);
        assert_true(rig_until(rig, &next.call.fired, 1));
        assert_int_equal(o.call.fired, 1);
        assert_int_equal(o.fd, -1);
        (void)close(fd);
        assert_int_equal(count_fds(), fds_before);
    }
    assert_int_equal(rig->lost, 0);
}

/* The answer is there, unread, when the cancel comes. */
static void a_cancel_beats_an_unread_answer(void **state)
{
    struct rig *rig = *state;
    struct opening o;
    uint64_t key;
    int fd = write_only();
    up(rig);
    int fds_before = count_fds();
    opening_start(rig, &o, SK_OPEN_WRITE, 7);
    answer_fd(rig, o.key, fd);
    sk_done_cancel(&o.call.done);
    rig_idle(rig, 10);
    assert_int_equal(o.call.fired, 1);
    assert_int_equal(o.call.err.code, SK_CANCELLED);
    assert_int_equal(far_hear(rig, &key), SK_FRAME_ABANDON);
    assert_int_equal(count_fds(), fds_before);
    (void)close(fd);
}

static void a_commit_can_be_cancelled(void **state)
{
    struct rig *rig = *state;
    struct opening o;
    struct rig_call commit;
    uint64_t key;
    int fd = write_only();
    up(rig);
    opening_start(rig, &o, SK_OPEN_WRITE, 7);
    answer_fd(rig, o.key, fd);
    assert_true(rig_until(rig, &o.call.fired, 1));
    opening_end(&o);
    rig_call_init(&commit, rig, 0);
    rig->agent->ops->commit(rig->guest, 7, &commit.done);
    assert_int_equal(far_hear(rig, &key), SK_FRAME_COMMIT);
    sk_done_cancel(&commit.done);
    assert_true(rig_until(rig, &commit.fired, 1));
    assert_int_equal(commit.err.code, SK_CANCELLED);
    answer_committed(rig, key, 0);
    rig_idle(rig, 10);
    assert_int_equal(commit.fired, 1);
    assert_int_equal(rig->lost, 0);
    (void)close(fd);
}

/* A guest that never answers is asked for so much and no more, cancelled or not. */
static void a_silent_guest_is_asked_so_much(void **state)
{
    static struct opening o[SK_WIRE_OPENS_MAX];
    struct rig *rig = *state;
    struct rig_call call;
    int fd = -1;
    up(rig);
    for (size_t i = 0; i < sk_array_len(o); i++)
        opening_start(rig, &o[i], SK_OPEN_READ, 0);
    for (size_t i = 0; i < sk_array_len(o); i += 2)
        sk_done_cancel(&o[i].call.done);
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_read(rig->guest, &the_ask, &fd, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    assert_int_equal(call.err.code, SK_RESOURCE_EXHAUSTED);
    rig_down(rig); /* silently */
    rig_idle(rig, 10);
    for (size_t i = 0; i < sk_array_len(o); i++)
        assert_int_equal(o[i].call.fired, i % 2 == 0);
}

/* The daemon has no descriptor left: an error of this call, not the guest's end. */
static void a_full_table_is_not_the_guests_fault(void **state)
{
    struct rig *rig = *state;
    struct rlimit limit, few;
    struct opening o;
    uint64_t key;
    int fd = write_only(), lowest = dup(fd); /* all below are in use */
    up(rig);
    opening_start(rig, &o, SK_OPEN_WRITE, 7);
    answer_fd(rig, o.key, fd);
    (void)close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = (struct rlimit){.rlim_cur = (rlim_t)lowest, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    (void)rig_until_within(rig, &o.call.fired, 1, 60000);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(o.call.fired, 1);
    assert_int_equal(o.call.err.code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(far_hear(rig, &key), SK_FRAME_ABANDON);
    assert_int_equal(rig->lost, 0);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL_TEST(a_file_is_read),
        CHANNEL_TEST(copies_must_be_sealed),
        CHANNEL_TEST(a_file_is_written),
        CHANNEL_TEST(a_write_is_abandoned),
        CHANNEL_TEST(errors_have_codes),
        CHANNEL_TEST(paths_have_limits),
        CHANNEL_TEST(late_answers_are_undone),
        CHANNEL_TEST(a_cancel_beats_an_unread_answer),
        CHANNEL_TEST(a_commit_can_be_cancelled),
        CHANNEL_TEST(a_silent_guest_is_asked_so_much),
        CHANNEL_TEST(a_full_table_is_not_the_guests_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
