#include "core/sandbox_impl.h"

struct sk_network_flow *sk_network_flow_of(struct sk_op *op)
{
    return sk_container_of(op, struct sk_network_flow, op);
}

static bool is_first(const struct sk_network_flow *flow)
{
    return flow->sandbox->network.flows.next == &flow->link;
}

static void call_first(struct sk_sandbox *s)
{
    struct sk_list *flows = &s->network.flows;

    if (sk_list_is_empty(flows))
        return;
    struct sk_done *turn = sk_take(sk_list_entry(flows->next, struct sk_network_flow, link)->turn);
    if (!turn)
        return; /* it is being given up */
    turn->cancel = NULL;
    sk_done_later(s->node->loop, turn, NULL);
}

static void cancel_turn(struct sk_done *done)
{
    struct sk_network_flow *flow = done->callee;
    struct sk_err err = {0};

    done->cancel = NULL;
    flow->turn = NULL;
    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_done_later(flow->sandbox->node->loop, done, &err);
}

void sk_network_await_turn(struct sk_op *op, struct sk_done *done)
{
    struct sk_network_flow *flow = sk_network_flow_of(op);

    if (is_first(flow)) {
        sk_done_later(op->loop, done, NULL);
        return;
    }
    flow->turn = done;
    done->callee = flow;
    done->cancel = cancel_turn;
}

static void on_whole(struct sk_done *whole, const struct sk_err *err)
{
    struct sk_network_flow *flow = sk_container_of(whole, struct sk_network_flow, whole);
    struct sk_sandbox *s = flow->sandbox;

    bool was_first = is_first(flow);
    sk_list_remove(&flow->link);
    if (was_first)
        call_first(s);
    flow->over(flow, err);
    sk_sandbox_unhold(s);
}

static void on_undo_error(struct sk_op *op, const struct sk_step *step, const struct sk_err *err)
{
    struct sk_sandbox *s = sk_network_flow_of(op)->sandbox;

    sk_log_err(sk_sandbox_log(s), SK_WARN, "network.undo_failed", err, SK_STR("step", step->name));
    sk_network_restore_later(s);
}

void sk_network_flow_start(struct sk_network_flow *flow, struct sk_sandbox *s, const char *name,
                           const struct sk_step *steps)
{
    sk_sandbox_hold(s);
    flow->sandbox = s;
    sk_list_append(&s->network.flows, &flow->link);
    sk_done_init(&flow->whole, on_whole);
    flow->op.flow = name;
    flow->op.on_undo_error = on_undo_error;
    sk_op_start(&flow->op, s->node->loop, sk_sandbox_log(s), steps, (struct sk_instant){0}, &flow->whole);
}

void sk_network_cancel_flows(struct sk_sandbox *s, const struct sk_err *why)
{
    sk_list_each(&s->network.flows, link)
        sk_op_cancel(&sk_list_entry(link, struct sk_network_flow, link)->op, why);
}
