/* codec_network.h: what a sandbox's network lets through, to its message and
 * back: a part of codec.c. */
#ifndef SK_STORE_CODEC_NETWORK_H
#define SK_STORE_CODEC_NETWORK_H

#include "net/policy.h"
#include "sandkeep/records.pb-c.h"

/* In the arena; texts are borrowed. */
Sandkeep__Records__V1__Network *sk_codec_fill_network(const struct sk_net_policy *policy,
                                                      struct sk_arena *scratch);
/* What is wrong with the message, or NULL; static. */
const char *sk_codec_network_fault(const Sandkeep__Records__V1__Network *wire);
/* In the arena; of a message without fault, from which it borrows. */
struct sk_net_policy *sk_codec_take_network(struct sk_arena *arena,
                                            const Sandkeep__Records__V1__Network *wire);

#endif
