#include "drivers/agent/seqpacket.h"

#include "drivers/agent/wire.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

union control {
    char bytes[CMSG_SPACE(sizeof(int) * SK_WIRE_FDS_MAX)];
    struct cmsghdr align;
};

ssize_t sk_seqpacket_send(int fd, const uint8_t *data, size_t len, const int *fds, size_t fd_count)
{
    union control control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    assert(fd_count <= SK_WIRE_FDS_MAX);
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * fd_count);
    }
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static size_t fds_take(struct msghdr *message, int *fds)
{
    size_t count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        /* The kernel sends one such header, with no more than the room given. */
        count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(head), count * sizeof(int));
    }
    return count;
}

ssize_t sk_seqpacket_receive(int fd, uint8_t *data, size_t size, int *fds, size_t fds_max,
                             struct sk_seqpacket_extra *out_extra)
{
    union control control;
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes};
    assert(fds_max <= SK_WIRE_FDS_MAX);
    message.msg_controllen = CMSG_LEN(sizeof(int) * fds_max); /* not CMSG_SPACE: padding is room too */
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got >= 0)
        *out_extra = (struct sk_seqpacket_extra){.fd_count = fds_take(&message, fds),
                                                 .lost_fds = message.msg_flags & MSG_CTRUNC,
                                                 .is_cut = message.msg_flags & MSG_TRUNC};
    return got;
}
