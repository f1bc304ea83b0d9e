#include "core/teardown.h"

#include "core/network_impl.h"
#include "core/ward.h"

/* Longer than a healthy driver ever takes, short enough to try again soon. */
#define STEP_LIMIT SK_SEC(15)

static struct sk_ward *ward(struct sk_op *op, struct sk_done *done)
{
    struct sk_teardown *t = sk_container_of(op, struct sk_teardown, op);
    return sk_ward_new(t->node, t->id, STEP_LIMIT, done);
}

static void delete_task(struct sk_op *op, struct sk_done *done)
{
    struct sk_ward *w = ward(op, done);
    w->node->runtime->ops->delete_task(w->node->runtime, w->id, &w->inner);
}

static void settle_guest(struct sk_op *op, struct sk_done *done)
{
    struct sk_teardown *t = sk_container_of(op, struct sk_teardown, op);
    t->task_gone(t, done);
}

static void close_network(struct sk_op *op, struct sk_done *done)
{
    struct sk_teardown *t = sk_container_of(op, struct sk_teardown, op);
    sk_network_close(t->node, t->id, done);
}

static void delete_container(struct sk_op *op, struct sk_done *done)
{
    struct sk_ward *w = ward(op, done);
    w->node->runtime->ops->delete_container(w->node->runtime, w->id, &w->inner);
}

static void remove_rootfs(struct sk_op *op, struct sk_done *done)
{
    struct sk_ward *w = ward(op, done);
    w->node->runtime->ops->remove_rootfs(w->node->runtime, w->id, &w->inner);
}

/* clang-format off */
static const struct sk_step steps[] = {
    {"task", delete_task, NULL},
    {"guest", settle_guest, NULL},
    {"network", close_network, NULL},
    {"container", delete_container, NULL},
    {"rootfs", remove_rootfs, NULL},
    {0},
};
/* clang-format on */

void sk_teardown_start(struct sk_teardown *teardown, struct sk_node *node, const char *id,
                       void (*task_gone)(struct sk_teardown *teardown, struct sk_done *done),
                       struct sk_done *done)
{
    *teardown = (struct sk_teardown){.node = node, .id = id, .task_gone = task_gone, .op.flow = "teardown"};
    sk_op_start(&teardown->op, node->loop, node->log, steps, (struct sk_instant){0}, done);
}

void sk_teardown_forget_guest(struct sk_teardown *teardown, struct sk_done *done)
{
    static const struct sk_guest_events deaf = {0};
    struct sk_agent *agent = teardown->node->agent;
    struct sk_guest *guest = NULL;

    if (agent->ops->open(agent, teardown->id, &deaf, NULL, &guest, NULL) == SK_OK)
        agent->ops->close(guest, true);
    sk_done_later(teardown->node->loop, done, NULL);
}

void sk_teardown_cancel(struct sk_teardown *teardown)
{
    sk_op_cancel(&teardown->op, NULL);
}
