#include "api/network_encode.h"
#include "api/encode.h"

#define HTTPS 443

/* --- rules ----------------------------------------------------------------------------- */

static SK_PB(EgressRule) * *any_rule(struct sk_arena *arena)
{
    SK_PB(EgressRule) *rule = SK_PB_NEW(arena, egress_rule);
    rule->destination_case = SK_PBE(EGRESS_RULE, DESTINATION_ANY);
    rule->any = true;
    return sk_arena_memdup(arena, &rule, sizeof(rule));
}

/* Nobody's words, but what holds when there are none. */
static bool is_default(const struct sk_net_policy *policy)
{
    return policy->egress_count && policy->egress[0].peer == SK_NET_ANY && !policy->egress[0].port_count;
}

static void encode_rules(struct sk_arena *arena, const struct sk_net_policy *policy,
                         const SK_PB(NetworkOptions) * options, SK_PB(SandboxStatus) * status)
{
    if (options && options->n_egress) {
        status->effective_egress = options->egress;
        status->n_effective_egress = options->n_egress;
    } else if (is_default(policy)) {
        status->effective_egress = any_rule(arena);
        status->n_effective_egress = 1;
    }
    if (options) {
        status->effective_ingress = options->ingress;
        status->n_effective_ingress = options->n_ingress;
    }
    if (policy->dns != SK_NET_DNS_NONE)
        status->effective_dns_egress = SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_ALLOW);
}

/* --- services ---------------------------------------------------------------------------- */

/* Where a sandbox's services are, while it has not begun to end. */
struct doors {
    struct sk_arena *arena;
    const struct sk_record *record;
    const struct sk_network_place *place;
    const struct sk_network_config *config;
};

static const struct sk_net_service *find_service(const struct sk_net_policy *policy, int32_t port)
{
    for (size_t i = 0; i < policy->service_count; i++) {
        if (policy->services[i].port == port)
            return &policy->services[i];
    }
    return NULL;
}

static char *endpoint_url(const struct doors *doors, const struct sk_net_service *service)
{
    const struct sk_network_config *config = doors->config;
    const char *domain = config->domain ? config->domain : "";
    char *url = sk_arena_printf(doors->arena, "https://%s-%u.%s", doors->record->id, service->port, domain);
    if (!domain[0]) /* it was made when there was one */
        return "";
    return config->https_port == HTTPS ? url
                                       : sk_arena_printf(doors->arena, "%s:%u", url, config->https_port);
}

static char *plain_url(const struct doors *doors, const struct sk_net_service *service)
{
    char ip[SK_IP_TEXT_MAX];
    if (service->visibility == SK_NET_PUBLIC && service->node_port && doors->config->address)
        return sk_arena_printf(doors->arena, "http://%s:%u", doors->config->address, service->node_port);
    if (service->visibility != SK_NET_PRIVATE || service->protocol != SK_NET_TCP || !doors->place ||
        doors->place->is_closed)
        return "";
    sk_ip_print(&doors->place->ipv4, ip);
    return sk_arena_printf(doors->arena, "http://%s:%u", ip, service->port);
}

/* Clients prefer url to endpoint.url, so there is one of them. */
static void encode_urls(const struct doors *doors, SK_PB(ServiceStatus) * out)
{
    const struct sk_net_policy *policy = doors->record->spec.network;
    const struct sk_net_service *service = policy ? find_service(policy, out->port) : NULL;
    if (!service)
        return;
    if (out->endpoint)
        out->endpoint->request_timeout_seconds = service->timeout_s;
    if (doors->record->state >= SK_STATE_TERMINATING)
        return;
    if (out->endpoint)
        out->endpoint->url = endpoint_url(doors, service);
    else
        out->url = plain_url(doors, service);
}

static SK_PB(EndpointStatus) * encode_endpoint(struct sk_arena *arena, const SK_PB(EndpointSpec) * asked)
{
    SK_PB(EndpointStatus) *out = SK_PB_NEW(arena, endpoint_status);
    out->kind = asked->kind;
    out->auth = asked->auth;
    return out;
}

static SK_PB(ServiceStatus) * encode_service(const struct doors *doors, const SK_PB(Service) * asked)
{
    SK_PB(ServiceStatus) *out = SK_PB_NEW(doors->arena, service_status);
    out->port = asked->port;
    out->name = asked->name;
    out->protocol = asked->protocol;
    out->visibility = asked->visibility;
    if (asked->endpoint)
        out->endpoint = encode_endpoint(doors->arena, asked->endpoint);
    encode_urls(doors, out);
    return out;
}

