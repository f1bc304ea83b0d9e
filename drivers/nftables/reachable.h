/* reachable.h: the config's exceptions to what is closed to all sandboxes:
 * there a sandbox's own rules decide. Pure. */
#ifndef SK_NFTABLES_REACHABLE_H
#define SK_NFTABLES_REACHABLE_H

#include "base/buf.h"
#include "drivers/nftables/nftables.h"

/* Borrowed. */
struct sk_reachable {
    const struct sk_nftables_exception *items;
    size_t count;
};

bool sk_reachable_has(const struct sk_reachable *reachable, const struct sk_ip *ip, uint8_t protocol,
                      uint16_t port);
/* Rules of a chain for nft, each ending in the verdict. */
void sk_reachable_write(const struct sk_reachable *reachable, const char *verdict, struct sk_buf *out);

#endif
