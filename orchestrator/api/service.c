#include "api/service.h"

#define NAME_MAX_LEN 128
/* Of requests to endpoints, in seconds; 0 = the default. */
#define TIMEOUT_LEAST 15
#define TIMEOUT_MOST  900

static void refuse_yet(const struct sk_path *path, struct sk_check *check, const char *why)
{
    sk_check_refused(check, path, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", "%s", why);
}

static void refuse_here(const struct sk_path *path, struct sk_check *check, const char *why)
{
    sk_check_refused(check, path, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", "%s", why);
}

static void check_timeout(const SK_PB(EndpointSpec) * endpoint, const struct sk_path *path,
                          struct sk_check *check)
{
    if (endpoint->request_timeout_seconds)
        (void)sk_check_range(check, SK_FIELD(path, "request_timeout_seconds"),
                             endpoint->request_timeout_seconds, TIMEOUT_LEAST, TIMEOUT_MOST);
}

static void check_kind(const SK_PB(EndpointSpec) * endpoint, const struct sk_path *path,
                       struct sk_check *check)
{
    const struct sk_path *kind = SK_FIELD(path, "kind"), *auth = SK_FIELD(path, "auth");
    bool sound =
        sk_check_enum(check, kind, (int)endpoint->kind, SK_PBE(ENDPOINT_KIND, ENDPOINT_KIND_TLS_PASSTHROUGH));
    sound &=
        sk_check_enum(check, auth, (int)endpoint->auth, SK_PBE(ENDPOINT_AUTH, ENDPOINT_AUTH_SHARE_TOKEN));
    if (!sound)
        return;
    if (endpoint->kind == SK_PBE(ENDPOINT_KIND, ENDPOINT_KIND_UNSPECIFIED))
        sk_check_violated(check, kind, "is required");
    else if (endpoint->kind == SK_PBE(ENDPOINT_KIND, ENDPOINT_KIND_TLS_PASSTHROUGH))
        refuse_yet(kind, check, "TLS is ended by the node only");
    else if (endpoint->auth == SK_PBE(ENDPOINT_AUTH, ENDPOINT_AUTH_UNSPECIFIED))
        sk_check_violated(check, auth, "is required"); /* nothing is open that was not said to be */
    else if (endpoint->auth == SK_PBE(ENDPOINT_AUTH, ENDPOINT_AUTH_SHARE_TOKEN))
        refuse_yet(auth, check, "endpoints are OPEN only");
}

static void check_endpoint(const SK_PB(Service) * service, const struct sk_path *path,
                           const struct sk_network_config *config, struct sk_check *check)
{
    if (service->visibility != SK_PBE(VISIBILITY, VISIBILITY_PUBLIC)) {
        sk_check_violated(check, path, "needs visibility PUBLIC");
    } else if (service->protocol > SK_PBE(SERVICE_PROTOCOL, SERVICE_PROTOCOL_TCP)) {
        sk_check_violated(check, path, "needs protocol TCP");
    } else {
        check_kind(service->endpoint, path, check);
        check_timeout(service->endpoint, path, check);
        if (!config->domain || !config->domain[0])
            refuse_here(path, check, "this node has no host names for services");
    }
}

/* By a port of the node. */
static void check_public(const SK_PB(Service) * service, const struct sk_path *path,
                         const struct sk_network_config *config, struct sk_check *check)
{
    if (service->protocol > SK_PBE(SERVICE_PROTOCOL, SERVICE_PROTOCOL_TCP))
        refuse_here(SK_FIELD(path, "protocol"), check, "PUBLIC services of this node speak TCP");
    if (!config->first_port)
        refuse_here(SK_FIELD(path, "visibility"), check, "this node has no ports for PUBLIC services");
}

static void check_service(const SK_PB(Service) * service, const struct sk_path *path,
                          const struct sk_network_config *config, struct sk_check *check)
{
    bool sound = sk_check_enum(check, SK_FIELD(path, "visibility"), (int)service->visibility,
                               SK_PBE(VISIBILITY, VISIBILITY_CUSTOM));
    sound &= sk_check_enum(check, SK_FIELD(path, "protocol"), (int)service->protocol,
                           SK_PBE(SERVICE_PROTOCOL, SERVICE_PROTOCOL_SCTP));
    (void)sk_check_length(check, SK_FIELD(path, "name"), service->name, NAME_MAX_LEN);
    if (!sound)
        return;
    if (service->endpoint)
        check_endpoint(service, SK_FIELD(path, "endpoint"), config, check);
    else if (service->visibility == SK_PBE(VISIBILITY, VISIBILITY_PUBLIC))
        check_public(service, path, config, check);
}

/* Whatever the protocol: clients know services by their ports. */
static void check_ports(const SK_PB(SandboxSpec) * spec, const struct sk_path *path, struct sk_check *check)
{
    uint8_t seen[65536 / 8] = {0};
    for (size_t i = 0; i < spec->n_services; i++) {
        const struct sk_path *at = SK_FIELD(SK_ITEM(path, "services", i), "port");
        int32_t port = spec->services[i]->port;
        if (!sk_check_range(check, at, port, 1, 65535))
            continue;
        if (seen[port / 8] & (1 << port % 8))
            sk_check_violated(check, at, "port %d is given twice", port);
        seen[port / 8] = (uint8_t)(seen[port / 8] | 1 << port % 8);
    }
}

/* Clients cannot tell by which of several ways a sandbox is to be reached. */
static void check_mixture(const SK_PB(SandboxSpec) * spec, const struct sk_path *path, struct sk_check *check)
{
    bool by_port = false, by_name = false, is_private = false;
    for (size_t i = 0; i < spec->n_services; i++) {
        const SK_PB(Service) *service = spec->services[i];
        bool is_public = service->visibility == SK_PBE(VISIBILITY, VISIBILITY_PUBLIC);
        is_private |= service->visibility == SK_PBE(VISIBILITY, VISIBILITY_PRIVATE);
        by_name |= is_public && service->endpoint;
        by_port |= is_public && !service->endpoint;
    }
    if (by_port + by_name + is_private > 1)
        refuse_yet(SK_FIELD(path, "services"), check,
                   "PUBLIC, PRIVATE and those with endpoints cannot be had together");
}

static uint16_t decode_timeout(const SK_PB(EndpointSpec) * endpoint)
{
    if (!endpoint)
        return 0;
    int32_t asked = endpoint->request_timeout_seconds;
    return asked ? (uint16_t)asked : SK_NET_TIMEOUT_S;
}

static struct sk_net_service decode_service(const SK_PB(Service) * service)
{
    static const enum sk_net_protocol protocols[] = {SK_NET_TCP, SK_NET_TCP, SK_NET_UDP, SK_NET_SCTP};
    struct sk_net_service out = {.protocol = protocols[service->protocol],
                                 .port = (uint16_t)service->port,
                                 .visibility = SK_NET_SILENT,
                                 .has_endpoint = service->endpoint,
                                 .timeout_s = decode_timeout(service->endpoint)};
    if (service->visibility == SK_PBE(VISIBILITY, VISIBILITY_PUBLIC))
        out.visibility = SK_NET_PUBLIC;
    else if (service->visibility == SK_PBE(VISIBILITY, VISIBILITY_PRIVATE))
        out.visibility = SK_NET_PRIVATE;
    else if (service->visibility == SK_PBE(VISIBILITY, VISIBILITY_CUSTOM))
        out.visibility = SK_NET_CUSTOM;
    return out;
}

void sk_services_decode(const SK_PB(SandboxSpec) * spec, const struct sk_path *path,
                        const struct sk_node_config *node, struct sk_arena *arena,
                        struct sk_net_policy *policy, struct sk_check *check)
{
    if (!spec->n_services || !sk_check_count(check, SK_FIELD(path, "services"), spec->n_services,
                                             sk_bound(node->box.max_services, SK_SERVICES_MAX)))
        return;
    check_ports(spec, path, check);
    check_mixture(spec, path, check);
    for (size_t i = 0; i < spec->n_services; i++)
        check_service(spec->services[i], SK_ITEM(path, "services", i), &node->network, check);
    if (check->count)
        return;
    policy->services = sk_arena_alloc(arena, spec->n_services * sizeof(policy->services[0]));
    for (; policy->service_count < spec->n_services; policy->service_count++)
        policy->services[policy->service_count] = decode_service(spec->services[policy->service_count]);
}
