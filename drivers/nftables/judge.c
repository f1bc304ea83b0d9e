#include "drivers/nftables/judge.h"

static bool is_of(const struct sk_slot *slot, const struct sk_ip *ip)
{
    return !slot->is_closed && sk_ip_equal(ip, ip->is_v6 ? &slot->link.ipv6 : &slot->link.ipv4);
}

static const struct sk_slot *find_by_ip(const struct sk_nftables *net, const struct sk_ip *ip)
{
    uint32_t number;
    return sk_slots_number_of(&net->slots, ip, &number) ? net->by_number[number] : NULL;
}

bool sk_judge_is_out_of_bounds(const struct sk_nftables *net, const struct sk_other_end *end)
{
    return sk_platform_has(&net->platform, &end->ip) &&
           !sk_reachable_has(&net->table.reachable, &end->ip, end->protocol, end->port);
}

static bool is_gateway(const struct sk_nftables *net, const struct sk_ip *ip)
{
    return sk_ip_equal(ip, ip->is_v6 ? &net->table.gateway6 : &net->table.gateway4);
}

static bool allows_outward(const struct sk_judge *judge, const struct sk_other_end *end, bool is_gated)
{
    const struct sk_rules *rules = &judge->slot->hold->rules;
    if (is_gateway(judge->net, &end->ip) && end->port == 53)
        return rules->asks_dns;
    if (is_gateway(judge->net, &end->ip))
        return sk_reachable_has(&judge->net->table.reachable, &end->ip, end->protocol, end->port) &&
               sk_lines_allow(&rules->world, end);
    if (find_by_ip(judge->net, &end->ip))
        return sk_lines_allow(&rules->peers, end);
    if (sk_judge_is_out_of_bounds(judge->net, end))
        return false;
    return sk_lines_allow(&rules->world, end) || (is_gated && sk_lines_allow(&rules->gated, end));
}

static bool allows_inward(const struct sk_judge *judge, const struct sk_other_end *end)
{
    const struct sk_rules *rules = &judge->slot->hold->rules;
    return sk_lines_allow(is_gateway(judge->net, &end->ip) ? &rules->node : &rules->ingress, end);
}

static struct sk_other_end end_of(const struct sk_judge *judge, const struct sk_ip *ip, uint8_t protocol,
                                  uint16_t port)
{
    const struct sk_slot *peer = find_by_ip(judge->net, ip);
    const struct sk_hold *hold = judge->slot->hold;
    return (struct sk_other_end){.ip = *ip,
                                 .protocol = protocol,
                                 .port = port,
                                 .is_granted = !judge->knows_names || sk_grants_has(&hold->grants, ip),
                                 .is_of_tenant = peer && peer->hold && peer->hold->tenant == hold->tenant};
}

bool sk_judge_denies(void *arg, const struct sk_connection *c)
{
    const struct sk_judge *judge = arg;
    if (is_of(judge->slot, &c->caller)) {
        struct sk_other_end called = end_of(judge, &c->called, c->protocol, c->called_port);
        bool is_gated = is_gateway(judge->net, &c->answerer) && !is_gateway(judge->net, &c->called);
        return !allows_outward(judge, &called, is_gated);
    }
    if (is_of(judge->slot, &c->answerer)) {
        struct sk_other_end caller = end_of(judge, &c->caller, c->protocol, c->answerer_port);
        return !allows_inward(judge, &caller);
    }
    return false;
}

static bool is_nobodys(const struct sk_nftables *net, const struct sk_ip *ip)
{
    uint32_t number;
    return sk_slots_number_of(&net->slots, ip, &number) && !net->by_number[number];
}

static bool is_left_over(void *arg, const struct sk_connection *c)
{
    return is_nobodys(arg, &c->caller) || is_nobodys(arg, &c->answerer);
}

enum sk_code sk_nftables_sweep(struct sk_nftables *net, struct sk_err *err)
{
    return sk_conntrack_cut(&net->netfilter, is_left_over, net, err);
}
