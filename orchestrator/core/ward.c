#include "core/ward.h"

#include <stdio.h>

static void answer(struct sk_ward *ward, const struct sk_err *err)
{
    struct sk_done *outer = sk_take(ward->outer);

    sk_timer_stop(ward->node->loop, &ward->limit);
    if (!outer)
        return;
    outer->cancel = NULL;
    sk_done_fire(outer, err);
}

static void on_answer(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_ward *ward = sk_container_of(inner, struct sk_ward, inner);
    struct sk_node *node = ward->node;

    answer(ward, err);
    free(ward);
    sk_node_unhold(node);
}

static void on_limit(struct sk_timer *timer)
{
    struct sk_ward *ward = sk_container_of(timer, struct sk_ward, limit);
    struct sk_err err = {0};

    (void)sk_fail(&err, SK_DEADLINE_EXCEEDED, "the driver did not answer in time");
    sk_done_cancel(&ward->inner);
    answer(ward, &err);
}

static void on_cancel(struct sk_done *outer)
{
    struct sk_ward *ward = outer->callee;
    struct sk_err err = {0};

    outer->cancel = NULL;
    ward->outer = NULL;
    sk_timer_stop(ward->node->loop, &ward->limit);
    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_done_later(ward->node->loop, outer, &err);
    sk_done_cancel(&ward->inner);
}

struct sk_ward *sk_ward_new(struct sk_node *node, const char *id, struct sk_duration limit,
                            struct sk_done *done)
{
    struct sk_ward *ward = sk_alloc(sizeof(*ward));

    (void)snprintf(ward->id, sizeof(ward->id), "%s", id);
    ward->node = node;
    ward->outer = done;
    sk_done_init(&ward->inner, on_answer);
    done->callee = ward;
    done->cancel = on_cancel;
    sk_timer_start(node->loop, &ward->limit, sk_instant_add(sk_loop_now(node->loop), limit), on_limit);
    sk_node_hold(node);
    return ward;
}
