/* network_encode.h: what clients are told of a sandbox's network: the rules in
 * force, in the words that were used, and where its services are. Pure. */
#ifndef SK_API_NETWORK_ENCODE_H
#define SK_API_NETWORK_ENCODE_H

#include "api/messages.h"
#include "core/network.h"

/* spec: the caller's words; place: NULL = none. Fills its part of *status, in the arena; shares with spec. */
void sk_encode_network(struct sk_arena *arena, const struct sk_record *record,
                       const struct sk_network_place *place, const struct sk_network_config *config,
                       const SK_PB(SandboxSpec) * spec, SK_PB(SandboxStatus) * status);
/* status: of the same sandbox, with its network. */
SK_OWN_PB(Network) * sk_encode_network_report(struct sk_arena *arena, const char *id,
                                              const struct sk_network_report *report,
                                              const SK_PB(SandboxStatus) * status);

#endif
