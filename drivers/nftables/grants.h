/* grants.h: the addresses that a sandbox's granted names stood for, and until
 * when the packet filter lets new connections through to them. Kept beyond
 * that while there is room: connections made in time may go on. Pure. */
#ifndef SK_NFTABLES_GRANTS_H
#define SK_NFTABLES_GRANTS_H

#include "base/clock.h"
#include "net/ip.h"

#define SK_GRANTS_MAX 4096

struct sk_grants {
    struct sk_grant {
        struct sk_ip ip;
        struct sk_instant until;
    } * items;
    size_t count;
};

void sk_grants_fini(struct sk_grants *grants);
bool sk_grants_has(const struct sk_grants *grants, const struct sk_ip *ip);
/* Never shortens; out_until is what holds now. False when there are too many that hold. */
bool sk_grants_put(struct sk_grants *grants, const struct sk_ip *ip, struct sk_instant now,
                   struct sk_instant until, struct sk_instant *out_until);

#endif
