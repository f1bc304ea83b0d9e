/* encode.h: a record as the Sandbox message clients read. Pure. */
#ifndef SK_API_ENCODE_H
#define SK_API_ENCODE_H

#include "api/messages.h"
#include "core/network.h"
#include "core/sandbox.h"

/* The spec as the caller wrote it (but for the contents of files), the status as it is now. place: on the
 * network, NULL = none. Lives in the arena. */
SK_PB(Sandbox) * sk_encode_sandbox(struct sk_arena *arena, const struct sk_record *record,
                                   const struct sk_network_place *place, const struct sk_node_config *node);
/* While it is being made: what that waits for, as the reason of its state. */
void sk_encode_waiting(struct sk_arena *arena, const struct sk_sandbox *sandbox, SK_PB(Sandbox) * out);
/* All of it, and the contents of the files, borrowed from the record: they may be large, so lists go without
 * them. */
const ProtobufCMessage *sk_encode_whole(struct sk_arena *arena, const struct sk_sandbox *sandbox,
                                        const struct sk_node_config *node);
Google__Protobuf__Timestamp *sk_encode_time(struct sk_arena *arena, struct sk_wall at);
/* NULL is never: 0. */
struct sk_wall sk_decode_time(const Google__Protobuf__Timestamp *time);

#endif
