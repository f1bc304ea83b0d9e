/* fence.h: keeps what comes from the namespace that plugins joined away from
 * the node itself: its addresses are not local in there, so the rules inside
 * do not know them all. A table of the node's packet filter; blocks. */
#ifndef SK_CNI_FENCE_H
#define SK_CNI_FENCE_H

#include "drivers/nftables/nftables.h"

struct sk_cni_fence {
    const char *name;         /* of the table, of family inet */
    const struct sk_ip *from; /* the addresses that the plugins gave */
    size_t from_count;
    const struct sk_nftables_exception *gaps; /* may be reached nevertheless */
    size_t gap_count;
};

/* Instead of what was there, at once. Errors: SK_INTERNAL with what nft says. */
SK_MUST_CHECK enum sk_code sk_cni_fence_raise(const struct sk_cni_fence *fence, struct sk_err *err);
/* Absent is success. */
SK_MUST_CHECK enum sk_code sk_cni_fence_drop(const char *name, struct sk_err *err);

#endif
