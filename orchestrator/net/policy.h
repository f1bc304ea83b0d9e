/* policy.h: what a sandbox's network lets through: one value, which the API
 * makes of a spec, core keeps, and the network driver enforces. Pure.
 *
 * Rules only allow; what no rule allows is denied. Whatever the rules say, the
 * node itself, other sandboxes (but for TENANT), addresses that belong to no
 * host (net/special.h) and what the config forbids cannot be reached; the
 * driver puts that before every rule. */
#ifndef SK_NET_POLICY_H
#define SK_NET_POLICY_H

#include "base/arena.h"
#include "net/ip.h"

enum sk_net_protocol { SK_NET_TCP = 6, SK_NET_UDP = 17, SK_NET_SCTP = 132 };

/* first == 0: every port of the protocol. */
struct sk_net_ports {
    enum sk_net_protocol protocol;
    uint16_t first, last;
};

enum sk_net_peer {
    SK_NET_CIDR,   /* addresses */
    SK_NET_ANY,    /* every address that is not the platform's */
    SK_NET_NAME,   /* HTTPS to a host name (egress only) */
    SK_NET_TENANT, /* sandboxes of the same tenant */
};

struct sk_net_rule {
    enum sk_net_peer peer;
    struct sk_cidr cidr;    /* CIDR */
    struct sk_cidr *except; /* CIDR: parts of it that this rule does not allow */
    size_t except_count;
    char *name;                 /* NAME: lower case, "*." in front = one label of any kind */
    char **name_except;         /* NAME with a wildcard: names it does not grant; NULL-terminated or NULL */
    struct sk_net_ports *ports; /* none: every port of every protocol */
    size_t port_count;
};

enum sk_net_dns { SK_NET_DNS_ALL, SK_NET_DNS_GRANTED, SK_NET_DNS_NONE };

#define SK_NET_TIMEOUT_S 15 /* of endpoints of which nothing else is said */

/* A port that others may reach, if the rules for ingress or its visibility let them. */
struct sk_net_service {
    enum sk_net_protocol protocol;
    uint16_t port;
    enum { SK_NET_SILENT, SK_NET_PUBLIC, SK_NET_PRIVATE, SK_NET_CUSTOM } visibility;
    bool has_endpoint;  /* PUBLIC: https at the edge, by name */
    uint16_t node_port; /* PUBLIC without endpoint: the port of the node that leads there; 0 = none yet */
    uint16_t timeout_s; /* endpoints: how long an answer may take to begin; others: 0 */
};

struct sk_net_policy {
    char *tenant; /* never NULL */
    struct sk_net_rule *egress, *ingress;
    size_t egress_count, ingress_count;
    struct sk_net_service *services;
    size_t service_count;
    enum sk_net_dns dns;
};

/* Whether the rule is about that port (of the destination; 0 for protocols without any). */
bool sk_net_rule_has_port(const struct sk_net_rule *rule, unsigned protocol, uint16_t port);
/* Whether some rule for egress grants the name (normalised). */
bool sk_net_policy_grants(const struct sk_net_policy *policy, const char *name);
/* Whether nothing can ever come in or go out: a sandbox with loopback alone does. */
bool sk_net_policy_is_closed(const struct sk_net_policy *policy);
/* A copy in the arena. */
struct sk_net_policy *sk_net_policy_copy(struct sk_arena *arena, const struct sk_net_policy *policy);
/* Whether everything that `next` allows was allowed by `now` already, as far as can be told: false =
 * something may be new. The other way round it says whether connections must be cut. */
bool sk_net_policy_covers(const struct sk_net_policy *now, const struct sk_net_policy *next);

#endif
