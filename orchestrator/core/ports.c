#include "core/ports.h"

static bool is_in_range(const struct sk_ports *ports, uint16_t port)
{
    return port && port >= ports->first && port <= ports->last;
}

static bool is_taken(const struct sk_ports *ports, uint16_t port)
{
    return ports->taken[port / 64] >> port % 64 & 1;
}

static void set_taken(struct sk_ports *ports, uint16_t port, bool taken)
{
    uint64_t bit = UINT64_C(1) << port % 64;
    if (taken)
        ports->taken[port / 64] |= bit;
    else
        ports->taken[port / 64] &= ~bit;
}

/* The first again behind the last. */
static uint16_t behind(const struct sk_ports *ports, uint16_t port)
{
    return port == ports->last ? ports->first : (uint16_t)(port + 1);
}

void sk_ports_init(struct sk_ports *ports, uint16_t first, uint16_t last)
{
    *ports = (struct sk_ports){.first = first, .last = last, .next = first};
}

/* 0 = none is left. */
static uint16_t take(struct sk_ports *ports)
{
    uint16_t port = ports->next;

    if (!ports->first)
        return 0;
    while (is_taken(ports, port)) {
        port = behind(ports, port);
        if (port == ports->next)
            return 0;
    }
    set_taken(ports, port, true);
    ports->next = behind(ports, port);
    return port;
}

static bool needs_port(const struct sk_net_service *service)
{
    return service->visibility == SK_NET_PUBLIC && !service->has_endpoint;
}

enum sk_code sk_ports_assign(struct sk_ports *ports, struct sk_net_policy *policy, struct sk_err *err)
{
    for (size_t i = 0; i < policy->service_count; i++)
        policy->services[i].node_port = 0; /* whatever the caller thinks */
    for (size_t i = 0; i < policy->service_count; i++) {
        if (!needs_port(&policy->services[i]))
            continue;
        policy->services[i].node_port = take(ports);
        if (policy->services[i].node_port)
            continue;
        sk_ports_release(ports, policy);
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "the node has no port left for a public service");
    }
    return SK_OK;
}

bool sk_ports_claim(struct sk_ports *ports, const struct sk_net_policy *policy)
{
    for (size_t i = 0; i < policy->service_count; i++) {
        uint16_t port = policy->services[i].node_port;
        if (is_in_range(ports, port) && is_taken(ports, port))
            return false;
    }
    for (size_t i = 0; i < policy->service_count; i++) {
        if (is_in_range(ports, policy->services[i].node_port))
            set_taken(ports, policy->services[i].node_port, true);
    }
    return true;
}

void sk_ports_rest(struct sk_ports *ports, const struct sk_net_policy *policy)
{
    for (size_t i = 0; i < policy->service_count; i++) {
        if (is_in_range(ports, policy->services[i].node_port))
            ports->next = behind(ports, policy->services[i].node_port);
    }
}

void sk_ports_release(struct sk_ports *ports, const struct sk_net_policy *policy)
{
    for (size_t i = 0; i < policy->service_count; i++) {
        if (is_in_range(ports, policy->services[i].node_port))
            set_taken(ports, policy->services[i].node_port, false);
    }
}
