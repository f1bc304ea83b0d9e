#include "api/network.h"

#define SERVICES_MAX 100
#define NAME_MAX_LEN 128

static void refuse_network(struct sk_check *check, const struct sk_path *path, const char *what)
{
    sk_check_refused(check, path, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER",
                     "%s cannot be had here: sandboxes have no network of their own yet", what);
}

static void check_egress(const SK_PB(EgressRule) * rule, const struct sk_path *path, struct sk_check *check)
{
    switch (rule->destination_case) {
    case SK_PBE(EGRESS_RULE, DESTINATION_CIDR):
        refuse_network(check, SK_FIELD(path, "cidr"), "egress to addresses");
        break;
    case SK_PBE(EGRESS_RULE, DESTINATION_HTTPS_HOSTNAME):
        refuse_network(check, SK_FIELD(path, "https_hostname"), "egress to host names");
        break;
    case SK_PBE(EGRESS_RULE, DESTINATION_TENANT):
        refuse_network(check, SK_FIELD(path, "tenant"), "egress to other sandboxes");
        break;
    case SK_PBE(EGRESS_RULE, DESTINATION_ANY):
        refuse_network(check, SK_FIELD(path, "any"), "egress");
        break;
    case SK_PBE(EGRESS_RULE, DESTINATION_SELECTOR):
        refuse_network(check, SK_FIELD(path, "selector"), "egress to pods by label");
        break;
    default:
        sk_check_violated(check, path, "must have a destination");
    }
}

void sk_network_check(const SK_PB(SandboxSpec) * spec, const struct sk_path *path, struct sk_check *check)
{
    const SK_PB(NetworkOptions) *network = spec->network;
    if (!network)
        return;
    if (network->_deny_egress_case && network->deny_egress && network->n_egress)
        sk_check_violated(check, SK_FIELD(path, "egress"), "must be empty when deny_egress is set");
    for (size_t i = 0; i < network->n_egress; i++)
        check_egress(network->egress[i], SK_ITEM(path, "egress", i), check);
    if (network->n_ingress)
        refuse_network(check, SK_FIELD(path, "ingress"), "ingress");
    const struct sk_path *dns = SK_FIELD(path, "dns_egress");
    if (sk_check_enum(check, dns, (int)network->dns_egress, SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_DENY)) &&
        network->dns_egress == SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_ALLOW))
        refuse_network(check, dns, "name lookup");
}

static void check_service(const SK_PB(Service) * service, const struct sk_path *path, struct sk_check *check)
{
    const struct sk_path *visibility = SK_FIELD(path, "visibility");
    bool sound = sk_check_enum(check, visibility, (int)service->visibility, 3);
    sound &= sk_check_enum(check, SK_FIELD(path, "protocol"), (int)service->protocol, 3);
    (void)sk_check_length(check, SK_FIELD(path, "name"), service->name, NAME_MAX_LEN);
    if (!sound)
        return;
    const struct sk_path *endpoint = SK_FIELD(path, "endpoint");
    bool is_public = service->visibility == SK_PBE(VISIBILITY, VISIBILITY_PUBLIC);
    bool is_tcp = service->protocol <= SK_PBE(SERVICE_PROTOCOL, SERVICE_PROTOCOL_TCP);
    if (service->endpoint && !is_public)
        sk_check_violated(check, endpoint, "needs visibility PUBLIC");
    else if (service->endpoint && !is_tcp)
        sk_check_violated(check, endpoint, "needs protocol TCP");
    else if (service->visibility)
        sk_check_refused(check, visibility, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED",
                         "services cannot be made reachable yet");
}

void sk_services_check(const SK_PB(SandboxSpec) * spec, const struct sk_path *path, struct sk_check *check)
{
    uint8_t seen[65536 / 8] = {0};
    if (!sk_check_count(check, SK_FIELD(path, "services"), spec->n_services, SERVICES_MAX))
        return;
    for (size_t i = 0; i < spec->n_services; i++) {
        const struct sk_path *item = SK_ITEM(path, "services", i);
        const struct sk_path *port_path = SK_FIELD(item, "port");
        int32_t port = spec->services[i]->port;
        if (sk_check_range(check, port_path, port, 1, 65535)) {
            if (seen[port / 8] & (1 << port % 8))
                sk_check_violated(check, port_path, "port %d is given twice", port);
            seen[port / 8] = (uint8_t)(seen[port / 8] | 1 << port % 8);
        }
        check_service(spec->services[i], item, check);
    }
}
