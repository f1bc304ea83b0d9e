/* Files and terminals: what a guest may answer to OPEN and COMMIT, what it may
 * not, and who still wants it then. */
#include "far_end.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* One call under way. */
struct opening {
    struct rig_call call;
    int fd, slave;
    uint64_t key; /* on the wire */
};

static const struct sk_file_ask the_ask = {.path = "dir/file", .working_dir = "/tmp", .user = "me"};

static void opening_start(struct rig *rig, struct opening *o, enum sk_open_kind kind, uint64_t caller)
{
    *o = (struct opening){.fd = -1, .slave = -1};
    rig_call_init(&o->call, rig, 0);
    if (kind == SK_OPEN_READ)
        rig->agent->ops->open_read(rig->guest, &the_ask, &o->fd, &o->call.done);
    else if (kind == SK_OPEN_WRITE)
        rig->agent->ops->open_write(rig->guest, caller, &the_ask, &o->fd, &o->call.done);
    else
        rig->agent->ops->open_terminal(rig->guest, &o->fd, &o->slave, &o->call.done);
    assert_int_equal(o->call.fired, 0);
    assert_int_equal(far_hear(rig, &o->key), SK_FRAME_OPEN);
}

static void opening_end(struct opening *o)
{
    sk_close_fd(&o->fd);
    sk_close_fd(&o->slave);
}

static void answer_fd(struct rig *rig, uint64_t key, int fd)
{
    (void)far_say_with(rig, (struct sk_frame){.type = SK_FRAME_OPENED, .key = key, .flags = SK_FRAME_FD_FILE},
                       &fd, 1);
}

static void answer_errno(struct rig *rig, uint64_t key, int sys)
{
    struct sk_frame frame = {.type = SK_FRAME_OPENED, .key = key};
    frame.opened.sys = (uint32_t)sys;
    (void)far_say_with(rig, frame, NULL, 0);
}

static void answer_committed(struct rig *rig, uint64_t key, int sys)
{
    struct sk_frame frame = {.type = SK_FRAME_COMMITTED, .key = key};
    frame.committed.sys = (uint32_t)sys;
    (void)far_say_with(rig, frame, NULL, 0);
}

/* A regular file without a name, opened like that. */
static int file_open(int flags)
{
    char path[] = "/tmp/sk-opens-XXXXXX";
    int made = mkstemp(path);
    int fd = open(path, flags | O_CLOEXEC);
    assert_true(made >= 0 && fd >= 0);
    (void)unlink(path);
    (void)close(made);
    return fd;
}

static int sealed_copy(unsigned seals)
{
    int fd = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, "text", 4), 4);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

/* --- what is fine ------------------------------------------------------------------------- */

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

/* --- terminals ---------------------------------------------------------------------------- */

