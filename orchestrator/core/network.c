#include "core/sandbox_impl.h"

#include <assert.h>
#include <string.h>

/* --- who is where ------------------------------------------------------------------- */

void sk_network_init(struct sk_sandbox_network *network)
{
    sk_list_init(&network->flows);
}

void sk_network_fini(struct sk_sandbox *s)
{
    assert(sk_list_is_empty(&s->network.flows));
    sk_timer_stop(s->node->loop, &s->network.again);
    sk_network_unsettle(s);
    sk_network_release_ports(s);
    sk_denial_ring_fini(&s->network.denials);
}

static bool enter(struct sk_node *node, struct sk_network_address *address, const struct sk_ip *ip)
{
    sk_ip_print(ip, address->ip);
    if (sk_map_find(&node->addresses, address->ip))
        return false;
    sk_map_add(&node->addresses, &address->by_ip, address->ip);
    return true;
}

enum sk_code sk_network_settle(struct sk_sandbox *s, const struct sk_network_place *place, struct sk_err *err)
{
    struct sk_sandbox_network *n = &s->network;

    sk_network_unsettle(s);
    if (!place->is_closed) {
        if (!enter(s->node, &n->ipv4, &place->ipv4) ||
            (place->has_ipv6 && !enter(s->node, &n->ipv6, &place->ipv6))) {
            sk_network_unsettle(s);
            return sk_fail(err, SK_INTERNAL, "its address is another sandbox's");
        }
    }
    n->place = *place;
    n->has_place = true;
    return SK_OK;
}

void sk_network_unsettle(struct sk_sandbox *s)
{
    sk_map_remove(&s->node->addresses, &s->network.ipv4.by_ip);
    sk_map_remove(&s->node->addresses, &s->network.ipv6.by_ip);
    s->network.has_place = false;
}

struct sk_sandbox *sk_network_find(struct sk_node *node, const struct sk_ip *ip)
{
    char text[SK_IP_TEXT_MAX];

    sk_ip_print(ip, text);
    struct sk_map_node *found = sk_map_find(&node->addresses, text);
    if (!found)
        return NULL;
    return ip->is_v6 ? sk_map_entry(found, struct sk_sandbox, network.ipv6.by_ip)
                     : sk_map_entry(found, struct sk_sandbox, network.ipv4.by_ip);
}

const struct sk_network_place *sk_sandbox_place(const struct sk_sandbox *sandbox)
{
    return sandbox->network.has_place ? &sandbox->network.place : NULL;
}

/* --- ports of the node ---------------------------------------------------------------- */

void sk_network_release_ports(struct sk_sandbox *s)
{
    if (s->network.has_ports)
        sk_ports_release(&s->node->ports, s->record->spec.network);
    s->network.has_ports = false;
}

void sk_network_reclaim_ports(struct sk_sandbox *s)
{
    const struct sk_net_policy *policy = s->record->spec.network;

    if (!policy)
        return;
    sk_ports_rest(&s->node->ports, policy);
    if (sk_state_is_final(s->state))
        return;
    s->network.has_ports = sk_ports_claim(&s->node->ports, policy);
    if (!s->network.has_ports)
        sk_log(sk_sandbox_log(s), SK_ERROR, "network.port_twice");
}

/* --- what did not pass ------------------------------------------------------------------ */

static void tell(struct sk_sandbox *s, const struct sk_network_denial *denial)
{
    static const struct sk_ip nobody;
    char ip[SK_IP_TEXT_MAX] = "";

    if (!sk_ip_equal(&denial->ip, &nobody))
        sk_ip_print(&denial->ip, ip);
    sk_timeline_add(&s->node->denials, denial->at, denial->rule, s->record->id, "%s%s%s protocol %u port %u",
                    denial->name, denial->name[0] && ip[0] ? " " : "", ip, denial->protocol, denial->port);
}

