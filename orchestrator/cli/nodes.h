/* nodes.h: calls about the node itself. */
#ifndef SK_CLI_NODES_H
#define SK_CLI_NODES_H

#include "cli/client.h"

#include "sandkeep/node.pb-c.h"

SK_MUST_CHECK enum sk_code sk_nodes_status(struct sk_client *client,
                                           const Sandkeep__V1__GetStatusRequest *request,
                                           struct sk_arena *arena, Sandkeep__V1__NodeStatus **out_status,
                                           struct sk_fault *fault);

#endif
