/* settle.h: waits for what a kernel does with a new link only after it was
 * asked to: until then the first packets are lost, and whoever sent them waits
 * a second to send them again. Blocking; the worker's thread. */
#ifndef SK_NFTABLES_SETTLE_H
#define SK_NFTABLES_SETTLE_H

#include "drivers/nftables/link.h"

/* At worst it gives up after a while: a link that is late is no fault. */
void sk_settle(struct sk_netlink *host, struct sk_netlink *inside, const struct sk_link *link);

#endif
