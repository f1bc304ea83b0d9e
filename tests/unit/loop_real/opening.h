/* opening.h: an OPEN under way, and what a far end answers it with. */
#ifndef SK_TESTS_OPENING_H
#define SK_TESTS_OPENING_H

#include "far_end.h"

#include <sys/mman.h>

/* One call under way. */
struct opening {
    struct rig_call call;
    int fd, slave;
    uint64_t key; /* on the wire */
};

static const struct sk_file_ask the_ask = {.path = "dir/file", .working_dir = "/tmp", .user = "me"};

static inline void opening_start(struct rig *rig, struct opening *o, enum sk_open_kind kind, uint64_t caller)
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

static inline void opening_end(struct opening *o)
{
    sk_close_fd(&o->fd);
    sk_close_fd(&o->slave);
}

static inline void answer_fd(struct rig *rig, uint64_t key, int fd)
{
    (void)far_say_with(rig, (struct sk_frame){.type = SK_FRAME_OPENED, .key = key, .flags = SK_FRAME_FD_FILE},
                       &fd, 1);
}

static inline void answer_errno(struct rig *rig, uint64_t key, int sys)
{
    struct sk_frame frame = {.type = SK_FRAME_OPENED, .key = key};
    frame.opened.sys = (uint32_t)sys;
    (void)far_say_with(rig, frame, NULL, 0);
}

static inline void answer_committed(struct rig *rig, uint64_t key, int sys)
{
    struct sk_frame frame = {.type = SK_FRAME_COMMITTED, .key = key};
    frame.committed.sys = (uint32_t)sys;
    (void)far_say_with(rig, frame, NULL, 0);
}

/* A regular file without a name, opened like that. */
static inline int file_open(int flags)
{
    char path[] = "/tmp/sk-opens-XXXXXX";
    int made = mkstemp(path);
    int fd = open(path, flags | O_CLOEXEC);
    assert_true(made >= 0 && fd >= 0);
    (void)unlink(path);
    (void)close(made);
    return fd;
}

static inline int sealed_copy(unsigned seals)
{
    int fd = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, "text", 4), 4);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static inline int read_only(void)
{
    return file_open(O_RDONLY);
}

static inline int write_only(void)
{
    return file_open(O_WRONLY);
}

static inline int terminals_open(void)
{
    return open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

#endif
