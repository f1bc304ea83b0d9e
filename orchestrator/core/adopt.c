/* adopt.c: a sandbox found alive after a restart gets its guest back. */
#include "core/exec_impl.h"
#include "core/file_impl.h"
#include "core/recover.h"
#include "core/remove.h"

/* A living guest tries to connect several times a second. */
#define GUEST_LIMIT SK_SEC(10)

struct sk_adoption {
    struct sk_sandbox *sandbox; /* a reference */
    struct sk_done awaited;
    struct sk_timer limit;
};

static void free_adoption(struct sk_adoption *a)
{
    struct sk_sandbox *s = a->sandbox;
    struct sk_node *node = s->node;

    sk_timer_stop(node->loop, &a->limit);
    free(a);
    sk_sandbox_unref(s);
    sk_node_unhold(node);
}

static void settle(struct sk_sandbox *s)
{
    if (s->main.ended)
        sk_main_exited(s, s->main.status); /* it was reported while this was waiting */
    if (s->state != SK_STATE_RUNNING)
        sk_removal_start(s); /* harmless if it has begun */
    else if (s->main.ended)
        return; /* its verdict is on the way */
    else if (!s->guest_ready)
        sk_sandbox_break(s, "the sandbox's guest did not come back after the daemon's restart");
    else if (!s->main.started)
        sk_sandbox_break(s, "the sandbox's main process was lost while the daemon was away");
    sk_execs_poke(s);
    sk_files_poke(s);
}

static void on_awaited(struct sk_done *done, const struct sk_err *err)
{
    struct sk_adoption *a = sk_container_of(done, struct sk_adoption, awaited);
    struct sk_sandbox *s = a->sandbox;

    s->adoption = NULL;
    s->guest_ready = !err;
    s->settled = sk_loop_now(s->node->loop);
    if (err)
        sk_log_err(sk_sandbox_log(s), SK_WARN, "sandbox.not_adopted", err);
    if (!s->node->stopping) {
        settle(s);
    } else {
        sk_sandbox_close_guest(s, false);
        sk_execs_stop(s);
        sk_files_stop(s);
    }
    free_adoption(a);
}

static void on_limit(struct sk_timer *timer)
{
    sk_done_cancel(&sk_container_of(timer, struct sk_adoption, limit)->awaited);
}

void sk_adoption_start(struct sk_sandbox *s, int pid)
{
    struct sk_node *node = s->node;
    struct sk_adoption *a = sk_alloc(sizeof(*a));
    struct sk_err err = {0};

    a->sandbox = sk_sandbox_ref(s);
    s->adoption = a;
    sk_node_hold(node);
    sk_done_init(&a->awaited, on_awaited);
    if (sk_sandbox_open_guest(s, &err) != SK_OK) {
        sk_done_later(node->loop, &a->awaited, &err);
        return;
    }
    sk_timer_start(node->loop, &a->limit, sk_instant_add(sk_loop_now(node->loop), GUEST_LIMIT), on_limit);
    node->agent->ops->await(s->guest, pid, &a->awaited);
}

void sk_adoption_cancel(struct sk_sandbox *s)
{
    if (s->adoption)
        sk_done_cancel(&s->adoption->awaited);
}
