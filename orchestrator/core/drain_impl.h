/* drain_impl.h: the ends of service, of the node (drain.h) and of the daemon (shutdown.h), for core/ alone.
 */
#ifndef SK_CORE_DRAIN_IMPL_H
#define SK_CORE_DRAIN_IMPL_H

#include "core/node_impl.h"

struct sk_shutdown;

#define SK_DRAIN_REASON "the node is being drained"

void sk_drain_init(struct sk_node *node);
/* At start: one that was asked for earlier goes on. Errors: those of the store. */
SK_MUST_CHECK enum sk_code sk_drain_load(struct sk_node *node, struct sk_err *err);
/* Who waits is told. */
void sk_drain_stop(struct sk_node *node);
void sk_drain_fini(struct sk_node *node);

/* What has changed may be what somebody waits for: looked at in a turn of its own. */
void sk_drain_look(struct sk_node *node);
/* New sandboxes and sessions are refused, and why: SK_UNAVAILABLE + RUNNER_UNAVAILABLE. */
bool sk_drain_refuses(const struct sk_node *node, struct sk_err *out_err);
/* New streams are, too. */
bool sk_drain_refuses_streams(const struct sk_node *node, struct sk_err *out_err);
/* All that live, but for those that are ended already. */
void sk_drain_end_sandboxes(struct sk_node *node, const char *reason);

/* In the turn that sk_drain_look asked for. */
void sk_shutdown_turn(struct sk_shutdown *shutdown);
bool sk_shutdown_is_cutting(const struct sk_shutdown *shutdown);
void sk_shutdown_free(struct sk_node *node);

#endif
