/* verdict.h: what a policy says of one flow, in words of the policy: for
 * those who ask why, and for tests to hold the driver against. Pure.
 *
 * Questions to the node's resolver are no flows here: sk_net_policy.dns says
 * what becomes of them. */
#ifndef SK_NET_VERDICT_H
#define SK_NET_VERDICT_H

#include "net/policy.h"

enum sk_net_direction { SK_NET_EGRESS, SK_NET_INGRESS };

enum sk_net_place {
    SK_NET_OUTSIDE,     /* any other host */
    SK_NET_SAME_TENANT, /* a sandbox of the same tenant */
    SK_NET_PLATFORM,    /* the node, all other sandboxes, what the config forbids */
};

/* An address that stands for a name now. */
struct sk_net_grant {
    size_t rule; /* of the egress rules, a NAME */
    struct sk_ip ip;
};

struct sk_net_flow {
    struct sk_ip peer;
    enum sk_net_place place; /* where the peer is */
    uint8_t protocol;        /* number of the IP protocol */
    uint16_t port;           /* the destination's; 0 for protocols without any */
    const struct sk_net_grant *grants;
    size_t grant_count;
};

struct sk_net_verdict {
    bool is_allowed;
    enum {
        SK_NET_BY_NONE,    /* denied: no rule is about it */
        SK_NET_BY_BOUNDS,  /* denied before any rule is asked */
        SK_NET_BY_RULE,    /* allowed by rule `index` of the direction */
        SK_NET_BY_SERVICE, /* allowed for what service `index` is */
    } by;
    size_t index;
};

struct sk_net_verdict sk_net_policy_allows(const struct sk_net_policy *policy,
                                           enum sk_net_direction direction, const struct sk_net_flow *flow);

#endif
