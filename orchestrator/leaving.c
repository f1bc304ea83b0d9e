#include "leaving.h"

#include "core/shutdown.h"
#include "notify.h"

#include <stdio.h>

/* The manager kills who is silent for longer than it said last (TimeoutStopSec at first). */
#define NEWS_EVERY SK_SEC(2)
#define NEWS_LASTS SK_SEC(15)

static void on_news(struct sk_timer *timer);

static void tell(struct sk_leaving *leaving)
{
    struct sk_shutdown_status left = sk_shutdown_status(leaving->node);
    char text[128];

    (void)snprintf(text, sizeof(text),
                   "EXTEND_TIMEOUT_USEC=%lld\nSTATUS=Stopping: waits for %zu calls, %zu sandboxes",
                   (long long)(NEWS_LASTS.ns / 1000), left.calls, left.sandboxes);
    sk_notify(text);
    sk_timer_start(leaving->loop, &leaving->news, sk_instant_add(sk_loop_now(leaving->loop), NEWS_EVERY),
                   on_news);
}

static void on_news(struct sk_timer *timer)
{
    tell(sk_container_of(timer, struct sk_leaving, news));
}

static void on_done(struct sk_done *done, const struct sk_err *err)
{
    struct sk_leaving *leaving = sk_container_of(done, struct sk_leaving, done);

    (void)err;
    tell(leaving); /* what follows takes its time, too */
    sk_timer_stop(leaving->loop, &leaving->news);
    leaving->over(leaving);
}

void sk_leave(struct sk_leaving *leaving, struct sk_loop *loop, struct sk_node *node,
              void (*over)(struct sk_leaving *leaving))
{
    if (leaving->is_under_way) {
        sk_shutdown_hurry(node);
        return;
    }
    *leaving = (struct sk_leaving){.loop = loop, .node = node, .over = over, .is_under_way = true};
    sk_done_init(&leaving->done, on_done);
    sk_notify("STOPPING=1");
    sk_node_shutdown(node, &leaving->done);
    tell(leaving);
}
