/* runner.h: this node as discovery shows it. */
#ifndef SK_API_RUNNER_H
#define SK_API_RUNNER_H

#include "api/messages.h"
#include "core/node.h"

#include "coreweave/sandbox/v1/discovery.pb-c.h"

/* Without `full` it says nothing of what is free. Lives in the arena. */
SK_PB(AvailableRunner) * sk_encode_runner(struct sk_arena *arena, const struct sk_node *node, bool full);
/* Whether the runner is one that the request asks for. */
bool sk_runner_matches(const SK_PB(AvailableRunner) * runner,
                       const SK_PB(ListAvailableRunnersRequest) * request);

#endif
