#include "core/admit.h"

#include "core/create.h"

struct admission {
    struct sk_list link;        /* node->admissions, once it holds */
    struct sk_sandbox *sandbox; /* a reference */
    bool is_new;
    struct sk_sandbox **out;
    struct sk_done *done;
    struct sk_done stored;
    struct sk_watcher watcher;
    struct sk_timer hold;
};

static void answer(struct admission *a, const struct sk_err *err)
{
    struct sk_sandbox *s = a->sandbox;
    struct sk_node *node = s->node;
    struct sk_done *done = a->done;

    sk_list_remove(&a->link);
    sk_timer_stop(node->loop, &a->hold);
    sk_watcher_stop(&a->watcher);
    if (!err)
        *a->out = s;
    free(a);
    sk_done_fire(done, err);
    sk_sandbox_unref(s);
    sk_node_unhold(node);
}

static void on_started(struct sk_watcher *watcher)
{
    answer(sk_container_of(watcher, struct admission, watcher), NULL);
}

static void on_hold(struct sk_timer *timer)
{
    answer(sk_container_of(timer, struct admission, hold), NULL);
}

static void hold(struct admission *a)
{
    struct sk_node *node = a->sandbox->node;

    if (node->stopping) {
        answer(a, NULL);
        return;
    }
    sk_list_append(&node->admissions, &a->link);
    sk_sandbox_watch_started(a->sandbox, &a->watcher, on_started);
    sk_timer_start(node->loop, &a->hold, sk_instant_add(sk_loop_now(node->loop), node->config.create_hold),
                   on_hold);
}

static void on_stored(struct sk_done *stored, const struct sk_err *err)
{
    struct admission *a = sk_container_of(stored, struct admission, stored);
    struct sk_sandbox *s = a->sandbox;

    if (err && a->is_new)
        sk_node_withdraw(s->node, s);
    if (err) {
        answer(a, err);
        return;
    }
    if (a->is_new && s->state == SK_STATE_CREATING && !s->node->stopping)
        sk_create_start(s, false);
    hold(a);
}

static void cancel(struct sk_done *done)
{
    struct admission *a = done->callee;
    struct sk_node *node = a->sandbox->node;

    /* The sandbox goes on; only the waiting ends. Before the record is stored there is nothing to hurry. */
    if (sk_list_is_linked(&a->link))
        sk_timer_start(node->loop, &a->hold, sk_loop_now(node->loop), on_hold);
}

void sk_admit(struct sk_sandbox *s, bool is_new, struct sk_sandbox **out_sandbox, struct sk_done *done)
{
    struct admission *a = sk_alloc(sizeof(*a));

    a->sandbox = sk_sandbox_ref(s);
    a->is_new = is_new;
    a->out = out_sandbox;
    a->done = done;
    done->callee = a;
    done->cancel = cancel;
    sk_node_hold(s->node);
    sk_done_init(&a->stored, on_stored);
    if (is_new)
        sk_sandbox_save(s, &a->stored);
    else
        sk_sandbox_await_saved(s, &a->stored);
}

void sk_admissions_stop(struct sk_node *node)
{
    sk_list_each(&node->admissions, link) sk_done_cancel(sk_list_entry(link, struct admission, link)->done);
}
