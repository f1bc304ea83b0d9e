#include "core/sandbox_impl.h"

#define PAUSE_FIRST SK_SEC(1)
#define PAUSE_MOST  SK_SEC(60)

struct opening {
    struct sk_network_flow flow;
    struct sk_network_place place;
    struct sk_done *outer; /* NULL: after a restart */
};

static struct sk_sandbox *sandbox_of(struct sk_op *op)
{
    return sk_network_flow_of(op)->sandbox;
}

static struct opening *of(struct sk_network_flow *flow)
{
    return sk_container_of(flow, struct opening, flow);
}

static void attach(struct sk_op *op, struct sk_done *done)
{
    struct opening *o = of(sk_network_flow_of(op));
    const struct sk_record *record = o->flow.sandbox->record;
    struct sk_network *network = o->flow.sandbox->node->network;

    network->ops->attach(network, record->id, sk_net_policy_is_closed(record->spec.network), &o->place, done);
}

static void settle(struct sk_op *op, struct sk_done *done)
{
    struct sk_err err = {0};
    enum sk_code code = sk_network_settle(sandbox_of(op), &of(sk_network_flow_of(op))->place, &err);

    sk_done_later(op->loop, done, code == SK_OK ? NULL : &err);
}

/* Where there is no link there is nothing to let through, and no door to it. */
static void apply(struct sk_op *op, struct sk_done *done)
{
    struct sk_sandbox *s = sandbox_of(op);
    struct sk_network *network = s->node->network;

    if (s->network.place.is_closed)
        sk_done_later(op->loop, done, NULL);
    else
        network->ops->apply(network, s->record->id, s->record->spec.network, done);
}

static void tell_edge(struct sk_op *op, struct sk_done *done)
{
    struct sk_sandbox *s = sandbox_of(op);

    if (s->network.place.is_closed)
        sk_done_later(op->loop, done, NULL);
    else
        sk_network_tell_edge(s, s->record->spec.network, done);
}

static const struct sk_step steps[] = {
    {"turn", sk_network_await_turn, NULL},
    {"attach", attach, NULL},
    {"place", settle, NULL},
    {"rules", apply, NULL},
    {"edge", tell_edge, NULL},
    {0},
};

/* --- for a create --------------------------------------------------------------- */

static void opened(struct sk_network_flow *flow, const struct sk_err *err)
{
    struct sk_done *outer = of(flow)->outer;
    struct sk_err why;

    free(of(flow));
    outer->cancel = NULL;
    if (err) {
        why = *err;
        (void)sk_err_wrap(&why, "cannot give the sandbox its network");
    }
    sk_done_fire(outer, err ? &why : NULL);
}

static void cancel(struct sk_done *outer)
{
    struct opening *o = outer->callee;
    sk_op_cancel(&o->flow.op, NULL);
}

void sk_network_open(struct sk_sandbox *s, struct sk_done *done)
{
    struct opening *o = sk_alloc(sizeof(*o));

    s->network.is_over = false;
    o->outer = done;
    o->flow.over = opened;
    done->callee = o;
    done->cancel = cancel;
    sk_network_flow_start(&o->flow, s, "network_open", steps);
}

/* --- after a restart -------------------------------------------------------------- */

static void on_again(struct sk_timer *timer)
{
    sk_network_restore(sk_container_of(timer, struct sk_sandbox, network.again));
}

void sk_network_restore_later(struct sk_sandbox *s)
{
    struct sk_sandbox_network *n = &s->network;
    struct sk_loop *loop = s->node->loop;

    if (n->is_over || s->node->stopping)
        return;
    n->pause = n->pause.ns ? sk_duration_double(n->pause, PAUSE_MOST) : PAUSE_FIRST;
    sk_timer_start(loop, &n->again, sk_instant_add(sk_loop_now(loop), n->pause), on_again);
}

static void restored(struct sk_network_flow *flow, const struct sk_err *err)
{
    struct sk_sandbox *s = flow->sandbox;

    free(of(flow));
    if (!err)
        s->network.pause = SK_NS(0);
    if (!err || s->network.is_over || s->node->stopping)
        return;
    sk_log_err(sk_sandbox_log(s), SK_WARN, "network.not_restored", err);
    sk_network_restore_later(s);
}

void sk_network_restore(struct sk_sandbox *s)
{
    if (!s->record->spec.network)
        return; /* of a daemon that knew no networks */
    struct opening *o = sk_alloc(sizeof(*o));
    s->network.at_edge = true;
    o->flow.over = restored;
    sk_network_flow_start(&o->flow, s, "network_again", steps);
}
