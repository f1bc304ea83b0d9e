#include "core/main_drain.h"

#include <sys/ioctl.h>

#define SILENCE SK_MSEC(200)
#define EXTRA   SK_SEC(1)
#define LIMIT   SK_SEC(10)

void sk_main_drain_finish(struct sk_main_drain *drain)
{
    struct sk_done *done = sk_take(drain->done);

    if (!done)
        return;
    sk_timer_stop(drain->loop, &drain->silence);
    sk_done_later(drain->loop, done, NULL);
}

static void on_silence(struct sk_timer *timer);

static void listen(struct sk_main_drain *drain)
{
    struct sk_instant now = sk_loop_now(drain->loop);
    struct sk_instant at = sk_instant_min(sk_instant_add(now, SILENCE), drain->limit);

    if (drain->owed <= 0 && !sk_instant_is_set(drain->until))
        drain->until = sk_instant_add(now, EXTRA);
    sk_timer_start(drain->loop, &drain->silence, sk_instant_min(at, drain->until), on_silence);
}

/* While something is owed, silence is the disk's. */
static void on_silence(struct sk_timer *timer)
{
    struct sk_main_drain *drain = sk_container_of(timer, struct sk_main_drain, silence);

    if (drain->owed > 0 && sk_loop_now(drain->loop).ns < drain->limit.ns)
        listen(drain);
    else
        sk_main_drain_finish(drain);
}

static void cancel(struct sk_done *done)
{
    sk_main_drain_finish(done->callee);
}

void sk_main_drain_start(struct sk_main_drain *drain, struct sk_loop *loop, int pipe_fd, struct sk_done *done)
{
    int waiting = 0;

    *drain = (struct sk_main_drain){.loop = loop, .done = done};
    drain->limit = sk_instant_add(sk_loop_now(loop), LIMIT);
    done->callee = drain;
    done->cancel = cancel;
    if (pipe_fd < 0) {
        sk_main_drain_finish(drain);
        return;
    }
    (void)ioctl(pipe_fd, FIONREAD, &waiting);
    drain->owed = waiting;
    listen(drain);
}

void sk_main_drain_moved(struct sk_main_drain *drain, size_t len)
{
    if (!drain->done || len == 0)
        return;
    drain->owed -= (int64_t)len;
    listen(drain);
}
