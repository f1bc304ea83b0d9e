/* network_rule.h: one rule of a spec's network, as core and drivers know rules.
 * Pure. */
#ifndef SK_API_NETWORK_RULE_H
#define SK_API_NETWORK_RULE_H

#include "api/check.h"
#include "api/messages.h"
#include "core/node.h"

/* What network drivers take of each (drivers/nftables/rules.h). */
#define SK_RULE_EXCEPTS_MAX 32
#define SK_RULE_PORTS_MAX   16

/* Both check a rule and write *out_rule, in the arena; it is complete when nothing was found. */
void sk_network_rule_egress(const SK_PB(EgressRule) * rule, const struct sk_path *path,
                            const struct sk_network_config *config, struct sk_arena *arena,
                            struct sk_net_rule *out_rule, struct sk_check *check);
void sk_network_rule_ingress(const SK_PB(IngressRule) * rule, const struct sk_path *path,
                             struct sk_arena *arena, struct sk_net_rule *out_rule, struct sk_check *check);

#endif
