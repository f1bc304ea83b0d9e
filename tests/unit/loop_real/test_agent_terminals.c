/* Terminals of a guest. */
#include "opening.h"

#include <sys/mount.h>
#include <sys/stat.h>

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

/* A devpts of its own, as each sandbox has one, mounted nowhere. */
static int devpts_make(unsigned attributes)
{
    int fs = fsopen("devpts", FSOPEN_CLOEXEC);
    if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    int dir = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
    (void)close(fs);
    return dir;
}

static void terminals_are_of_the_sandboxs_devpts(void **state)
{
    struct rig *rig = *state;
    struct opening o;
    struct stat dir_st, slave_st;
    int dir = devpts_make(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (dir < 0)
        skip(); /* not root */
    up(rig);
    opening_start(rig, &o, SK_OPEN_TERMINALS, 0);
    answer_fd(rig, o.key, dir);
    assert_true(rig_until(rig, &o.call.fired, 1));
    assert_int_equal(o.call.err.code, SK_OK);
    assert_int_equal(fstat(dir, &dir_st), 0);
    assert_int_equal(fstat(o.slave, &slave_st), 0);
    assert_true(dir_st.st_dev == slave_st.st_dev);
    assert_int_equal(faccessat(dir, "0", F_OK, 0), 0); /* its first */
    opening_end(&o);
    (void)close(dir);
}

/* Where devices cannot be opened there are no terminals; the guest is not to blame. */
static void a_devpts_that_gives_none_is_an_error(void **state)
{
    struct rig *rig = *state;
    struct opening o;
    int dir = devpts_make(MOUNT_ATTR_NODEV);
    if (dir < 0)
        skip();
    up(rig);
    opening_start(rig, &o, SK_OPEN_TERMINALS, 0);
    answer_fd(rig, o.key, dir);
    assert_true(rig_until(rig, &o.call.fired, 1));
    assert_int_equal(o.call.err.code, SK_FAILED_PRECONDITION);
    assert_int_equal(o.fd, -1);
    assert_int_equal(rig->lost, 0);
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
        CHANNEL_TEST(a_terminal_is_the_daemons),
        CHANNEL_TEST(terminals_are_of_the_sandboxs_devpts),
        CHANNEL_TEST(a_devpts_that_gives_none_is_an_error),
        CHANNEL_TEST(no_terminals_is_said),
        CHANNEL_TEST(a_start_says_that_it_is_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
