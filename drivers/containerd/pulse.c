#include "drivers/containerd/pulse.h"

#include "containerd/types.pb-c.h"
#include "drivers/containerd/client.h"

#define ASK_EVERY SK_SEC(3)
#define ASK_AGAIN SK_MSEC(250)
/* It tells its version from memory: only one that is stopped, or starved, takes so long. */
#define ASK_LIMIT SK_SEC(5)

static void ask(struct sk_pulse *p);

static void on_timer(struct sk_timer *timer)
{
    ask(sk_container_of(timer, struct sk_pulse, timer));
}

static void arm(struct sk_pulse *p)
{
    struct sk_loop *loop = p->client->loop;
    struct sk_duration pause = p->down ? ASK_AGAIN : ASK_EVERY;

    sk_timer_start(loop, &p->timer, sk_instant_add(sk_loop_now(loop), pause), on_timer);
}

static void set_down(struct sk_pulse *p, bool down, const struct sk_err *err)
{
    if (p->down == down)
        return;
    p->down = down;
    if (down)
        sk_log_err(p->client->log, SK_WARN, "containerd.away", err);
    else
        sk_log(p->client->log, SK_INFO, "containerd.back");
    p->fn(p->arg, !down);
}

static void tell_ears(struct sk_pulse *p)
{
    struct sk_list ears;
    struct sk_list *node;

    sk_list_init(&ears);
    while ((node = sk_list_pop(&p->ears)))
        sk_list_append(&ears, node);
    while ((node = sk_list_pop(&ears))) {
        struct sk_pulse_ear *ear = sk_list_entry(node, struct sk_pulse_ear, link);
        ear->fn(ear);
    }
}

/* Whatever else it says, it lives. */
static bool is_silence(const struct sk_err *err)
{
    return err && (err->code == SK_UNAVAILABLE || err->code == SK_DEADLINE_EXCEEDED);
}

static void on_felt(struct sk_done *felt, const struct sk_err *err)
{
    struct sk_pulse *p = sk_container_of(felt, struct sk_pulse, felt);

    p->asking = false;
    if (!p->closed) {
        set_down(p, is_silence(err), err);
        arm(p);
    }
    tell_ears(p);
}

static void ask(struct sk_pulse *p)
{
    Containerd__Empty request = CONTAINERD__EMPTY__INIT;

    if (p->asking || p->closed)
        return;
    p->asking = true;
    sk_timer_stop(p->client->loop, &p->timer);
    sk_done_init(&p->felt, on_felt);
    sk_ctd_call(p->client,
                &(struct sk_ctd_ask){.method = SK_CTD_VERSION, .limit = ASK_LIMIT, .can_cancel = true},
                &request.base, &p->felt);
}

void sk_pulse_open(struct sk_pulse *p, struct sk_ctd_client *client, void (*fn)(void *arg, bool up),
                   void *arg)
{
    *p = (struct sk_pulse){.client = client, .fn = fn, .arg = arg};
    sk_list_init(&p->ears);
    ask(p);
}

void sk_pulse_close(struct sk_pulse *p)
{
    p->closed = true;
    sk_timer_stop(p->client->loop, &p->timer);
    if (p->asking)
        sk_done_cancel(&p->felt);
}

void sk_pulse_broken(struct sk_pulse *p)
{
    struct sk_err err = {0};

    if (p->closed)
        return;
    (void)sk_fail(&err, SK_UNAVAILABLE, "the connection broke");
    set_down(p, true, &err);
    ask(p);
}

void sk_pulse_retell(struct sk_pulse *p)
{
    p->down = false;
    ask(p);
}

void sk_pulse_feel(struct sk_pulse *p, struct sk_pulse_ear *ear)
{
    sk_list_append(&p->ears, &ear->link);
    ask(p);
}