void sk_network_denied(struct sk_sandbox *s, const struct sk_network_denial *denial)
{
    sk_meters_denied(&s->node->meters, denial->rule);
    tell(s, denial);
    sk_denial_ring_add(&s->network.denials, denial, sk_sandbox_log(s), sk_loop_now(s->node->loop));
}

static void on_denied(struct sk_node *node, const struct sk_network_event *event)
{
    bool comes_in = strcmp(event->rule, "ingress") == 0;
    struct sk_sandbox *s = event->id[0] ? sk_node_find_any(node, event->id) : NULL;

    if (!s)
        s = sk_network_find(node, comes_in ? &event->destination : &event->source);
    if (!s)
        return; /* it has ended */
    struct sk_network_denial denial = {
        .at = sk_loop_wall(node->loop),
        .ip = comes_in ? event->source : event->destination,
        .protocol = event->protocol,
        .port = event->port,
        .rule = event->rule,
    };
    sk_network_denied(s, &denial);
}

static void on_network_event(void *arg, const struct sk_network_event *event)
{
    struct sk_node *node = arg;

    if (event->kind == SK_NETWORK_DENIED) {
        on_denied(node, event);
        return;
    }
    sk_node_set_health(node, SK_HEALTH_NETWORK, event->kind == SK_NETWORK_BROKEN);
    if (event->kind == SK_NETWORK_BROKEN)
        return;
    node->network_restored++;
    sk_series_add(node->meters.network_restored, 1);
    sk_timeline_add(&node->timeline, sk_loop_wall(node->loop), "network", "",
                    "somebody else's changes to the rules were undone");
    sk_log(node->log, SK_WARN, "network.restored", SK_INT("times", node->network_restored));
}

static void on_edge_denied(void *arg, const struct sk_edge_denial *said)
{
    struct sk_node *node = arg;
    struct sk_sandbox *s = sk_network_find(node, &said->source);

    if (!s)
        return;
    struct sk_network_denial denial = {
        .at = sk_loop_wall(node->loop),
        .ip = said->destination,
        .protocol = SK_NET_TCP,
        .port = said->port,
        .rule = said->why,
    };
    (void)snprintf(denial.name, sizeof(denial.name), "%s", said->name);
    sk_network_denied(s, &denial);
}

static void ignore_event(void *arg, const struct sk_network_event *event)
{
    (void)arg;
    (void)event;
}

static void ignore_denial(void *arg, const struct sk_edge_denial *denial)
{
    (void)arg;
    (void)denial;
}

void sk_network_listen(struct sk_node *node)
{
    node->network->ops->listen(node->network, on_network_event, node);
    if (node->edge)
        node->edge->ops->listen(node->edge, on_edge_denied, node);
    if (node->names)
        node->names->ops->listen(node->names, &sk_network_names_events, node);
}

void sk_network_deafen(struct sk_node *node)
{
    node->network->ops->listen(node->network, ignore_event, NULL);
    if (node->edge)
        node->edge->ops->listen(node->edge, ignore_denial, NULL);
    if (node->names)
        node->names->ops->listen(node->names, NULL, NULL);
}

/* --- what can be told ---------------------------------------------------------------------- */

uint64_t sk_node_network_restored(const struct sk_node *node)
{
    return node->network_restored;
}

void sk_node_report_network(struct sk_node *node, struct sk_sandbox *s, struct sk_network_report *out,
                            struct sk_done *done)
{
    const struct sk_sandbox_network *n = &s->network;

    *out = (struct sk_network_report){
        .has_place = n->has_place,
        .names_asked = n->names_asked,
        .names_denied = n->names_denied,
    };
    out->denial_count = sk_denial_ring_copy(&n->denials, out->denials);
    if (n->has_place) {
        out->place = n->place;
        node->network->ops->counts(node->network, s->record->id, &out->counts, done);
    } else {
        sk_done_later(node->loop, done, NULL);
    }
}
