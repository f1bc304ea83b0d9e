/* network.h: the contract of network drivers: a network of its own for each
 * sandbox, and the rules for what may pass.
 *
 * Closed until opened: from attach to the first apply nothing passes; a rule
 * set that cannot be put in force leaves the one before, or nothing, in force.
 * Rules stay in force when the daemon is gone.
 *
 * Threads: loop only. Every call answers through `done`, exactly once, never
 * inside the call. Calls can be repeated, and those for one id take effect in
 * the order in which they were made. Arguments are copied. */
#ifndef SK_DRIVERS_NETWORK_H
#define SK_DRIVERS_NETWORK_H

#include "drivers/litter.h"
#include "loop/done.h"
#include "net/policy.h"

struct sk_network;

/* Where a sandbox is on the network. */
struct sk_network_place {
    char netns[160]; /* path of its network namespace, for the OCI runtime */
    struct sk_ip ipv4, ipv6;
    bool has_ipv6;
    bool is_closed;        /* loopback alone: no addresses, and none can be had */
    struct sk_ip resolver; /* IPv4: whom it asks for names; when it may, something answers there. Closed: 0 */
};

struct sk_network_counts {
    uint64_t sent_bytes, received_bytes; /* through the link */
    uint64_t denied_packets;
};

/* An address that a granted name stands for, for a while. */
struct sk_network_grant {
    struct sk_ip ip;
    uint32_t lifetime_s;
};

enum sk_network_event_kind {
    SK_NETWORK_DENIED,   /* a sample: what is counted is in the counts */
    SK_NETWORK_RESTORED, /* somebody else had changed our rules; they are back */
    SK_NETWORK_BROKEN,   /* they were changed and cannot be put back; tried again until RESTORED */
};

struct sk_network_event {
    enum sk_network_event_kind kind;
    const char *id; /* DENIED; borrowed; "" when it cannot be told */
    struct sk_ip source, destination;
    uint8_t protocol; /* IP protocol number */
    uint16_t port;    /* destination's; 0 = none */
    const char *rule; /* "egress", "spoofed", "platform", "node", "peer", "ingress", "connections"; static */
};

struct sk_network_ops {
    void (*listen)(struct sk_network *network, void (*fn)(void *arg, const struct sk_network_event *event),
                   void *arg);

    /* A namespace with loopback alone when `closed`, else with a link and addresses too; the same place when
     * called again for the same id. Errors: SK_RESOURCE_EXHAUSTED (no address left). */
    void (*attach)(struct sk_network *network, const char *id, bool closed,
                   struct sk_network_place *out_place, struct sk_done *done);
    /* Puts a policy in force, in one transaction; connections that it does not allow any more are cut before
     * done. */
    void (*apply)(struct sk_network *network, const char *id, const struct sk_net_policy *policy,
                  struct sk_done *done);
    /* Opens HTTPS to addresses of a name (normalised); in force before done. Where the edge looks at names,
     * the connections lead there. Addresses that no rule could open (platform, pools) are left out. Policies
     * applied later that grant the name too leave them open. Errors: SK_FAILED_PRECONDITION (the policy in
     * force does not grant it). */
    void (*grant)(struct sk_network *network, const char *id, const char *name,
                  const struct sk_network_grant *grants, size_t count, struct sk_done *done);
    /* Absent is success. The address is not given to another for a while. */
    void (*detach)(struct sk_network *network, const char *id, struct sk_done *done);

    void (*counts)(struct sk_network *network, const char *id, struct sk_network_counts *out_counts,
                   struct sk_done *done);

    /* Ids with a namespace; after a restart, before anything else. Heap, the caller's, as struct
     * sk_litter_list. */
    void (*list_litter)(struct sk_network *network, struct sk_litter_list *out, struct sk_done *done);
    void (*remove_litter)(struct sk_network *network, const struct sk_litter *litter, struct sk_done *done);
};

struct sk_network {
    const struct sk_network_ops *ops;
};

#endif
