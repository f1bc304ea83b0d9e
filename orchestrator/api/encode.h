/* encode.h: a record as the Sandbox message clients read. Pure. */
#ifndef SK_API_ENCODE_H
#define SK_API_ENCODE_H

#include "api/messages.h"
#include "core/node.h"

/* The spec as the caller wrote it, the status as it is now. Lives in the arena. */
SK_PB(Sandbox) * sk_encode_sandbox(struct sk_arena *arena, const struct sk_record *record,
                                   const struct sk_node_config *node);
Google__Protobuf__Timestamp *sk_encode_time(struct sk_arena *arena, struct sk_wall at);

#endif
