/* What a guest may not answer to OPEN and COMMIT. */
#include "opening.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL_TEST(wrong_descriptors_are_the_end),
        CHANNEL_TEST(disorder_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
