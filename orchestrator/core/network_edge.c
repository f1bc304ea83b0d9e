#include "core/sandbox_impl.h"

struct telling {
    struct sk_done inner, *outer;
    struct sk_sandbox *sandbox; /* the flow's */
    bool leaves;                /* the edge is to know nothing of it any more */
};

/* --- what the edge has to know ------------------------------------------------------ */

static bool has_names(const struct sk_net_policy *policy)
{
    for (size_t i = 0; i < policy->egress_count; i++) {
        if (policy->egress[i].peer == SK_NET_NAME)
            return true;
    }
    return false;
}

static bool fill_door(const struct sk_sandbox *s, const struct sk_net_service *service,
                      struct sk_arena *arena, struct sk_edge_door *out_door)
{
    const struct sk_network_config *config = &s->node->config.network;

    if (service->visibility != SK_NET_PUBLIC || service->protocol != SK_NET_TCP)
        return false;
    *out_door = (struct sk_edge_door){.port = service->port, .timeout_s = service->timeout_s};
    if (!service->has_endpoint)
        out_door->node_port = service->node_port;
    else if (config->domain && config->domain[0])
        out_door->host = sk_arena_printf(arena, "%s-%u.%s", s->record->id, service->port, config->domain);
    return out_door->node_port || out_door->host;
}

static void fill_box(struct sk_sandbox *s, const struct sk_net_policy *policy, struct sk_arena *arena,
                     struct sk_edge_box *out_box)
{
    const struct sk_network_place *place = &s->network.place;
    struct sk_edge_door *doors = sk_arena_alloc(arena, (policy->service_count + 1) * sizeof(*doors));
    size_t count = 0;

    for (size_t i = 0; i < policy->service_count; i++)
        count += fill_door(s, &policy->services[i], arena, &doors[count]);
    *out_box = (struct sk_edge_box){
        .id = s->record->id,
        .ipv4 = place->ipv4,
        .ipv6 = place->ipv6,
        .has_ipv6 = place->has_ipv6,
        .doors = doors,
        .door_count = count,
        .policy = policy,
    };
}

/* --- telling it ------------------------------------------------------------------------ */

static void on_told(struct sk_done *inner, const struct sk_err *err)
{
    struct telling *t = sk_container_of(inner, struct telling, inner);
    struct sk_done *outer = t->outer;
    struct sk_sandbox *s = t->sandbox;

    if (t->leaves && !err)
        s->network.at_edge = false;
    free(t);
    outer->cancel = NULL;
    if (err && err->code == SK_UNAVAILABLE) {
        sk_log_err(sk_sandbox_log(s), SK_WARN, "network.edge_away", err);
        err = NULL;
    }
    sk_done_fire(outer, err);
}

static void cancel(struct sk_done *outer)
{
    struct telling *t = outer->callee;
    sk_done_cancel(&t->inner);
}

void sk_network_tell_edge(struct sk_sandbox *s, const struct sk_net_policy *policy, struct sk_done *done)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_edge *edge = s->node->edge;
    struct sk_edge_box box;

    fill_box(s, policy, &arena, &box);
    bool leaves = !box.door_count && !has_names(policy);
    if (!edge || (leaves && !s->network.at_edge)) {
        sk_done_later(s->node->loop, done, NULL);
        return;
    }
    struct telling *t = sk_alloc(sizeof(*t));
    t->outer = done;
    t->sandbox = s;
    t->leaves = leaves;
    done->callee = t;
    done->cancel = cancel;
    s->network.at_edge = true;
    sk_done_init(&t->inner, on_told);
    if (leaves)
        edge->ops->remove(edge, box.id, &t->inner);
    else
        edge->ops->set(edge, &box, &t->inner);
}
