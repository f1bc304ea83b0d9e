/* blocks.h: blocks of addresses of one family, none of them within another.
 * Pure. */
#ifndef SK_NFTABLES_BLOCKS_H
#define SK_NFTABLES_BLOCKS_H

#include "base/buf.h"
#include "net/ip.h"

#include <stddef.h>

/* Zero is empty. */
struct sk_blocks {
    struct sk_cidr *items;
    size_t count;
};

void sk_blocks_fini(struct sk_blocks *blocks);
void sk_blocks_add(struct sk_blocks *blocks, const struct sk_cidr *block);
bool sk_blocks_have(const struct sk_blocks *blocks, const struct sk_ip *ip);
/* A rule for nft, "<match> { ... } <verdict>"; nothing when there are none. */
void sk_blocks_write(const struct sk_blocks *blocks, const char *match, const char *verdict,
                     struct sk_buf *out);

#endif
