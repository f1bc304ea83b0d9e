#include "store/codec_network.h"

#include "base/strings.h"
#include "net/domain.h"

#include <string.h>

typedef Sandkeep__Records__V1__Network wire_network;
typedef Sandkeep__Records__V1__NetworkRule wire_rule;
typedef Sandkeep__Records__V1__NetworkPorts wire_ports;
typedef Sandkeep__Records__V1__NetworkService wire_service;

#define LIST_MAX 4096 /* of anything: far more than the API lets in */

_Static_assert(SK_NET_DNS_NONE == 2 && SK_NET_TENANT == 3 && SK_NET_CUSTOM == 3, "they are stored by number");

/* --- what is wrong ------------------------------------------------------------------------- */

static bool is_protocol(int32_t number)
{
    return number == SK_NET_TCP || number == SK_NET_UDP || number == SK_NET_SCTP;
}

static bool is_block(const char *text)
{
    struct sk_cidr block;
    return sk_cidr_parse(text, &block, NULL) == SK_OK;
}

/* As it would be written by us. */
static bool is_name(const char *text)
{
    char pattern[SK_DOMAIN_MAX];
    return sk_domain_pattern(text, pattern, NULL) == SK_OK && strcmp(text, pattern) == 0;
}

static bool all(bool (*is_fine)(const char *text), char **list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_fine(list[i]))
            return false;
    }
    return count <= LIST_MAX;
}

static bool are_ports(const wire_ports *ports)
{
    return is_protocol(ports->protocol) && ports->first >= 0 && ports->last <= UINT16_MAX &&
           (ports->first ? ports->first <= ports->last : ports->last == 0);
}

static const char *rule_fault(const wire_rule *rule)
{
    if (rule->peer < SK_NET_CIDR || rule->peer > SK_NET_TENANT)
        return "a network rule about nobody known";
    if (rule->peer == SK_NET_CIDR && (!is_block(rule->cidr) || !all(is_block, rule->except, rule->n_except)))
        return "a network rule for what are no addresses";
    if (rule->peer == SK_NET_NAME &&
        (!is_name(rule->name) || !all(is_name, rule->name_except, rule->n_name_except)))
        return "a network rule for what is no host name";
    for (size_t i = 0; i < rule->n_ports; i++) {
        if (!are_ports(rule->ports[i]))
            return "a network rule for what are no ports";
    }
    return rule->n_ports > LIST_MAX ? "a network rule for too many ports" : NULL;
}

static const char *rules_fault(wire_rule **rules, size_t count)
{
    const char *fault = NULL;
    for (size_t i = 0; i < count && !fault; i++)
        fault = rule_fault(rules[i]);
    return count > LIST_MAX ? "too many network rules" : fault;
}

static bool is_service(const wire_service *service)
{
    return is_protocol(service->protocol) && service->port > 0 && service->port <= UINT16_MAX &&
           service->visibility >= SK_NET_SILENT && service->visibility <= SK_NET_CUSTOM &&
           service->node_port >= 0 && service->node_port <= UINT16_MAX && service->timeout_s >= 0 &&
           service->timeout_s <= UINT16_MAX;
}

const char *sk_codec_network_fault(const wire_network *wire)
{
    const char *fault = rules_fault(wire->egress, wire->n_egress);
    if (!fault)
        fault = rules_fault(wire->ingress, wire->n_ingress);
    if (fault)
        return fault;
    for (size_t i = 0; i < wire->n_services; i++) {
        if (!is_service(wire->services[i]))
            return "a service that makes no sense";
    }
    if (wire->n_services > LIST_MAX)
        return "too many services";
    return wire->dns < SK_NET_DNS_ALL || wire->dns > SK_NET_DNS_NONE ? "no known way with names" : NULL;
}

/* --- to the message ------------------------------------------------------------------------ */

static char *print_block(const struct sk_cidr *block, struct sk_arena *scratch)
{
    char text[SK_CIDR_TEXT_MAX];
    sk_cidr_print(block, text);
    return sk_arena_strdup(scratch, text);
}

