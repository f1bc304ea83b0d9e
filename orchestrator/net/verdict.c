#include "net/verdict.h"

#include "net/special.h"

static const struct sk_net_verdict denied = {false, SK_NET_BY_NONE, 0};

static bool block_has(const struct sk_net_rule *rule, const struct sk_ip *ip)
{
    for (size_t i = 0; i < rule->except_count; i++) {
        if (sk_cidr_has(&rule->except[i], ip))
            return false;
    }
    return sk_cidr_has(&rule->cidr, ip);
}

static bool is_granted(const struct sk_net_flow *flow, size_t rule)
{
    for (size_t i = 0; i < flow->grant_count; i++) {
        if (flow->grants[i].rule == rule && sk_ip_equal(&flow->grants[i].ip, &flow->peer))
            return true;
    }
    return false;
}

/* Whether the rule at `index` of the direction is about the flow's peer. */
static bool has_peer(const struct sk_net_rule *rule, size_t index, enum sk_net_direction direction,
                     const struct sk_net_flow *flow)
{
    if (flow->place == SK_NET_SAME_TENANT || rule->peer == SK_NET_TENANT)
        return flow->place == SK_NET_SAME_TENANT && rule->peer == SK_NET_TENANT;
    if (rule->peer == SK_NET_NAME)
        return direction == SK_NET_EGRESS && is_granted(flow, index);
    return rule->peer == SK_NET_ANY || block_has(rule, &flow->peer);
}

static struct sk_net_verdict ask_rules(const struct sk_net_rule *rules, size_t count,
                                       enum sk_net_direction direction, const struct sk_net_flow *flow)
{
    for (size_t i = 0; i < count; i++) {
        if (has_peer(&rules[i], i, direction, flow) &&
            sk_net_rule_has_port(&rules[i], flow->protocol, flow->port))
            return (struct sk_net_verdict){true, SK_NET_BY_RULE, i};
    }
    return denied;
}

static const struct sk_net_service *find_service(const struct sk_net_policy *policy,
                                                 const struct sk_net_flow *flow)
{
    for (size_t i = 0; i < policy->service_count; i++) {
        if ((unsigned)policy->services[i].protocol == flow->protocol &&
            policy->services[i].port == flow->port)
            return &policy->services[i];
    }
    return NULL;
}

/* Public ports are reached by way of the node, so it is the node, too, that asks for them. */
static struct sk_net_verdict ask_services(const struct sk_net_policy *policy, const struct sk_net_flow *flow)
{
    const struct sk_net_service *service = find_service(policy, flow);
    bool by_tenant = flow->place == SK_NET_SAME_TENANT;
    if (!service)
        return denied;
    if (service->visibility == SK_NET_CUSTOM && flow->place != SK_NET_PLATFORM)
        return ask_rules(policy->ingress, policy->ingress_count, SK_NET_INGRESS, flow);
    if ((service->visibility == SK_NET_PUBLIC && !by_tenant) ||
        (service->visibility == SK_NET_PRIVATE && by_tenant))
        return (struct sk_net_verdict){true, SK_NET_BY_SERVICE, (size_t)(service - policy->services)};
    return denied;
}

static bool is_out_of_bounds(enum sk_net_direction direction, const struct sk_net_flow *flow)
{
    if (flow->place == SK_NET_PLATFORM)
        return direction == SK_NET_EGRESS;
    return sk_ip_kind_is_closed(sk_ip_kind_of(&flow->peer));
}

struct sk_net_verdict sk_net_policy_allows(const struct sk_net_policy *policy,
                                           enum sk_net_direction direction, const struct sk_net_flow *flow)
{
    if (is_out_of_bounds(direction, flow))
        return (struct sk_net_verdict){false, SK_NET_BY_BOUNDS, 0};
    if (direction == SK_NET_INGRESS)
        return ask_services(policy, flow);
    return ask_rules(policy->egress, policy->egress_count, SK_NET_EGRESS, flow);
}
