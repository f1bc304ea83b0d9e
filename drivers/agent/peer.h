/* peer.h: one connection to a guest: packets in, packets out through a
 * bounded queue. Knows nothing of their meaning beyond the frame format. */
#ifndef SK_AGENT_PEER_H
#define SK_AGENT_PEER_H

#include "base/err.h"
#include "base/list.h"
#include "drivers/agent/wire.h"

/* A packet to be sent. Heap; one owner. */
struct sk_outgoing {
    struct sk_list link;
    size_t len;
    int fds[SK_WIRE_FDS_MAX]; /* owned */
    size_t fd_count;
    uint8_t data[];
};

/* Header and inline text, if the frame has any. */
struct sk_outgoing *sk_outgoing_new(const struct sk_frame *frame);
void sk_outgoing_free(struct sk_outgoing *outgoing);

/* A packet that came: a frame that a guest may send, with as many descriptors
 * as it announces, or fewer when the daemon could not open them all. */
struct sk_incoming {
    struct sk_frame frame;
    int fds[2]; /* owned by whoever received; -1 = none */
};

struct sk_peer {
    int fd; /* -1 when closed */
    struct sk_list queue;
    size_t queued, queued_bytes;
};

void sk_peer_init(struct sk_peer *peer);
void sk_peer_open(struct sk_peer *peer, int fd_take);
void sk_peer_close(struct sk_peer *peer);
/* Whether a START or OPEN still fits in the queue. */
bool sk_peer_has_room(const struct sk_peer *peer);
/* Appends, consuming. Errors: SK_UNAVAILABLE: the guest has not read for so long that it is given up. */
SK_MUST_CHECK enum sk_code sk_peer_queue(struct sk_peer *peer, struct sk_outgoing *outgoing_take,
                                         struct sk_err *err);
/* Sends until the queue is empty or the guest does not read. Errors: SK_UNAVAILABLE: broken. */
SK_MUST_CHECK enum sk_code sk_peer_flush(struct sk_peer *peer, struct sk_err *err);
/* One packet; *out_got false when there is none now. Errors: SK_UNAVAILABLE:
 * closed, broken, or not a frame. */
SK_MUST_CHECK enum sk_code sk_peer_receive(struct sk_peer *peer, struct sk_incoming *out_incoming,
                                           bool *out_got, struct sk_err *err);

#endif
