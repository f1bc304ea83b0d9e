#include "net/policy.h"

#include "base/strings.h"
#include "net/domain.h"

#include <string.h>

static const struct sk_net_ports https = {SK_NET_TCP, 443, 443};

/* --- ports ------------------------------------------------------------------------------------------- */

/* The rule's ports, those that are not said too; none = every port of every protocol. */
static const struct sk_net_ports *ports_of(const struct sk_net_rule *rule, size_t *out_count)
{
    *out_count = rule->peer == SK_NET_NAME ? 1 : rule->port_count;
    return rule->peer == SK_NET_NAME ? &https : rule->ports;
}

static bool ports_have(const struct sk_net_ports *outer, const struct sk_net_ports *inner)
{
    if (outer->protocol != inner->protocol || !outer->first)
        return outer->protocol == inner->protocol;
    return inner->first && outer->first <= inner->first && inner->last <= outer->last;
}

static bool rule_has_ports(const struct sk_net_rule *rule, const struct sk_net_ports *inner)
{
    size_t count;
    const struct sk_net_ports *ports = ports_of(rule, &count);
    for (size_t i = 0; i < count; i++) {
        if (ports_have(&ports[i], inner))
            return true;
    }
    return count == 0;
}

bool sk_net_rule_has_port(const struct sk_net_rule *rule, unsigned protocol, uint16_t port)
{
    struct sk_net_ports one = {(enum sk_net_protocol)protocol, port, port};
    return rule_has_ports(rule, &one);
}

/* --- names --------------------------------------------------------------------------------------------- */

static bool is_excepted(char *const *names, const char *name)
{
    for (; names && *names; names++) {
        if (sk_domain_matches(*names, name))
            return true;
    }
    return false;
}

bool sk_net_policy_grants(const struct sk_net_policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->egress_count; i++) {
        const struct sk_net_rule *rule = &policy->egress[i];
        if (rule->peer == SK_NET_NAME && sk_domain_matches(rule->name, name) &&
            !is_excepted(rule->name_except, name))
            return true;
    }
    return false;
}

/* --- what is open at all ----------------------------------------------------------------------------- */

static bool service_is_open(const struct sk_net_policy *policy, const struct sk_net_service *service)
{
    if (service->visibility != SK_NET_CUSTOM)
        return service->visibility != SK_NET_SILENT;
    for (size_t i = 0; i < policy->ingress_count; i++) {
        const struct sk_net_rule *rule = &policy->ingress[i];
        if (rule->peer != SK_NET_NAME && sk_net_rule_has_port(rule, service->protocol, service->port))
            return true;
    }
    return false;
}

bool sk_net_policy_is_closed(const struct sk_net_policy *policy)
{
    if (policy->egress_count || policy->dns != SK_NET_DNS_NONE)
        return false;
    for (size_t i = 0; i < policy->service_count; i++) {
        if (service_is_open(policy, &policy->services[i]))
            return false;
    }
    return true;
}

/* --- copies ------------------------------------------------------------------------------------------ */

static void *copy_items(struct sk_arena *arena, const void *items, size_t count, size_t size)
{
    return count ? sk_arena_memdup(arena, items, count * size) : NULL;
}

static struct sk_net_rule *copy_rules(struct sk_arena *arena, const struct sk_net_rule *rules, size_t count)
{
    struct sk_net_rule *copies = copy_items(arena, rules, count, sizeof(*rules));
    for (size_t i = 0; i < count; i++) {
        struct sk_net_rule *rule = &copies[i];
        rule->except = copy_items(arena, rule->except, rule->except_count, sizeof(*rule->except));
        rule->ports = copy_items(arena, rule->ports, rule->port_count, sizeof(*rule->ports));
        rule->name = sk_arena_strdup(arena, rule->name);
        if (rule->name_except)
            rule->name_except = (char **)sk_strings_copy(arena, (const char *const *)rule->name_except);
    }
    return copies;
}

struct sk_net_policy *sk_net_policy_copy(struct sk_arena *arena, const struct sk_net_policy *policy)
{
    struct sk_net_policy *copy = sk_arena_memdup(arena, policy, sizeof(*policy));
    copy->tenant = sk_arena_strdup(arena, policy->tenant);
    copy->egress = copy_rules(arena, policy->egress, policy->egress_count);
    copy->ingress = copy_rules(arena, policy->ingress, policy->ingress_count);
    copy->services = copy_items(arena, policy->services, policy->service_count, sizeof(*policy->services));
    return copy;
}

