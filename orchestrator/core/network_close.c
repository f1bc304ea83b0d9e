#include "core/sandbox_impl.h"
#include "core/ward.h"

#define STEP_LIMIT SK_SEC(15) /* as in teardown.c */

struct closing {
    struct sk_op op;
    struct sk_done whole;
    struct sk_node *node;
    char id[SK_ID_MAX + 40];
    bool is_at_edge;
    struct sk_done left; /* the edge has answered */
    struct sk_done *step, *outer;
};

static struct closing *of(struct sk_op *op)
{
    return sk_container_of(op, struct closing, op);
}

/* --- steps ---------------------------------------------------------------------- */

static void on_left(struct sk_done *left, const struct sk_err *err)
{
    struct closing *c = sk_container_of(left, struct closing, left);

    c->step->cancel = NULL;
    if (err && err->code != SK_CANCELLED)
        sk_log_err(c->node->log, SK_WARN, "network.edge_resists", err, SK_STR("sandbox", c->id));
    sk_done_fire(c->step, NULL);
}

static void cancel_leaving(struct sk_done *done)
{
    struct closing *c = done->callee;
    sk_done_cancel(&c->left);
}

static void leave_edge(struct sk_op *op, struct sk_done *done)
{
    struct closing *c = of(op);
    struct sk_edge *edge = c->node->edge;

    if (!c->is_at_edge) {
        sk_done_later(op->loop, done, NULL);
        return;
    }
    c->step = done;
    done->callee = c;
    done->cancel = cancel_leaving;
    sk_done_init(&c->left, on_left);
    struct sk_ward *w = sk_ward_new(c->node, c->id, STEP_LIMIT, &c->left);
    edge->ops->remove(edge, w->id, &w->inner);
}

static void detach(struct sk_op *op, struct sk_done *done)
{
    struct closing *c = of(op);
    struct sk_network *network = c->node->network;
    struct sk_ward *w = sk_ward_new(c->node, c->id, STEP_LIMIT, done);

    network->ops->detach(network, w->id, &w->inner);
}

static const struct sk_step steps[] = {
    {"edge", leave_edge, NULL},
    {"detach", detach, NULL},
    {0},
};

/* --- the whole ------------------------------------------------------------------- */

static void abandon(struct sk_sandbox *s)
{
    struct sk_err why = {0};

    s->network.is_over = true;
    sk_timer_stop(s->node->loop, &s->network.again);
    (void)sk_fail(&why, SK_FAILED_PRECONDITION, "the sandbox has ended");
    sk_network_cancel_flows(s, &why);
    sk_network_unsettle(s);
    s->network.at_edge = false;
}

static void on_whole(struct sk_done *whole, const struct sk_err *err)
{
    struct closing *c = sk_container_of(whole, struct closing, whole);
    struct sk_done *outer = c->outer;
    struct sk_node *node = c->node;

    free(c);
    outer->cancel = NULL;
    sk_done_fire(outer, err);
    sk_node_unhold(node);
}

static void cancel(struct sk_done *outer)
{
    struct closing *c = outer->callee;
    sk_op_cancel(&c->op, NULL);
}

void sk_network_close(struct sk_node *node, const char *id, struct sk_done *done)
{
    struct closing *c = sk_alloc(sizeof(*c));
    struct sk_sandbox *s = sk_node_find_any(node, id);

    (void)snprintf(c->id, sizeof(c->id), "%s", id);
    c->node = node;
    /* Of what an earlier daemon told the edge nothing is known, unless this one has opened the network. */
    c->is_at_edge = node->edge && (!s || !s->network.has_place || s->network.at_edge);
    if (s)
        abandon(s);
    c->outer = done;
    done->callee = c;
    done->cancel = cancel;
    c->op.flow = "network_close";
    sk_node_hold(node);
    sk_done_init(&c->whole, on_whole);
    sk_op_start(&c->op, node->loop, node->log, steps, (struct sk_instant){0}, &c->whole);
}

void sk_network_stop(struct sk_sandbox *s)
{
    struct sk_err why = {0};

    sk_timer_stop(s->node->loop, &s->network.again);
    sk_node_stopping_err(&why);
    sk_network_cancel_flows(s, &why);
}
