#include "core/patience.h"

static void ask(struct sk_patience *p);

static void give(struct sk_patience *p, const struct sk_err *err)
{
    p->outer->cancel = NULL;
    sk_done_fire(p->outer, err);
}

static void on_again(struct sk_task *task)
{
    struct sk_patience *p = sk_container_of(task, struct sk_patience, again);
    struct sk_err err = {0};

    if (!p->cancelled) {
        ask(p);
        return;
    }
    (void)sk_fail(&err, SK_CANCELLED, "cancelled while the sandbox runtime was away");
    give(p, &err);
}

static void again(struct sk_patience *p)
{
    sk_list_remove(&p->link);
    sk_loop_defer(p->node->loop, &p->again, on_again);
}

static bool was_away(const struct sk_patience *p, const struct sk_err *err)
{
    return err && (err->code == SK_UNAVAILABLE || err->code == SK_DEADLINE_EXCEEDED) &&
           (p->node->away || p->node->outages != p->outages);
}

static void on_answer(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_patience *p = sk_container_of(inner, struct sk_patience, inner);

    if (p->cancelled || !was_away(p, err))
        give(p, err);
    else if (p->node->away)
        sk_list_append(&p->node->patient, &p->link);
    else
        again(p);
}

static void cancel(struct sk_done *outer)
{
    struct sk_patience *p = outer->callee;

    p->cancelled = true;
    if (sk_list_is_linked(&p->link))
        again(p);
    else
        sk_done_cancel(&p->inner);
}

static void ask(struct sk_patience *p)
{
    p->outages = p->node->outages;
    sk_done_init(&p->inner, on_answer);
    p->ask(p->op, &p->inner);
}

void sk_patience_run(struct sk_patience *p, struct sk_node *node, struct sk_op *op,
                     void (*how)(struct sk_op *op, struct sk_done *done), struct sk_done *done)
{
    *p = (struct sk_patience){.node = node, .op = op, .ask = how, .outer = done};
    done->callee = p;
    done->cancel = cancel;
    ask(p);
}

void sk_patience_end_all(struct sk_node *node)
{
    sk_list_each(&node->patient, link) again(sk_list_entry(link, struct sk_patience, link));
}
