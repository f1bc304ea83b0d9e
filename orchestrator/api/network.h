/* network.h: the rules of a spec's network, as the policy that is enforced.
 *
 * What cannot be enforced here is refused, never narrowed; but blocks of
 * addresses may hold some that no sandbox reaches (net/policy.h). Pure. */
#ifndef SK_API_NETWORK_H
#define SK_API_NETWORK_H

#include "api/network_rule.h"

/* Together they stay below what drivers take. */
#define SK_EGRESS_MAX  256
#define SK_INGRESS_MAX 32

/* Options may be NULL: the node's defaults, which are everything that is not the platform's. tenant: whose
 * sandboxes reach each other. The policy lives in the arena, has no services yet (service.h), and is complete
 * when nothing was found. */
struct sk_net_policy *sk_network_decode(const SK_PB(NetworkOptions) * options, const struct sk_path *path,
                                        const struct sk_node_config *node, const char *tenant,
                                        struct sk_arena *arena, struct sk_check *check);

#endif