static void fill_blocks(wire_rule *wire, const struct sk_net_rule *rule, struct sk_arena *scratch)
{
    wire->cidr = print_block(&rule->cidr, scratch);
    wire->n_except = rule->except_count;
    wire->except = sk_arena_alloc(scratch, (rule->except_count + 1) * sizeof(char *));
    for (size_t i = 0; i < rule->except_count; i++)
        wire->except[i] = print_block(&rule->except[i], scratch);
}

static void fill_names(wire_rule *wire, const struct sk_net_rule *rule)
{
    wire->name = rule->name;
    wire->name_except = rule->name_except;
    wire->n_name_except = sk_strings_count((const char *const *)rule->name_except);
}

static void fill_ports(wire_rule *wire, const struct sk_net_rule *rule, struct sk_arena *scratch)
{
    wire_ports *ports = sk_arena_alloc(scratch, (rule->port_count + 1) * sizeof(*ports));
    wire->ports = sk_arena_alloc(scratch, (rule->port_count + 1) * sizeof(wire_ports *));
    wire->n_ports = rule->port_count;
    for (size_t i = 0; i < rule->port_count; i++) {
        sandkeep__records__v1__network_ports__init(&ports[i]);
        ports[i].protocol = (int32_t)rule->ports[i].protocol;
        ports[i].first = rule->ports[i].first;
        ports[i].last = rule->ports[i].last;
        wire->ports[i] = &ports[i];
    }
}

static wire_rule **fill_rules(const struct sk_net_rule *rules, size_t count, struct sk_arena *scratch)
{
    wire_rule *filled = sk_arena_alloc(scratch, (count + 1) * sizeof(*filled));
    wire_rule **list = sk_arena_alloc(scratch, (count + 1) * sizeof(wire_rule *));
    for (size_t i = 0; i < count; i++) {
        sandkeep__records__v1__network_rule__init(&filled[i]);
        filled[i].peer = (int32_t)rules[i].peer;
        if (rules[i].peer == SK_NET_CIDR)
            fill_blocks(&filled[i], &rules[i], scratch);
        if (rules[i].peer == SK_NET_NAME)
            fill_names(&filled[i], &rules[i]);
        fill_ports(&filled[i], &rules[i], scratch);
        list[i] = &filled[i];
    }
    return list;
}

static void fill_services(wire_network *wire, const struct sk_net_policy *policy, struct sk_arena *scratch)
{
    wire_service *services = sk_arena_alloc(scratch, (policy->service_count + 1) * sizeof(*services));
    wire->services = sk_arena_alloc(scratch, (policy->service_count + 1) * sizeof(wire_service *));
    wire->n_services = policy->service_count;
    for (size_t i = 0; i < policy->service_count; i++) {
        const struct sk_net_service *service = &policy->services[i];
        sandkeep__records__v1__network_service__init(&services[i]);
        services[i].protocol = (int32_t)service->protocol;
        services[i].port = service->port;
        services[i].visibility = (int32_t)service->visibility;
        services[i].has_endpoint = service->has_endpoint;
        services[i].node_port = service->node_port;
        services[i].timeout_s = service->timeout_s;
        wire->services[i] = &services[i];
    }
}

wire_network *sk_codec_fill_network(const struct sk_net_policy *policy, struct sk_arena *scratch)
{
    wire_network *wire = sk_arena_alloc(scratch, sizeof(*wire));
    sandkeep__records__v1__network__init(wire);
    wire->tenant = policy->tenant;
    wire->egress = fill_rules(policy->egress, policy->egress_count, scratch);
    wire->n_egress = policy->egress_count;
    wire->ingress = fill_rules(policy->ingress, policy->ingress_count, scratch);
    wire->n_ingress = policy->ingress_count;
    fill_services(wire, policy, scratch);
    wire->dns = (int32_t)policy->dns;
    return wire;
}

