/* network_impl.h: the inside of core's part in networks (network.h), for core/
 * alone.
 *
 * A sandbox's network is opened by its create, and again after a restart of
 * the daemon; its rules may be changed; each of these is a flow, and they come
 * one after the other. Its end abandons them all and waits for none: what was
 * asked of a driver before is done before (drivers/network.h). */
#ifndef SK_CORE_NETWORK_IMPL_H
#define SK_CORE_NETWORK_IMPL_H

#include "core/denial_ring.h"
#include "core/network.h"
#include "core/node_impl.h"
#include "loop/op.h"

struct sk_network_address {
    struct sk_map_node by_ip; /* node->addresses */
    char ip[SK_IP_TEXT_MAX];
};

/* Part of a sandbox. */
struct sk_sandbox_network {
    bool has_place;
    struct sk_network_place place;
    struct sk_network_address ipv4, ipv6;
    bool is_over;         /* it is being taken away, or was */
    bool at_edge;         /* the edge knows of it, perhaps from an earlier daemon */
    bool has_ports;       /* of the node */
    struct sk_list flows; /* struct sk_network_flow: the first is under way, the others wait for their turn */
    struct sk_timer again; /* after a restart: the next try */
    struct sk_duration pause;
    struct sk_denial_ring denials;
    uint64_t names_asked, names_denied;
};

struct sk_sandbox;

/* Works on the network of one sandbox. */
struct sk_network_flow {
    struct sk_op op;
    struct sk_done whole;
    struct sk_sandbox *sandbox;                                           /* held */
    struct sk_list link;                                                  /* sandbox->network.flows */
    struct sk_done *turn;                                                 /* the step's, while it waits */
    void (*over)(struct sk_network_flow *flow, const struct sk_err *err); /* frees it */
};

/* --- flows (network_flow.c) ------------------------------------------------ */

/* flow: with `over` set. The first of the steps is {"turn", sk_network_await_turn, NULL}. */
void sk_network_flow_start(struct sk_network_flow *flow, struct sk_sandbox *sandbox, const char *name,
                           const struct sk_step *steps);
void sk_network_await_turn(struct sk_op *op, struct sk_done *done);
struct sk_network_flow *sk_network_flow_of(struct sk_op *op);
/* Gives up all that is under way for that sandbox, or waits. */
void sk_network_cancel_flows(struct sk_sandbox *sandbox, const struct sk_err *why);

/* --- birth and death (network_open.c, network_close.c) ---------------------- */

/* A place on the network, the record's rules in force, the edge told. Errors are sentences for the state's
 * reason. */
void sk_network_open(struct sk_sandbox *sandbox, struct sk_done *done);
/* The same in the background, for a sandbox of an earlier daemon, until it works. */
void sk_network_restore(struct sk_sandbox *sandbox);
/* The record's rules are perhaps not those in force. */
void sk_network_restore_later(struct sk_sandbox *sandbox);
/* Takes all of it away, whether the node knows the id or not; absent is success. `id` is borrowed for the
 * call. What the edge does not give up is the sweeper's. */
void sk_network_close(struct sk_node *node, const char *id, struct sk_done *done);
/* The daemon stops: what is under way is given up, what is in force stays. */
void sk_network_stop(struct sk_sandbox *sandbox);

/* --- who is where (network.c) ----------------------------------------------- */

void sk_network_init(struct sk_sandbox_network *network);
/* Nothing is under way. */
void sk_network_fini(struct sk_sandbox *sandbox);
/* Errors: SK_INTERNAL (somebody else is there). */
SK_MUST_CHECK enum sk_code sk_network_settle(struct sk_sandbox *sandbox, const struct sk_network_place *place,
                                             struct sk_err *err);
void sk_network_unsettle(struct sk_sandbox *sandbox);
/* NULL = nobody. */
struct sk_sandbox *sk_network_find(struct sk_node *node, const struct sk_ip *ip);
/* The ports of its services may be others' from now on. */
void sk_network_release_ports(struct sk_sandbox *sandbox);
/* After a restart: those it has, and those that it had, which rest. */
void sk_network_reclaim_ports(struct sk_sandbox *sandbox);
void sk_network_listen(struct sk_node *node);
void sk_network_deafen(struct sk_node *node);

/* --- names, denials, the edge ------------------------------------------------ */

/* What the names driver asks (network_names.c). arg: the node. */
extern const struct sk_names_events sk_network_names_events;
void sk_network_denied(struct sk_sandbox *sandbox, const struct sk_network_denial *denial);
/* All that the edge has to know under that policy, in place of what it knew. An edge that does not run is no
 * error: it is told again by its driver (network_edge.c). */
void sk_network_tell_edge(struct sk_sandbox *sandbox, const struct sk_net_policy *policy,
                          struct sk_done *done);

#endif
