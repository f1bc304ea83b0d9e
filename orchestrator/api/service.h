/* service.h: the ports of a spec that others may reach: who, and by which way.
 * Pure. */
#ifndef SK_API_SERVICE_H
#define SK_API_SERVICE_H

#include "api/check.h"
#include "api/messages.h"
#include "core/node.h"

#define SK_SERVICES_MAX 100

/* path: of the spec. Puts them into the policy, in their order, in the arena; complete when nothing was
 * found. */
void sk_services_decode(const SK_PB(SandboxSpec) * spec, const struct sk_path *path,
                        const struct sk_node_config *node, struct sk_arena *arena,
                        struct sk_net_policy *policy, struct sk_check *check);

#endif
