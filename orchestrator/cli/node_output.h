/* node_output.h: what a node says of itself, for people and for programs. Pure, but for sk_node_output.
 *
 * JSON: one object: node_id, version, started, state, state_reason, capacity (or null), charged, used
 * (cpu_millis, memory_bytes, gpus), sandboxes_by_state, open_sessions, streams, sandboxes, sessions. Fields
 * are only ever added. */
#ifndef SK_CLI_NODE_OUTPUT_H
#define SK_CLI_NODE_OUTPUT_H

#include "base/buf.h"
#include "base/clock.h"

#include "sandkeep/node.pb-c.h"

/* Which sandboxes come first. */
enum sk_top_order { SK_TOP_CPU, SK_TOP_MEMORY, SK_TOP_AGE, SK_TOP_ORDERS };

/* Two lines: the node, and how many of what live on it. */
SK_MUST_CHECK enum sk_code sk_node_print_summary(const Sandkeep__V1__NodeStatus *status, struct sk_wall now,
                                                 struct sk_buf *out);
/* A table of sandboxes with a line of titles, and one of sessions; nothing where there are none. Sorts them.
 */
SK_MUST_CHECK enum sk_code sk_node_print_sandboxes(Sandkeep__V1__NodeStatus *status, enum sk_top_order order,
                                                   struct sk_wall now, struct sk_buf *out);
SK_MUST_CHECK enum sk_code sk_node_print_sessions(const Sandkeep__V1__NodeStatus *status, struct sk_wall now,
                                                  struct sk_buf *out);
SK_MUST_CHECK enum sk_code sk_node_print_json(const Sandkeep__V1__NodeStatus *status, struct sk_buf *out,
                                              struct sk_err *err);

/* All of it on standard output. The exit code of the verb. */
int sk_node_output(Sandkeep__V1__NodeStatus *status, enum sk_top_order order, bool json);

#endif
