/* The real guest and a daemon that says what ours never would. */
#include "drivers/agent/seqpacket.h"
#include "drivers/agent/wire.h"
#include "support/guest_rig.h"

#include <sys/socket.h>
#include <sys/un.h>

/* A daemon's end, by hand. */
struct bare {
    char dir[64], sock[96];
    int listener, fd;
    pid_t child;
};

static void bare_greet(struct bare *bare)
{
    struct sk_frame frame;
    uint8_t data[SK_WIRE_FRAME_MAX];
    do {
        ssize_t len = recv(bare->fd, data, sizeof data, 0);
        assert_true(len > 0);
        assert_true(sk_frame_decode(SK_FRAME_FROM_GUEST, data, (size_t)len, &frame));
    } while (frame.type != SK_FRAME_READY);
}

static void bare_connect(struct bare *bare)
{
    bare->fd = accept4(bare->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(bare->fd >= 0);
    bare_greet(bare);
}

static int bare_setup(void **state)
{
    struct bare *bare = sk_alloc(sizeof *bare);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char program[512], *env[] = {NULL};
    const char *build = getenv("SK_BUILD");
    (void)strcpy(bare->dir, "/tmp/sk-frames-XXXXXX");
    if (!mkdtemp(bare->dir))
        return -1;
    (void)snprintf(bare->sock, sizeof bare->sock, "%s/sock", bare->dir);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", bare->sock);
    (void)snprintf(program, sizeof program, "%s/sandkeep-guest", build ? build : ".");
    bare->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    *state = bare;
    if (bind(bare->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(bare->listener, 4) < 0)
        return -1;
    char *argv[] = {program, bare->sock, NULL};
    return posix_spawn(&bare->child, program, NULL, NULL, argv, env);
}

static int bare_teardown(void **state)
{
    struct bare *bare = *state;
    (void)kill(bare->child, SIGKILL);
    (void)waitpid(bare->child, NULL, 0);
    (void)close(bare->fd);
    (void)close(bare->listener);
    (void)unlink(bare->sock);
    int failed = rmdir(bare->dir); /* no file was left */
    free(bare);
    return failed;
}

static void tell(struct bare *bare, struct sk_frame frame, const char *text, size_t text_len)
{
    uint8_t data[SK_WIRE_HEADER + 4096];
    frame.open.text_len = (uint32_t)text_len;
    sk_frame_encode(&frame, data);
    memcpy(data + SK_WIRE_HEADER, text, text_len);
    assert_true(send(bare->fd, data, SK_WIRE_HEADER + text_len, MSG_NOSIGNAL) > 0);
}

/* OPEN for writing of a file in the directory, by root. */
static void ask_write(struct bare *bare, uint64_t key)
{
    struct sk_frame frame = {.type = SK_FRAME_OPEN, .key = key, .open.kind = SK_OPEN_WRITE};
    char text[256] = "";
    int len = snprintf(text + 1, sizeof text - 1, "%s%cfile-%d", bare->dir, 0, (int)key);
    tell(bare, frame, text, (size_t)len + 2);
}

static void say(struct bare *bare, enum sk_frame_type type, uint64_t key)
{
    uint8_t data[SK_WIRE_HEADER];
    sk_frame_encode(&(struct sk_frame){.type = type, .key = key}, data);
    assert_true(send(bare->fd, data, sizeof data, MSG_NOSIGNAL) > 0);
}

/* The errno of the answer; its descriptor is closed. */
static int answer(struct bare *bare, enum sk_frame_type type, uint64_t key)
{
    struct sk_seqpacket_extra extra;
    struct sk_frame frame;
    uint8_t data[SK_WIRE_HEADER];
    int fds[SK_WIRE_FDS_MAX];
    struct pollfd readable = {.fd = bare->fd, .events = POLLIN};
    assert_int_equal(poll(&readable, 1, RIG_LIMIT_MS), 1);
    ssize_t len = sk_seqpacket_receive(bare->fd, data, sizeof data, fds, SK_WIRE_FDS_MAX, &extra);
    assert_true(len > 0 && sk_frame_decode(SK_FRAME_FROM_GUEST, data, (size_t)len, &frame));
    assert_int_equal(frame.type, type);
    assert_true(frame.key == key);
    int sys = (int)(type == SK_FRAME_OPENED ? frame.opened.sys : frame.committed.sys);
    assert_int_equal(extra.fd_count, type == SK_FRAME_OPENED && sys == 0);
    if (extra.fd_count)
        (void)close(fds[0]);
    return sys;
}

static void expect_dropped(struct bare *bare)
{
    char one;
    assert_int_equal(recv(bare->fd, &one, 1, 0), 0);
    (void)close(bare->fd);
    bare_connect(bare); /* and comes again */
}

static void open_writes_are_bounded(void **state)
{
    struct bare *bare = *state;
    bare_connect(bare);
    for (uint64_t key = 1; key <= SK_WIRE_OPENS_MAX; key++) {
        ask_write(bare, key);
        assert_int_equal(answer(bare, SK_FRAME_OPENED, key), 0);
    }
    ask_write(bare, 1000);
    assert_int_equal(answer(bare, SK_FRAME_OPENED, 1000), EAGAIN);
    say(bare, SK_FRAME_ABANDON, 7);
    say(bare, SK_FRAME_ABANDON, 7);
    ask_write(bare, 1000);
    assert_int_equal(answer(bare, SK_FRAME_OPENED, 1000), 0);
    (void)close(bare->fd);
    bare_connect(bare);
    say(bare, SK_FRAME_COMMIT, 1000);
    assert_int_equal(answer(bare, SK_FRAME_COMMITTED, 1000), EBADF);
    assert_int_equal(count_entries(bare->dir), 3); /* ".", "..", the socket */
}

static void faults_end_the_connection(void **state)
{
    struct bare *bare = *state;
    struct sk_frame frame = {.type = SK_FRAME_OPEN, .key = 1, .open.kind = SK_OPEN_READ};
    bare_connect(bare);
    ask_write(bare, 1);
    assert_int_equal(answer(bare, SK_FRAME_OPENED, 1), 0);
    ask_write(bare, 1); /* the key is in use */
    expect_dropped(bare);
    tell(bare, frame, "\0\0/etc/passwd", 13); /* no end */
    expect_dropped(bare);
    tell(bare, frame, "\0\0/etc/passwd\0more", 19);
    expect_dropped(bare);
    say(bare, SK_FRAME_COMMIT, 9);
    assert_int_equal(answer(bare, SK_FRAME_COMMITTED, 9), EBADF);
    tell(bare, frame, "\0\0/no/such/file", 16);
    assert_int_equal(answer(bare, SK_FRAME_OPENED, 1), ENOENT);
}

#define FRAME_TEST(name) cmocka_unit_test_setup_teardown(name, bare_setup, bare_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {FRAME_TEST(open_writes_are_bounded),
                                       FRAME_TEST(faults_end_the_connection)};
    if (geteuid() != 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
