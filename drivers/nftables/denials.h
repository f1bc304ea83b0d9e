/* denials.h: samples of packets that were denied, as the kernel's log group
 * hands them out (the table limits how many). Never blocks; the worker's
 * thread. */
#ifndef SK_NFTABLES_DENIALS_H
#define SK_NFTABLES_DENIALS_H

#include "drivers/network.h"
#include "drivers/nftables/netlink.h"

struct sk_denial {
    struct sk_network_event event; /* but for the id */
    uint32_t link;                 /* index of the sandbox's link; 0 = cannot be told */
};

struct sk_denials {
    struct sk_netlink log; /* closed = there are no samples */
    void (*each)(void *arg, const struct sk_denial *denial);
    void *arg;
};

/* Errors: SK_RESOURCE_EXHAUSTED and others: the group is somebody else's already, or the kernel has none. */
SK_MUST_CHECK enum sk_code sk_denials_open(struct sk_denials *denials, uint16_t group, struct sk_err *err);
void sk_denials_close(struct sk_denials *denials);
/* -1 = closed. */
int sk_denials_fd(const struct sk_denials *denials);
/* Calls `each` for what has come. */
void sk_denials_read(struct sk_denials *denials);

/* Addresses and ports of the beginning of a packet. False = it is none. Pure. */
bool sk_denial_parse(const uint8_t *packet, size_t len, struct sk_network_event *out);

#endif