/* --- what covers what -------------------------------------------------------------------------------- */

/* Whether `next` does not allow any of that part of its block either. */
static bool excepts(const struct sk_net_rule *next, const struct sk_cidr *part)
{
    for (size_t i = 0; i < next->except_count; i++) {
        if (sk_cidr_covers(&next->except[i], part))
            return true;
    }
    return false;
}

static bool blocks_cover(const struct sk_net_rule *now, const struct sk_net_rule *next)
{
    if (!sk_cidr_covers(&now->cidr, &next->cidr))
        return false;
    for (size_t i = 0; i < now->except_count; i++) {
        const struct sk_cidr *hole = &now->except[i];
        if (sk_cidr_covers(hole, &next->cidr))
            hole = &next->cidr;
        if (sk_cidr_covers(&next->cidr, hole) && !excepts(next, hole))
            return false;
    }
    return true;
}

static bool is_listed(char *const *names, const char *name)
{
    for (; names && *names; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

static bool names_cover(const struct sk_net_rule *now, const struct sk_net_rule *next)
{
    if (strcmp(now->name, next->name) != 0 &&
        (next->name[0] == '*' || !sk_domain_matches(now->name, next->name)))
        return false;
    for (char **hole = now->name_except; hole && *hole; hole++) {
        if (sk_domain_matches(next->name, *hole) && !is_listed(next->name_except, *hole))
            return false;
    }
    return true;
}

static bool peers_cover(const struct sk_net_rule *now, const struct sk_net_rule *next, enum sk_net_dns dns)
{
    if (now->peer == SK_NET_ANY) /* with every name answered, a granted one opens nothing more */
        return next->peer == SK_NET_ANY || next->peer == SK_NET_CIDR ||
               (next->peer == SK_NET_NAME && dns == SK_NET_DNS_ALL);
    if (now->peer != next->peer)
        return false;
    if (now->peer == SK_NET_CIDR)
        return blocks_cover(now, next);
    return now->peer == SK_NET_TENANT || names_cover(now, next);
}

static bool all_ports_cover(const struct sk_net_rule *now, const struct sk_net_rule *next)
{
    size_t count;
    const struct sk_net_ports *ports = ports_of(next, &count);
    for (size_t i = 0; i < count; i++) {
        if (!rule_has_ports(now, &ports[i]))
            return false;
    }
    return count || !now->port_count;
}

/* Each of `next` must lie in one of `now`: what only several together allow counts as new. */
static bool rules_cover(const struct sk_net_rule *now, size_t now_count, const struct sk_net_rule *next,
                        size_t next_count, enum sk_net_dns dns)
{
    for (size_t i = 0; i < next_count; i++) {
        size_t at = 0;
        while (at < now_count &&
               !(peers_cover(&now[at], &next[i], dns) && all_ports_cover(&now[at], &next[i])))
            at++;
        if (at == now_count)
            return false;
    }
    return true;
}

static bool has_service(const struct sk_net_policy *policy, const struct sk_net_service *wanted)
{
    for (size_t i = 0; i < policy->service_count; i++) {
        const struct sk_net_service *service = &policy->services[i];
        if (service->protocol == wanted->protocol && service->port == wanted->port &&
            service->visibility == wanted->visibility && service->has_endpoint == wanted->has_endpoint)
            return true;
    }
    return false;
}

static bool services_cover(const struct sk_net_policy *now, const struct sk_net_policy *next)
{
    bool has_custom = false;
    for (size_t i = 0; i < next->service_count; i++) {
        const struct sk_net_service *service = &next->services[i];
        if (service_is_open(next, service) && !has_service(now, service))
            return false;
        has_custom = has_custom || service->visibility == SK_NET_CUSTOM;
    }
    return !has_custom ||
           rules_cover(now->ingress, now->ingress_count, next->ingress, next->ingress_count, now->dns);
}

/* How much of DNS is open: the enum counts downwards. */
static bool dns_covers(enum sk_net_dns now, enum sk_net_dns next)
{
    return now <= next;
}

bool sk_net_policy_covers(const struct sk_net_policy *now, const struct sk_net_policy *next)
{
    return strcmp(now->tenant, next->tenant) == 0 && dns_covers(now->dns, next->dns) &&
           rules_cover(now->egress, now->egress_count, next->egress, next->egress_count, now->dns) &&
           services_cover(now, next);
}