static int terminals_open(void)
{
    return open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void a_terminal_is_the_daemons(void **state)
{
    struct rig *rig = *state;
    struct opening o;
    char text[16];
    struct stat st;
    int dir = terminals_open();
    up(rig);
    opening_start(rig, &o, SK_OPEN_TERMINALS, 0);
    answer_fd(rig, o.key, dir);
    assert_true(rig_until(rig, &o.call.fired, 1));
    assert_int_equal(o.call.err.code, SK_OK);
    assert_true(fcntl(o.fd, F_GETFL) & O_NONBLOCK);
    assert_false(fcntl(o.slave, F_GETFL) & O_NONBLOCK);
    assert_true((fcntl(o.fd, F_GETFD) & FD_CLOEXEC) && (fcntl(o.slave, F_GETFD) & FD_CLOEXEC));
    assert_true(isatty(o.slave));
    assert_int_equal(fstat(o.slave, &st), 0);
    assert_int_equal(write(o.fd, "hi\n", 3), 3);
    assert_int_equal(read(o.slave, text, sizeof text), 3);
    opening_end(&o);
    (void)close(dir);
}

static void no_terminals_is_said(void **state)
{
    struct rig *rig = *state;
    struct opening o;
    up(rig);
    opening_start(rig, &o, SK_OPEN_TERMINALS, 0);
    answer_errno(rig, o.key, ENOENT);
    assert_true(rig_until(rig, &o.call.fired, 1));
    assert_int_equal(o.call.err.code, SK_FAILED_PRECONDITION);
    opening_start(rig, &o, SK_OPEN_TERMINALS, 0);
    answer_errno(rig, o.key, EMFILE);
    assert_true(rig_until(rig, &o.call.fired, 1));
    assert_int_equal(o.call.err.code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(rig->lost, 0);
}

/* --- what is not fine ----------------------------------------------------------------------- */

static int bad_fifo(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close(ends[1]);
    return ends[0];
}

static int bad_directory(void)
{
    return open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int bad_path_only(void)
{
    return file_open(O_PATH);
}

static int bad_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int bad_device(void)
{
    return open("/dev/zero", O_RDWR | O_CLOEXEC);
}

static int bad_proc(void)
{
    return open("/proc/self/comm", O_RDWR | O_CLOEXEC);
}

static int bad_sysfs(void)
{
    return open("/sys/kernel/profiling", O_RDONLY | O_CLOEXEC);
}

static int bad_unsealed(void)
{
    return sealed_copy(F_SEAL_GROW);
}

static int bad_half_sealed(void)
{
    return sealed_copy(F_SEAL_SHRINK);
}

static int bad_append(void)
{
    return file_open(O_RDWR | O_APPEND);
}

static int read_only(void)
{
    return file_open(O_RDONLY);
}

static int write_only(void)
{
    return file_open(O_WRONLY);
}

static int no_devpts(void)
{
    return open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int readable_devpts(void)
{
    return open("/dev/pts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int devpts_no_directory(void)
{
    return open("/dev/pts/ptmx", O_PATH | O_CLOEXEC);
}

static void wrong_descriptors_are_the_end(void **state)
{
    static const struct {
        int (*make)(void);
        enum sk_open_kind kind;
    } cases[] = {
        {bad_fifo, SK_OPEN_READ},
        {bad_fifo, SK_OPEN_WRITE},
        {bad_directory, SK_OPEN_READ},
        {bad_directory, SK_OPEN_WRITE},
        {bad_path_only, SK_OPEN_READ},
        {bad_path_only, SK_OPEN_WRITE},
        {bad_socket, SK_OPEN_READ},
        {bad_socket, SK_OPEN_WRITE},
        {bad_device, SK_OPEN_READ},
        {bad_device, SK_OPEN_WRITE},
        {bad_proc, SK_OPEN_READ},
        {bad_proc, SK_OPEN_WRITE},
        {bad_sysfs, SK_OPEN_READ},
        {bad_unsealed, SK_OPEN_READ},
        {bad_half_sealed, SK_OPEN_READ},
        {bad_append, SK_OPEN_WRITE},
        {write_only, SK_OPEN_READ},
        {read_only, SK_OPEN_WRITE},
        {read_only, SK_OPEN_TERMINALS},
        {bad_device, SK_OPEN_TERMINALS},
        {no_devpts, SK_OPEN_TERMINALS},
        {readable_devpts, SK_OPEN_TERMINALS},
        {terminals_open, SK_OPEN_READ},
        {terminals_open, SK_OPEN_WRITE},
        {devpts_no_directory, SK_OPEN_TERMINALS},
    };
    struct rig *rig = *state;
    int fds_before = count_fds();
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        struct opening o;
        int fd = cases[i].make();
        rig->lost = 0;
        assert_true(fd >= 0);
        up(rig);
        opening_start(rig, &o, cases[i].kind, 7);
        answer_fd(rig, o.key, fd);
        assert_true(rig_until(rig, &rig->lost, 1));
        assert_int_equal(o.call.fired, 1); /* before on_lost */
        assert_int_equal(o.call.err.code, SK_UNAVAILABLE);
        assert_int_equal(o.fd, -1);
        rig_down(rig);
        (void)close(fd);
        sk_close_fd(&of(rig)->fd);
        assert_int_equal(count_fds(), fds_before);
    }
}

/* Each is called with an OPEN for reading and one for writing under way. */

static void answers_another_key(struct rig *rig, const struct opening *o)
{
    answer_errno(rig, o->key + 100, ENOENT);
}

static void answers_twice(struct rig *rig, const struct opening *o)
{
    answer_errno(rig, o->key, ENOENT);
    answer_errno(rig, o->key, ENOENT);
}

static void hands_over_twice(struct rig *rig, const struct opening *o)
{
    int fd = file_open(O_RDWR);
    answer_fd(rig, o[1].key, fd);
    answer_fd(rig, o[1].key, fd);
    (void)close(fd);
}

static void sends_two(struct rig *rig, const struct opening *o)
{
    int fds[2] = {file_open(O_RDWR), file_open(O_RDWR)};
    (void)far_say_with(
        rig, (struct sk_frame){.type = SK_FRAME_OPENED, .key = o->key, .flags = SK_FRAME_FD_FILE}, fds, 2);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void sends_a_flood(struct rig *rig, const struct opening *o)
{
    int fds[253];
    for (size_t i = 0; i < sk_array_len(fds); i++)
        fds[i] = 0;
    (void)far_say_with(rig,
                       (struct sk_frame){.type = SK_FRAME_OPENED, .key = o->key, .flags = SK_FRAME_FD_FILE},
                       fds, sk_array_len(fds));
}

static void sends_none(struct rig *rig, const struct opening *o)
{
    (void)far_say_with(
        rig, (struct sk_frame){.type = SK_FRAME_OPENED, .key = o->key, .flags = SK_FRAME_FD_FILE}, NULL, 0);
}

static void sends_one_with_an_error(struct rig *rig, const struct opening *o)
{
    int fd = file_open(O_RDWR);
    struct sk_frame frame = {.type = SK_FRAME_OPENED, .key = o->key};
    frame.opened.sys = ENOENT;
    (void)far_say_with(rig, frame, &fd, 1);
    (void)close(fd);
}

static void says_a_negative_errno(struct rig *rig, const struct opening *o)
{
    answer_errno(rig, o->key, -ENOENT);
}

static void commits_unasked(struct rig *rig, const struct opening *o)
{
    answer_committed(rig, o[1].key, 0);
}

static void commits_the_unknown(struct rig *rig, const struct opening *o)
{
    (void)o;
    answer_committed(rig, 1000, 0);
}

static void floods_with_answers(struct rig *rig, const struct opening *o)
{
    for (int i = 0; i < 10000; i++)
        answer_errno(rig, o->key, ENOENT);
}

static void leaves(struct rig *rig, const struct opening *o)
{
    (void)o;
    sk_close_fd(&of(rig)->fd);
}

static void disorder_is_the_end(void **state)
{
    static void (*const faults[])(struct rig *, const struct opening *) = {
        answers_another_key,   answers_twice,
        hands_over_twice,      sends_two,
        sends_a_flood,         sends_one_with_an_error,
        says_a_negative_errno, commits_unasked,
        commits_the_unknown,   sends_none,
        floods_with_answers,   leaves,
    };
    struct rig *rig = *state;
    int fds_before = count_fds();
    for (size_t i = 0; i < sk_array_len(faults); i++) {
        struct opening o[2];
        rig->lost = 0;
        up(rig);
        opening_start(rig, &o[0], SK_OPEN_READ, 0);
        opening_start(rig, &o[1], SK_OPEN_WRITE, 7);
        faults[i](rig, o);
        assert_true(rig_until(rig, &rig->lost, 1));
        for (int k = 0; k < 2; k++) {
            assert_int_equal(o[k].call.fired, 1);
            opening_end(&o[k]);
        }
        rig->agent->ops->abandon(rig->guest, 7); /* of a lost guest: nothing */
        rig_down(rig);
        sk_close_fd(&of(rig)->fd);
        assert_int_equal(count_fds(), fds_before);
    }
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
    (void)rig_until_within(rig, &o.call.fired, 1, 2000);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(o.call.fired, 1);
    assert_int_equal(o.call.err.code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(far_hear(rig, &key), SK_FRAME_ABANDON);
    assert_int_equal(rig->lost, 0);
    (void)close(fd);
}

/* --- starting on a terminal ------------------------------------------------------------------ */

static void a_start_says_that_it_is_on_a_terminal(void **state)
{
    struct rig *rig = *state;
    struct rig_call call;
    uint8_t data[SK_WIRE_FRAME_MAX];
    struct sk_frame frame;
    up(rig);
    rig_call_init(&call, rig, 1);
    struct sk_process process = RIG_PROCESS(1, "sh");
    process.on_terminal = true;
    process.stdin_take = file_open(O_RDWR); /* what it is is the guest's to find out */
    rig->agent->ops->start(rig->guest, &process, &call.done);
    ssize_t got = recv(of(rig)->fd, data, sizeof data, MSG_DONTWAIT);
    assert_true(got > 0 && sk_frame_decode(SK_FRAME_FROM_DAEMON, data, (size_t)got, &frame));
    assert_int_equal(frame.flags, SK_FRAME_TERMINAL | SK_FRAME_FD_STDIN);
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
        CHANNEL_TEST(a_terminal_is_the_daemons),
        CHANNEL_TEST(no_terminals_is_said),
        CHANNEL_TEST(wrong_descriptors_are_the_end),
        CHANNEL_TEST(disorder_is_the_end),
        CHANNEL_TEST(late_answers_are_undone),
        CHANNEL_TEST(a_cancel_beats_an_unread_answer),
        CHANNEL_TEST(a_commit_can_be_cancelled),
        CHANNEL_TEST(a_silent_guest_is_asked_so_much),
        CHANNEL_TEST(a_full_table_is_not_the_guests_fault),
        CHANNEL_TEST(a_start_says_that_it_is_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