void sk_encode_network(struct sk_arena *arena, const struct sk_record *record,
                       const struct sk_network_place *place, const struct sk_network_config *config,
                       const SK_PB(SandboxSpec) * spec, SK_PB(SandboxStatus) * status)
{
    const struct doors doors = {arena, record, place, config};
    status->effective_dns_egress = SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_DENY);
    if (record->spec.network)
        encode_rules(arena, record->spec.network, spec->network, status);
    status->services = sk_arena_alloc(arena, (spec->n_services + 1) * sizeof(void *));
    for (; status->n_services < spec->n_services; status->n_services++)
        status->services[status->n_services] = encode_service(&doors, spec->services[status->n_services]);
}

/* --- the report ---------------------------------------------------------------------------- */

static void add_address(struct sk_arena *arena, const struct sk_ip *ip, SK_OWN_PB(Network) * out)
{
    char text[SK_IP_TEXT_MAX];
    sk_ip_print(ip, text);
    out->addresses[out->n_addresses++] = sk_arena_strdup(arena, text);
}

static void encode_addresses(struct sk_arena *arena, const struct sk_network_report *report,
                             SK_OWN_PB(Network) * out)
{
    out->addresses = sk_arena_alloc(arena, 2 * sizeof(char *));
    if (!report->has_place || report->place.is_closed)
        return;
    add_address(arena, &report->place.ipv4, out);
    if (report->place.has_ipv6)
        add_address(arena, &report->place.ipv6, out);
}

static char *protocol_name(struct sk_arena *arena, uint8_t protocol)
{
    static const struct {
        uint8_t number;
        char *name;
    } known[] = {{0, ""},      {1, "ICMP"},          {SK_NET_TCP, "TCP"}, {SK_NET_UDP, "UDP"},
                 {58, "ICMP"}, {SK_NET_SCTP, "SCTP"}};
    for (size_t i = 0; i < sk_array_len(known); i++) {
        if (known[i].number == protocol)
            return known[i].name;
    }
    return sk_arena_printf(arena, "%u", protocol);
}

static SK_OWN_PB(Denial) * encode_denial(struct sk_arena *arena, const struct sk_network_denial *denial)
{
    SK_OWN_PB(Denial) *out = SK_OWN_PB_NEW(arena, denial);
    const struct sk_ip nobody = {.is_v6 = denial->ip.is_v6};
    char ip[SK_IP_TEXT_MAX] = "";
    if (!sk_ip_equal(&denial->ip, &nobody))
        sk_ip_print(&denial->ip, ip);
    out->time = sk_encode_time(arena, denial->at);
    out->destination = sk_arena_strdup(arena, ip);
    out->protocol = protocol_name(arena, denial->protocol);
    out->port = denial->port;
    out->name = sk_arena_strdup(arena, denial->name);
    out->rule = sk_arena_strdup(arena, denial->rule);
    return out;
}

SK_OWN_PB(Network) * sk_encode_network_report(struct sk_arena *arena, const char *id,
                                              const struct sk_network_report *report,
                                              const SK_PB(SandboxStatus) * status)
{
    SK_OWN_PB(Network) *out = SK_OWN_PB_NEW(arena, network);
    out->sandbox_id = sk_arena_strdup(arena, id);
    encode_addresses(arena, report, out);
    out->effective_egress = status->effective_egress;
    out->n_effective_egress = status->n_effective_egress;
    out->effective_ingress = status->effective_ingress;
    out->n_effective_ingress = status->n_effective_ingress;
    out->effective_dns_egress = status->effective_dns_egress;
    out->services = status->services;
    out->n_services = status->n_services;
    out->sent_bytes = report->counts.sent_bytes;
    out->received_bytes = report->counts.received_bytes;
    out->denied_packets = report->counts.denied_packets;
    out->names_asked = report->names_asked;
    out->names_denied = report->names_denied;
    out->denials = sk_arena_alloc(arena, (report->denial_count + 1) * sizeof(void *));
    for (; out->n_denials < report->denial_count; out->n_denials++)
        out->denials[out->n_denials] = encode_denial(arena, &report->denials[out->n_denials]);
    return out;
}
