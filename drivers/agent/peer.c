#include "drivers/agent/peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define START_FRAMES_MAX 1024
#define START_BYTES_MAX  ((size_t)1024 * 1024)
/* Signals and releases may go beyond: a release for each key, and as many signals. */
#define FRAMES_MAX    (START_FRAMES_MAX + 2 * SK_WIRE_KEYS_MAX)
#define IN_FDS_MAX    2
#define IN_PACKET_MAX 64 /* the guest's frames have no text */

struct sk_outgoing *sk_outgoing_new(const struct sk_frame *frame)
{
    bool has_text = frame->type == SK_FRAME_START && frame->start.text;
    size_t len = SK_WIRE_HEADER + (has_text ? frame->start.text_len : 0);
    struct sk_outgoing *outgoing = sk_alloc(sizeof *outgoing + len);
    outgoing->len = len;
    sk_frame_encode(frame, outgoing->data);
    if (has_text)
        memcpy(outgoing->data + SK_WIRE_HEADER, frame->start.text, frame->start.text_len);
    return outgoing;
}

void sk_outgoing_free(struct sk_outgoing *outgoing)
{
    if (!outgoing)
        return;
    for (size_t i = 0; i < outgoing->fd_count; i++)
        sk_close_fd(&outgoing->fds[i]);
    free(outgoing);
}

void sk_peer_init(struct sk_peer *peer)
{
    *peer = (struct sk_peer){.fd = -1};
    sk_list_init(&peer->queue);
}

void sk_peer_open(struct sk_peer *peer, int fd_take)
{
    peer->fd = fd_take;
}

static void first_drop(struct sk_peer *peer)
{
    struct sk_outgoing *first = sk_list_entry(sk_list_pop(&peer->queue), struct sk_outgoing, link);
    peer->queued--;
    peer->queued_bytes -= first->len;
    sk_outgoing_free(first);
}

void sk_peer_close(struct sk_peer *peer)
{
    while (!sk_list_is_empty(&peer->queue))
        first_drop(peer);
    sk_close_fd(&peer->fd);
}

bool sk_peer_has_room(const struct sk_peer *peer)
{
    return peer->queued < START_FRAMES_MAX && peer->queued_bytes < START_BYTES_MAX;
}

enum sk_code sk_peer_queue(struct sk_peer *peer, struct sk_outgoing *outgoing_take, struct sk_err *err)
{
    if (peer->queued >= FRAMES_MAX) {
        sk_outgoing_free(outgoing_take);
        return sk_fail(err, SK_UNAVAILABLE, "the guest does not read");
    }
    sk_list_append(&peer->queue, &outgoing_take->link);
    peer->queued++;
    peer->queued_bytes += outgoing_take->len;
    return SK_OK;
}

static ssize_t packet_send(int fd, struct sk_outgoing *outgoing)
{
    char control[CMSG_SPACE(sizeof(int) * SK_WIRE_FDS_MAX)] __attribute__((aligned(8))) = {0};
    struct iovec part = {.iov_base = outgoing->data, .iov_len = outgoing->len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (outgoing->fd_count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * outgoing->fd_count);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * outgoing->fd_count);
        memcpy(CMSG_DATA(head), outgoing->fds, sizeof(int) * outgoing->fd_count);
    }
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

enum sk_code sk_peer_flush(struct sk_peer *peer, struct sk_err *err)
{
    while (!sk_list_is_empty(&peer->queue)) {
        struct sk_outgoing *first = sk_list_entry(peer->queue.next, struct sk_outgoing, link);
        if (packet_send(peer->fd, first) < 0) {
            if (errno == EINTR)
                continue;
            if (errno == EAGAIN)
                return SK_OK;
            return sk_fail_sys(err, SK_UNAVAILABLE, errno, "write to the guest");
        }
        first_drop(peer);
    }
    return SK_OK;
}

/* Takes what descriptors came; true if they are as many as the frame says. */
static bool fds_take(struct msghdr *message, struct sk_incoming *incoming, size_t *out_count)
{
    *out_count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        /* The room for control data holds no more than IN_FDS_MAX. */
        *out_count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(incoming->fds, CMSG_DATA(head), *out_count * sizeof(int));
    }
    return !(message->msg_flags & MSG_CTRUNC);
}

static enum sk_code packet_check(const struct msghdr *message, const uint8_t *data, size_t len,
                                 size_t fd_count, struct sk_frame *out_frame, struct sk_err *err)
{
    if (len == 0)
        return sk_fail(err, SK_UNAVAILABLE, "the guest closed the channel");
    if ((message->msg_flags & MSG_TRUNC) || !sk_frame_decode(SK_FRAME_FROM_GUEST, data, len, out_frame))
        return sk_fail(err, SK_UNAVAILABLE, "the guest sent %zu bytes that are no frame", len);
    if (sk_frame_fd_count(out_frame) != fd_count)
        return sk_fail(err, SK_UNAVAILABLE, "the guest sent %zu descriptors with frame type %d", fd_count,
                       (int)out_frame->type);
    return SK_OK;
}

enum sk_code sk_peer_receive(struct sk_peer *peer, struct sk_incoming *out_incoming, bool *out_got,
                             struct sk_err *err)
{
    uint8_t data[IN_PACKET_MAX];
    char control[CMSG_SPACE(sizeof(int) * IN_FDS_MAX)] __attribute__((aligned(8)));
    struct iovec part = {.iov_base = data, .iov_len = sizeof data};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct sk_incoming incoming = {.fds = {-1, -1}};
    size_t fd_count = 0;
    *out_got = false;
    ssize_t got = recvmsg(peer->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return SK_OK;
    if (got < 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "read from the guest");
    bool all_fds = fds_take(&message, &incoming, &fd_count);
    enum sk_code code = packet_check(&message, data, (size_t)got, fd_count, &incoming.frame, err);
    if (code == SK_OK && !all_fds)
        code = sk_fail(err, SK_UNAVAILABLE, "the guest sent more descriptors than it may");
    if (code != SK_OK) {
        sk_close_fd(&incoming.fds[0]);
        sk_close_fd(&incoming.fds[1]);
        return code;
    }
    *out_incoming = incoming;
    *out_got = true;
    return SK_OK;
}
