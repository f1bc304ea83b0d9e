/* node_status.h: the node and what lives on it as the NodeStatus message. What it says of use is as last
 * measured. */
#ifndef SK_API_NODE_STATUS_H
#define SK_API_NODE_STATUS_H

#include "api/messages.h"
#include "core/status.h"

/* What is to be told, and to whom. */
struct sk_node_status_query {
    const char *tenant; /* NULL = of all */
    bool is_admin;      /* is told what the node has, too */
    bool with_sandboxes, with_sessions;
    size_t limit; /* of each list */
};

/* In the arena; texts of records are borrowed until the caller returns to the loop. */
SK_OWN_PB(NodeStatus) * sk_encode_node_status(struct sk_arena *arena, struct sk_node *node,
                                              const struct sk_node_status_query *query);

#endif
