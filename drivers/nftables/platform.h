/* platform.h: addresses that no sandbox reaches, whatever its rules say, as
 * text for nft: those that lead to no host of any network, or to the machine's
 * own keepers (net/special.h), and those that the node's config forbids; also
 * in the clothes of IPv6 that a network's NAT64 or 6to4 would take off. Pure. */
#ifndef SK_NFTABLES_PLATFORM_H
#define SK_NFTABLES_PLATFORM_H

#include "base/buf.h"
#include "net/ip.h"

/* Rules of a chain, each "ip daddr { ... } <verdict>". */
void sk_platform_write(const struct sk_cidr *forbidden, size_t forbidden_count, const char *verdict,
                       struct sk_buf *out);

#endif
