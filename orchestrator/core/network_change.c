#include "core/sandbox_impl.h"

#include <assert.h>

struct change {
    struct sk_network_flow flow;
    struct sk_arena arena;
    const struct sk_net_policy *now, *next; /* the arena's */
    const uint8_t *echo_now, *echo_next;
    size_t echo_now_len, echo_next_len;
    struct sk_done *outer;
};

static struct change *of(struct sk_op *op)
{
    return sk_container_of(op, struct change, flow.op);
}

static void answer(struct change *c, struct sk_done *done, const struct sk_err *err)
{
    sk_done_later(c->flow.op.loop, done, err && err->code != SK_OK ? err : NULL);
}

/* --- steps ---------------------------------------------------------------------------- */

/* Until it has a place its rules are only on record: the create puts them in force. */
static enum sk_code check(const struct sk_sandbox *s, struct sk_err *err)
{
    const struct sk_sandbox_network *n = &s->network;

    if (sk_state_is_final(s->state) || (n->is_over && s->state > SK_STATE_CREATING))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the sandbox has ended");
    if (!s->record->spec.network || (n->has_place && n->place.is_closed))
        return sk_fail(err, SK_FAILED_PRECONDITION,
                       "the sandbox was made without a network, and can have none any more");
    if (!n->has_place && s->state > SK_STATE_CREATING)
        return sk_fail(err, SK_UNAVAILABLE, "the sandbox's network is being taken up again: try again soon");
    return SK_OK;
}

static void remember(struct change *c)
{
    const struct sk_spec *spec = &c->flow.sandbox->record->spec;

    c->now = sk_net_policy_copy(&c->arena, spec->network);
    c->echo_now = sk_arena_memdup(&c->arena, spec->echo, spec->echo_len);
    c->echo_now_len = spec->echo_len;
}

static void look(struct sk_op *op, struct sk_done *done)
{
    struct change *c = of(op);
    struct sk_err err = {0};

    if (check(c->flow.sandbox, &err) == SK_OK)
        remember(c);
    answer(c, done, &err);
}

static void apply(struct change *c, const struct sk_net_policy *policy, struct sk_done *done)
{
    struct sk_sandbox *s = c->flow.sandbox;
    struct sk_network *network = s->node->network;

    if (s->network.has_place)
        network->ops->apply(network, s->record->id, policy, done);
    else
        answer(c, done, NULL);
}

static void apply_next(struct sk_op *op, struct sk_done *done)
{
    apply(of(op), of(op)->next, done);
}

static void apply_now(struct sk_op *op, struct sk_done *done)
{
    apply(of(op), of(op)->now, done);
}

static void tell_edge(struct change *c, const struct sk_net_policy *policy, struct sk_done *done)
{
    if (c->flow.sandbox->network.has_place)
        sk_network_tell_edge(c->flow.sandbox, policy, done);
    else
        answer(c, done, NULL);
}

static void tell_next(struct sk_op *op, struct sk_done *done)
{
    tell_edge(of(op), of(op)->next, done);
}

static void tell_now(struct sk_op *op, struct sk_done *done)
{
    tell_edge(of(op), of(op)->now, done);
}

static void record_next(struct sk_op *op, struct sk_done *done)
{
    struct change *c = of(op);
    struct sk_sandbox *s = c->flow.sandbox;

    sk_record_set_network(s->record, c->next, c->echo_next, c->echo_next_len);
    sk_sandbox_save(s, done);
}

static void record_now(struct sk_op *op, struct sk_done *done)
{
    struct change *c = of(op);
    struct sk_sandbox *s = c->flow.sandbox;

    sk_record_set_network(s->record, c->now, c->echo_now, c->echo_now_len);
    sk_sandbox_save(s, NULL);
    answer(c, done, NULL);
}

/* clang-format off */
static const struct sk_step steps[] = {
    {"turn", sk_network_await_turn, NULL},
    {"look", look, NULL},
    {"rules", apply_next, apply_now},
    {"edge", tell_next, tell_now},
    {"record", record_next, record_now},
    {0},
};
/* clang-format on */

/* --- the whole -------------------------------------------------------------------------- */

static void over(struct sk_network_flow *flow, const struct sk_err *err)
{
    struct change *c = sk_container_of(flow, struct change, flow);
    struct sk_done *outer = c->outer;

    if (err)
        sk_log_err(sk_sandbox_log(flow->sandbox), SK_WARN, "network.not_changed", err);
    else
        sk_log(sk_sandbox_log(flow->sandbox), SK_INFO, "network.changed");
    sk_arena_fini(&c->arena);
    free(c);
    sk_done_fire(outer, err);
}

void sk_node_set_network(struct sk_node *node, struct sk_sandbox *s, const struct sk_net_policy *policy,
                         const uint8_t *echo, size_t echo_len, struct sk_done *done)
{
    struct change *c = sk_alloc(sizeof(*c));
    struct sk_net_policy next = *policy;
    const struct sk_net_policy *made_with = s->record->spec.network;

    assert(node == s->node);
    if (made_with) {
        next.tenant = made_with->tenant;
        next.services = made_with->services;
        next.service_count = made_with->service_count;
    }
    c->next = sk_net_policy_copy(&c->arena, &next);
    c->echo_next = sk_arena_memdup(&c->arena, echo, echo_len);
    c->echo_next_len = echo_len;
    c->outer = done;
    c->flow.over = over;
    sk_network_flow_start(&c->flow, s, "network_change", steps);
}
