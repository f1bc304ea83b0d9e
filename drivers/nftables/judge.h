/* judge.h: whether a connection that the kernel knows would be let through by
 * what is in force now: the packet filter looks at beginnings alone. The
 * worker's. */
#ifndef SK_NFTABLES_JUDGE_H
#define SK_NFTABLES_JUDGE_H

#include "drivers/nftables/conntrack.h"
#include "drivers/nftables/driver.h"

struct sk_judge {
    const struct sk_nftables *net;
    const struct sk_slot *slot; /* with a hold */
    bool knows_names;           /* what was granted is remembered from the first */
};

/* For sk_conntrack_cut; of connections that are not the slot's it says nothing. */
bool sk_judge_denies(void *arg, const struct sk_connection *connection);
/* What nobody reaches, whatever its rules say; pools apart. */
bool sk_judge_is_out_of_bounds(const struct sk_nftables *net, const struct sk_other_end *end);

#endif
