/* link.h: the connection to the daemon; made again for ever. */
#ifndef SK_GUEST_LINK_H
#define SK_GUEST_LINK_H

#include "drivers/agent/wire.h"

#include <stdbool.h>

struct sk_link {
    const char *path;
    int fd;           /* -1 while not connected */
    int64_t retry_at; /* ms of CLOCK_MONOTONIC */
    int wait_ms;      /* before the next try but one */
};

/* One packet as it came. */
struct sk_packet {
    size_t len;
    size_t fd_count;
    int fds[SK_WIRE_FDS_MAX]; /* owned: sk_packet_close */
    bool lost_fds;            /* some did not fit or could not be opened */
    uint8_t data[SK_WIRE_FRAME_MAX];
};

void sk_link_init(struct sk_link *link, const char *path);
/* Tries to connect when it is time; true when that made a connection. */
bool sk_link_connect(struct sk_link *link);
/* Milliseconds until the next try; -1 when connected. */
int sk_link_wait(const struct sk_link *link);
void sk_link_drop(struct sk_link *link);

enum sk_link_result { SK_LINK_DONE, SK_LINK_LATER, SK_LINK_BROKEN };

/* fds are borrowed. LATER: the daemon does not read now. */
enum sk_link_result sk_link_send(struct sk_link *link, const struct sk_frame *frame, const int *fds,
                                 size_t fd_count);
enum sk_link_result sk_link_receive(struct sk_link *link, struct sk_packet *packet);
void sk_packet_close(struct sk_packet *packet);

#endif
