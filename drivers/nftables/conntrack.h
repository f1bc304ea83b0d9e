/* conntrack.h: the kernel's table of connections, and how to cut those of one
 * address. A connection that is cut is judged by the rules anew with its next
 * packet. Blocking; the worker's thread. */
#ifndef SK_NFTABLES_CONNTRACK_H
#define SK_NFTABLES_CONNTRACK_H

#include "drivers/nftables/netlink.h"
#include "net/ip.h"

struct sk_connection {
    bool is_outgoing; /* the address began it */
    struct sk_ip other;
    uint8_t protocol;
    uint16_t port; /* the one that was called; 0 = none */
};

/* Cuts every connection of that address but those that `keeps` (NULL = keeps none). */
SK_MUST_CHECK enum sk_code sk_conntrack_cut(struct sk_netlink *netfilter, const struct sk_ip *ip,
                                            bool (*keeps)(void *arg, const struct sk_connection *connection),
                                            void *arg, struct sk_err *err);

#endif
