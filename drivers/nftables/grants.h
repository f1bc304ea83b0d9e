/* grants.h: the addresses that a sandbox's granted names stood for, and until
 * when the packet filter lets new connections through to them. Kept beyond
 * that while there is room: connections made in time may go on. Pure. */
#ifndef SK_NFTABLES_GRANTS_H
#define SK_NFTABLES_GRANTS_H

#include "base/clock.h"
#include "net/ip.h"
#include "net/policy.h"

#define SK_GRANTS_MAX      4096
#define SK_GRANT_NAMES_MAX 4 /* of one address; those that end first are forgotten when there are more */

struct sk_grants {
    struct sk_grant {
        struct sk_ip ip;
        struct sk_instant until; /* when the last of its names ends */
        struct sk_grant_name {
            char *text;
            struct sk_instant until;
        } names[SK_GRANT_NAMES_MAX];
        size_t name_count;
    } * items;
    size_t count;
};

void sk_grants_fini(struct sk_grants *grants);
bool sk_grants_has(const struct sk_grants *grants, const struct sk_ip *ip);
/* Never shortens; out_until is what holds now. False when there are too many that hold. */
bool sk_grants_put(struct sk_grants *grants, const struct sk_ip *ip, const char *name, struct sk_instant now,
                   struct sk_instant until, struct sk_instant *out_until);
/* Fills empty `next` with those of `before` that were for names which the policy grants. */
void sk_grants_inherit(struct sk_grants *next, const struct sk_grants *before,
                       const struct sk_net_policy *policy);

#endif
