/* shape.h: how fast a link may send: a token bucket (tc-tbf) at one end of it.
 * Whoever sends faster waits; a short queue, then packets are dropped.
 * Blocking; the worker's thread. */
#ifndef SK_NFTABLES_SHAPE_H
#define SK_NFTABLES_SHAPE_H

#include "drivers/nftables/netlink.h"

/* What leaves by that link, in bits a second; not 0. mtu: the link's. */
SK_MUST_CHECK enum sk_code sk_shape_link(struct sk_netlink *netlink, const char *name, uint64_t bits,
                                         uint32_t mtu, struct sk_err *err);

#endif
