/* bridge.h: gRPC core's completion queue and the loop, joined.
 *
 * gRPC core makes progress only while a thread waits on its queue
 * (github.com/grpc/grpc/issues/14796). One thread waits, and hands the events
 * over in batches, one wake-up of the loop for many. Tags are struct sk_tag,
 * embedded in what they complete; one must stay alive until its fn has run on
 * the loop. The thread never looks into a tag.
 *
 * Some events matter to nobody but their owner's memory: such a tag is given
 * to gRPC through sk_tag_quietly, and its event waits for one that wakes the
 * loop anyway. */
#ifndef SK_RPC_BRIDGE_H
#define SK_RPC_BRIDGE_H

#include "loop/done.h"

#include <grpc/grpc.h>

struct sk_tag {
    void (*fn)(struct sk_tag *tag, bool ok);
};

/* The tag as gRPC gets it when its event need not wake the loop. */
void *sk_tag_quietly(struct sk_tag *tag);

struct sk_bridge;

/* Starts gRPC and the thread. Heap; one owner. */
SK_MUST_CHECK enum sk_code sk_bridge_new(struct sk_loop *loop, struct sk_bridge **out_bridge,
                                         struct sk_err *err);
grpc_completion_queue *sk_bridge_queue(struct sk_bridge *bridge);
struct sk_loop *sk_bridge_loop(struct sk_bridge *bridge);
/* All calls, channels and servers on the queue must be over or shutting
 * down; drains the queue, ends the thread, frees the bridge, then fires. */
void sk_bridge_close(struct sk_bridge *bridge, struct sk_done *done);

/* Drops gRPC's own lines on stderr, for the whole process. For programs
 * whose stderr belongs to their user; what went wrong is in the statuses too. */
void sk_bridge_silence(void);

#endif