/* --- and back -------------------------------------------------------------------------------- */

/* The text was looked at before. */
static struct sk_cidr read_block(const char *text)
{
    struct sk_cidr block = {0};
    (void)!sk_cidr_parse(text, &block, NULL);
    return block;
}

static void take_blocks(struct sk_net_rule *rule, struct sk_arena *arena, const wire_rule *wire)
{
    rule->cidr = read_block(wire->cidr);
    rule->except_count = wire->n_except;
    rule->except = sk_arena_alloc(arena, (wire->n_except + 1) * sizeof(*rule->except));
    for (size_t i = 0; i < wire->n_except; i++)
        rule->except[i] = read_block(wire->except[i]);
}

static void take_names(struct sk_net_rule *rule, struct sk_arena *arena, const wire_rule *wire)
{
    rule->name = wire->name;
    if (!wire->n_name_except)
        return;
    rule->name_except = sk_arena_alloc(arena, (wire->n_name_except + 1) * sizeof(char *));
    memcpy(rule->name_except, wire->name_except, wire->n_name_except * sizeof(char *));
}

static void take_ports(struct sk_net_rule *rule, struct sk_arena *arena, const wire_rule *wire)
{
    rule->port_count = wire->n_ports;
    rule->ports = sk_arena_alloc(arena, (wire->n_ports + 1) * sizeof(*rule->ports));
    for (size_t i = 0; i < wire->n_ports; i++)
        rule->ports[i] =
            (struct sk_net_ports){(enum sk_net_protocol)wire->ports[i]->protocol,
                                  (uint16_t)wire->ports[i]->first, (uint16_t)wire->ports[i]->last};
}

static struct sk_net_rule *take_rules(struct sk_arena *arena, wire_rule **wire, size_t count)
{
    struct sk_net_rule *rules = sk_arena_alloc(arena, (count + 1) * sizeof(*rules));
    for (size_t i = 0; i < count; i++) {
        rules[i].peer = (enum sk_net_peer)wire[i]->peer;
        if (rules[i].peer == SK_NET_CIDR)
            take_blocks(&rules[i], arena, wire[i]);
        if (rules[i].peer == SK_NET_NAME)
            take_names(&rules[i], arena, wire[i]);
        take_ports(&rules[i], arena, wire[i]);
    }
    return rules;
}

static uint16_t take_timeout(const wire_service *wire)
{
    if (!wire->has_endpoint)
        return 0;
    return wire->timeout_s ? (uint16_t)wire->timeout_s : SK_NET_TIMEOUT_S;
}

static struct sk_net_service *take_services(struct sk_arena *arena, const wire_network *wire)
{
    struct sk_net_service *services = sk_arena_alloc(arena, (wire->n_services + 1) * sizeof(*services));
    for (size_t i = 0; i < wire->n_services; i++) {
        const wire_service *service = wire->services[i];
        services[i].protocol = (enum sk_net_protocol)service->protocol;
        services[i].port = (uint16_t)service->port;
        services[i].visibility = (__typeof__(services[i].visibility))service->visibility;
        services[i].has_endpoint = service->has_endpoint;
        services[i].node_port = (uint16_t)service->node_port;
        services[i].timeout_s = take_timeout(service);
    }
    return services;
}

struct sk_net_policy *sk_codec_take_network(struct sk_arena *arena, const wire_network *wire)
{
    struct sk_net_policy *policy = sk_arena_alloc(arena, sizeof(*policy));
    policy->tenant = wire->tenant;
    policy->egress = take_rules(arena, wire->egress, wire->n_egress);
    policy->egress_count = wire->n_egress;
    policy->ingress = take_rules(arena, wire->ingress, wire->n_ingress);
    policy->ingress_count = wire->n_ingress;
    policy->services = take_services(arena, wire);
    policy->service_count = wire->n_services;
    policy->dns = (enum sk_net_dns)wire->dns;
    return policy;
}
