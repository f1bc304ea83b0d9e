/* platform.h: addresses that no sandbox reaches, whatever its rules say: those
 * that lead to no host of any network, or to the machine's own keepers
 * (net/special.h), and those that the node's config forbids; also in the
 * clothes of IPv6 that a network's NAT64 or 6to4 would take off. One set of
 * blocks, which packets and grants are judged by. Pure. */
#ifndef SK_NFTABLES_PLATFORM_H
#define SK_NFTABLES_PLATFORM_H

#include "drivers/nftables/blocks.h"

struct sk_platform {
    struct sk_blocks v4, v6;
    struct sk_blocks open6; /* of IPv6, only these are not closed, but for what is in v6 */
};

/* Of the pool only the clothed form: its addresses themselves are sandboxes'. */
void sk_platform_init(struct sk_platform *platform, const struct sk_cidr *forbidden, size_t forbidden_count,
                      const struct sk_cidr *pool4);
void sk_platform_fini(struct sk_platform *platform);
bool sk_platform_has(const struct sk_platform *platform, const struct sk_ip *ip);
/* Rules of a chain for nft, each "ip daddr { ... } <verdict>". */
void sk_platform_write(const struct sk_platform *platform, const char *verdict, struct sk_buf *out);

#endif
