#include "core/answer.h"

#include "core/create.h"
#include "core/session_impl.h"

struct answer {
    struct sk_list link;        /* node->answers, once it is held back */
    struct sk_sandbox *sandbox; /* a reference */
    enum sk_state until;
    struct sk_duration patience;
    bool is_new;
    struct sk_sandbox **out; /* NULL = nobody asks */
    struct sk_done *done;
    struct sk_done stored;
    struct sk_watcher watcher;
    struct sk_timer timer;
};

static void give(struct answer *a, const struct sk_err *err)
{
    struct sk_sandbox *s = a->sandbox;
    struct sk_node *node = s->node;
    struct sk_done *done = a->done;

    sk_list_remove(&a->link);
    sk_timer_stop(node->loop, &a->timer);
    sk_watcher_stop(&a->watcher);
    if (!err && a->out)
        *a->out = s;
    free(a);
    sk_done_fire(done, err);
    sk_sandbox_unref(s);
    sk_node_unhold(node);
}

static void on_there(struct sk_watcher *watcher)
{
    give(sk_container_of(watcher, struct answer, watcher), NULL);
}

static void on_timer(struct sk_timer *timer)
{
    give(sk_container_of(timer, struct answer, timer), NULL);
}

static void hold_back(struct answer *a)
{
    struct sk_node *node = a->sandbox->node;

    if (node->stopping) {
        give(a, NULL);
        return;
    }
    sk_list_append(&node->answers, &a->link);
    sk_sandbox_watch(a->sandbox, &a->watcher, a->until, on_there);
    sk_timer_start(node->loop, &a->timer, sk_instant_add(sk_loop_now(node->loop), a->patience), on_timer);
}

static void begin(struct sk_sandbox *s)
{
    if (s->node->stopping || sk_session_missed(s))
        return;
    if (s->state == SK_STATE_CREATING) /* else its end came first */
        sk_create_start(s, false);
}

static void on_stored(struct sk_done *stored, const struct sk_err *err)
{
    struct answer *a = sk_container_of(stored, struct answer, stored);
    struct sk_sandbox *s = a->sandbox;

    if (err && a->is_new)
        sk_node_withdraw(s->node, s);
    if (err) {
        give(a, err);
        return;
    }
    if (a->is_new)
        begin(s);
    if (s->state == SK_STATE_PENDING)
        give(a, NULL); /* it waits for its first use, not for a client */
    else
        hold_back(a);
}

static void cancel(struct sk_done *done)
{
    struct answer *a = done->callee;
    struct sk_node *node = a->sandbox->node;

    /* The sandbox goes on; only the waiting ends. Before the record is stored there is nothing to hurry. */
    if (sk_list_is_linked(&a->link))
        sk_timer_start(node->loop, &a->timer, sk_loop_now(node->loop), on_timer);
}

static struct answer *new_answer(struct sk_sandbox *s, enum sk_state until, struct sk_duration patience,
                                 struct sk_done *done)
{
    struct answer *a = sk_alloc(sizeof(*a));

    a->sandbox = sk_sandbox_ref(s);
    a->until = until;
    a->patience = patience;
    a->done = done;
    done->callee = a;
    done->cancel = cancel;
    sk_node_hold(s->node);
    sk_done_init(&a->stored, on_stored);
    return a;
}

void sk_answer_create(struct sk_sandbox *s, bool is_new, struct sk_sandbox **out_sandbox,
                      struct sk_done *done)
{
    struct answer *a = new_answer(s, SK_STATE_RUNNING, s->node->config.create_hold, done);

    a->is_new = is_new;
    a->out = out_sandbox;
    if (is_new)
        sk_sandbox_save(s, &a->stored);
    else
        sk_sandbox_await_saved(s, &a->stored);
}

void sk_answer_delete(struct sk_sandbox *s, struct sk_done *done)
{
    struct answer *a = new_answer(s, SK_STATE_COMPLETED, s->node->config.delete_hold, done);

    sk_sandbox_save(s, &a->stored); /* together with the move, if there was one */
}

void sk_answers_stop(struct sk_node *node)
{
    sk_list_each(&node->answers, link) sk_done_cancel(sk_list_entry(link, struct answer, link)->done);
}
