#include "core/activity.h"

#include "core/when.h"

#include <assert.h>
#include <stdio.h>

/* What a main process gets to finish. */
#define LAST_GRACE SK_SEC(10)

static void on_idle(struct sk_timer *timer)
{
    struct sk_sandbox *s = sk_container_of(timer, struct sk_sandbox, idle);
    char reason[96], when[SK_WHEN_MAX];

    sk_series_add(s->node->meters.expired[SK_EXPIRED_IDLE], 1);
    sk_when_print(sk_loop_wall(s->node->loop), when);
    (void)snprintf(reason, sizeof(reason), "it was idle for %d s (%s)", (int)s->record->idle_timeout_seconds,
                   when);
    sk_sandbox_end(s, LAST_GRACE, reason);
}

void sk_activity_begin(struct sk_sandbox *s)
{
    struct sk_loop *loop = s->node->loop;
    struct sk_duration timeout = SK_SEC(s->record->idle_timeout_seconds);

    if (timeout.ns > 0 && s->users == 0 && s->state == SK_STATE_RUNNING && !s->node->stopping)
        sk_timer_start(loop, &s->idle, sk_instant_add(sk_loop_now(loop), timeout), on_idle);
}

void sk_activity_end(struct sk_sandbox *s)
{
    sk_timer_stop(s->node->loop, &s->idle);
}

void sk_activity_attach(struct sk_sandbox *s)
{
    s->users++;
    sk_activity_end(s);
    if (s->state == SK_STATE_PENDING && !s->node->stopping)
        sk_sandbox_begin(s);
}

void sk_activity_detach(struct sk_sandbox *s)
{
    assert(s->users > 0);
    s->users--;
    sk_activity_begin(s);
}
