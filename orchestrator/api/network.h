/* network.h: the network part of a spec: rules and services. Until sandboxes
 * have a network beyond their own loopback, what would need one is refused,
 * never ignored. Pure. */
#ifndef SK_API_NETWORK_H
#define SK_API_NETWORK_H

#include "api/check.h"
#include "api/messages.h"

void sk_network_check(const SK_PB(SandboxSpec) * spec, const struct sk_path *path, struct sk_check *check);
void sk_services_check(const SK_PB(SandboxSpec) * spec, const struct sk_path *path, struct sk_check *check);

#endif
