/* far_end.h: a rig whose far end does what the test wants: the test itself
 * connects as the guest. */
#ifndef SK_TESTS_FAR_END_H
#define SK_TESTS_FAR_END_H

#include "drivers/agent/channel.h"
#include "drivers/agent/wire.h"
#include "support/agent_rig.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>

struct fixture {
    struct rig rig;
    char run_dir[64];
    int fd; /* the hostile end */
};

static inline struct fixture *of(struct rig *rig)
{
    return sk_container_of(rig, struct fixture, rig);
}

static inline int far_connect(struct rig *rig)
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
static inline int launch(struct rig *rig)
{
    of(rig)->fd = far_connect(rig);
    assert_true(of(rig)->fd >= 0);
    return getpid();
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline bool far_send(struct rig *rig, const void *data, size_t len, const int *fds, size_t fd_count)
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

static inline bool far_say_with(struct rig *rig, struct sk_frame frame, const int *fds, size_t fd_count)
{
    uint8_t data[SK_WIRE_HEADER];
    sk_frame_encode(&frame, data);
    return far_send(rig, data, sizeof data, fds, fd_count);
}

static inline bool far_say(struct rig *rig, enum sk_frame_type type, uint64_t key)
{
    return far_say_with(rig, (struct sk_frame){.type = type, .key = key}, NULL, 0);
}

static inline void far_greet(struct rig *rig)
{
    assert_true(far_say(rig, SK_FRAME_HELLO, 0));
    assert_true(far_say(rig, SK_FRAME_READY, 0));
}

static inline void up(struct rig *rig)
{
    rig_open(rig);
    rig->pid = rig->launch(rig);
    far_greet(rig);
    assert_int_equal(rig_await(rig), SK_OK);
}

/* Takes one frame from the daemon, descriptors closed; its type or 0. */
static inline int far_hear(struct rig *rig, uint64_t *out_key)
{
    uint8_t data[SK_WIRE_FRAME_MAX];
    struct sk_frame frame;
    ssize_t got = recv(of(rig)->fd, data, sizeof data, MSG_DONTWAIT);
    if (got <= 0 || !sk_frame_decode(SK_FRAME_FROM_DAEMON, data, (size_t)got, &frame))
        return 0;
    *out_key = frame.key;
    return (int)frame.type;
}

static inline int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}

/* Starts key 1 for real first. */
static inline void start_one(struct rig *rig)
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

#define CHANNEL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
