/* network.h: what core knows of sandboxes' networks: who is at which address,
 * the rules in force, what names each may ask for, its services' doors, what
 * was denied.
 *
 * A sandbox's rules are part of its record (store/records.h, spec.network), so
 * they come back with it after a restart. A sandbox whose rules cannot be put
 * in force does not start.
 *
 * Threads: loop only. */
#ifndef SK_CORE_NETWORK_H
#define SK_CORE_NETWORK_H

#include "core/node.h"
#include "drivers/network.h"

#define SK_NETWORK_DENIALS 32 /* that are remembered of each sandbox, the newest */

/* Something that did not pass. */
struct sk_network_denial {
    struct sk_wall at;
    struct sk_ip ip; /* the other end; all zero when there was none */
    uint8_t protocol;
    uint16_t port;
    char name[254];   /* that was asked for; "" = none */
    const char *rule; /* as the drivers say: "egress", "platform", "name", "refused"…; static */
};

/* What can be told of one sandbox's network. */
struct sk_network_report {
    bool has_place;
    struct sk_network_place place;
    struct sk_network_counts counts;
    uint64_t names_asked, names_denied;                   /* since the daemon's start */
    struct sk_network_denial denials[SK_NETWORK_DENIALS]; /* the newest first */
    size_t denial_count;
};

/* NULL = it has no place (yet, or any more). Borrowed until the caller returns to the loop. */
const struct sk_network_place *sk_sandbox_place(const struct sk_sandbox *sandbox);

/* Other rules for a sandbox that has not ended: in force and on record when done fires. policy: copied, its
 * services are ignored (they stay); echo: the caller's words with them, packed as in struct sk_spec; copied.
 * Errors: SK_FAILED_PRECONDITION (it has ended, or was made without a network), those of the driver: what was
 * in force stays then. */
void sk_node_set_network(struct sk_node *node, struct sk_sandbox *sandbox, const struct sk_net_policy *policy,
                         const uint8_t *echo, size_t echo_len, struct sk_done *done);
/* *out is written before done fires. */
void sk_node_report_network(struct sk_node *node, struct sk_sandbox *sandbox, struct sk_network_report *out,
                            struct sk_done *done);
/* How often somebody else's changes to our rules were undone. */
uint64_t sk_node_network_restored(const struct sk_node *node);

#endif
