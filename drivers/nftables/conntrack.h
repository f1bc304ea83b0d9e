/* conntrack.h: the kernel's table of connections, and how to cut some of them.
 * A connection that is cut is judged by the rules anew with its next packet.
 * One look goes through the whole table (about 10 ms when it is empty): ask
 * once for many. Blocking; the worker's thread. */
#ifndef SK_NFTABLES_CONNTRACK_H
#define SK_NFTABLES_CONNTRACK_H

#include "drivers/nftables/netlink.h"
#include "net/ip.h"

struct sk_connection {
    struct sk_ip caller, called; /* as the first packet had it */
    struct sk_ip answerer;       /* who answers: not the one called, if that was translated */
    uint8_t protocol;
    uint16_t called_port, answerer_port; /* 0 = none */
};

/* Cuts every connection that `cuts`. */
SK_MUST_CHECK enum sk_code sk_conntrack_cut(struct sk_netlink *netfilter,
                                            bool (*cuts)(void *arg, const struct sk_connection *connection),
                                            void *arg, struct sk_err *err);

#endif
