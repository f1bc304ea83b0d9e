#include "drivers/agent/peer.h"

#include "drivers/agent/seqpacket.h"

#include <errno.h>
#include <string.h>

#define START_FRAMES_MAX 1024
#define START_BYTES_MAX  ((size_t)1024 * 1024)
/* Those without text may go beyond: a release for each key, and as many
 * signals; a COMMIT or ABANDON for each file. */
#define FRAMES_MAX    (START_FRAMES_MAX + 2 * SK_WIRE_KEYS_MAX + SK_WIRE_OPENS_MAX)
#define IN_PACKET_MAX 64 /* the guest's frames have no text */

static const uint8_t *inline_text(const struct sk_frame *frame, size_t *out_len)
{
    bool is_start = frame->type == SK_FRAME_START, is_open = frame->type == SK_FRAME_OPEN;
    const uint8_t *text = is_start ? frame->start.text : is_open ? frame->open.text : NULL;
    *out_len = !text ? 0 : is_start ? frame->start.text_len : frame->open.text_len;
    return text;
}

struct sk_outgoing *sk_outgoing_new(const struct sk_frame *frame)
{
    size_t text_len;
    const uint8_t *text = inline_text(frame, &text_len);
    struct sk_outgoing *outgoing = sk_alloc(sizeof *outgoing + SK_WIRE_HEADER + text_len);
    outgoing->len = SK_WIRE_HEADER + text_len;
    sk_frame_encode(frame, outgoing->data);
    if (text)
        memcpy(outgoing->data + SK_WIRE_HEADER, text, text_len);
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

enum sk_code sk_peer_flush(struct sk_peer *peer, struct sk_err *err)
{
    while (!sk_list_is_empty(&peer->queue)) {
        struct sk_outgoing *first = sk_list_entry(peer->queue.next, struct sk_outgoing, link);
        if (sk_seqpacket_send(peer->fd, first->data, first->len, first->fds, first->fd_count) < 0) {
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

static enum sk_code packet_check(const struct sk_seqpacket_extra *extra, const uint8_t *data, size_t len,
                                 struct sk_frame *out_frame, struct sk_err *err)
{
    if (len == 0)
        return sk_fail(err, SK_UNAVAILABLE, "the guest closed the channel");
    if (extra->is_cut || !sk_frame_decode(SK_FRAME_FROM_GUEST, data, len, out_frame))
        return sk_fail(err, SK_UNAVAILABLE, "the guest sent %zu bytes that are no frame", len);
    size_t announced = sk_frame_fd_count(out_frame);
    /* Fewer, and the kernel says that some were lost: the daemon's table is full, not the guest's fault. */
    if (announced != extra->fd_count && !(extra->lost_fds && extra->fd_count < announced))
        return sk_fail(err, SK_UNAVAILABLE, "the guest sent %zu descriptors with frame type %d",
                       extra->fd_count, (int)out_frame->type);
    if (extra->lost_fds && extra->fd_count == announced)
        return sk_fail(err, SK_UNAVAILABLE, "the guest sent more descriptors than it may");
    return SK_OK;
}

enum sk_code sk_peer_receive(struct sk_peer *peer, struct sk_incoming *out_incoming, bool *out_got,
                             struct sk_err *err)
{
    uint8_t data[IN_PACKET_MAX];
    struct sk_incoming incoming = {.fds = {-1, -1}};
    struct sk_seqpacket_extra extra;
    *out_got = false;
    ssize_t got =
        sk_seqpacket_receive(peer->fd, data, sizeof data, incoming.fds, sk_array_len(incoming.fds), &extra);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return SK_OK;
    if (got < 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "read from the guest");
    enum sk_code code = packet_check(&extra, data, (size_t)got, &incoming.frame, err);
    if (code != SK_OK) {
        sk_close_fd(&incoming.fds[0]);
        sk_close_fd(&incoming.fds[1]);
        return code;
    }
    *out_incoming = incoming;
    *out_got = true;
    return SK_OK;
}
