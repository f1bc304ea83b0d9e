#include "core/lifetime.h"

#include "core/when.h"

#include <stdio.h>

#define SWEEP_EVERY SK_SEC(5)
/* What a main process gets to finish when its time is over. */
#define LAST_GRACE SK_SEC(10)

static bool is_due(const struct sk_sandbox *s)
{
    return s->state == SK_STATE_RUNNING && sk_instant_is_set(s->record->deadline) &&
           sk_loop_now(s->node->loop).ns >= s->record->deadline.ns;
}

static void on_deadline(struct sk_timer *timer)
{
    struct sk_sandbox *s = sk_container_of(timer, struct sk_sandbox, deadline);
    char reason[96], when[SK_WHEN_MAX];

    if (!is_due(s))
        return;
    sk_series_add(s->node->meters.expired[SK_EXPIRED_LIFETIME], 1);
    sk_when_print(sk_loop_wall(s->node->loop), when);
    (void)snprintf(reason, sizeof(reason), "its lifetime of %d s ended (%s)",
                   (int)s->record->spec.max_lifetime_seconds, when);
    sk_sandbox_end(s, LAST_GRACE, reason);
}

static void start_timer(struct sk_sandbox *s)
{
    if (sk_instant_is_set(s->record->deadline))
        sk_timer_start(s->node->loop, &s->deadline, s->record->deadline, on_deadline);
}

void sk_lifetime_begin(struct sk_sandbox *s)
{
    struct sk_record *record = s->record;
    struct sk_loop *loop = s->node->loop;
    struct sk_duration life = SK_SEC(record->spec.max_lifetime_seconds);

    record->started = sk_loop_wall(loop);
    record->boot_id = s->node->boot_id; /* the node outlives the record */
    record->deadline = sk_instant_add(sk_loop_now(loop), life);
    record->deadline_wall = (struct sk_wall){record->started.ns + life.ns};
    start_timer(s);
}

struct sk_wall sk_sandbox_deadline(const struct sk_sandbox *s)
{
    const struct sk_record *record = s->record;

    if (!record->deadline_wall.ns || sk_state_is_final(record->state))
        return record->deadline_wall;
    return sk_node_wall(s->node, record->deadline);
}

void sk_lifetime_resume(struct sk_sandbox *s)
{
    struct sk_record *record = s->record;

    record->deadline = sk_node_instant(s->node, record->boot_id, record->deadline, record->deadline_wall);
    record->kill_at = sk_node_instant(s->node, record->boot_id, record->kill_at, record->kill_at_wall);
    record->boot_id = s->node->boot_id;
    if (s->state == SK_STATE_RUNNING)
        start_timer(s);
}

void sk_lifetime_end(struct sk_sandbox *s)
{
    sk_timer_stop(s->node->loop, &s->deadline);
}

static void on_sweep(struct sk_timer *timer)
{
    struct sk_node *node = sk_container_of(timer, struct sk_node, sweep);

    sk_lifetime_start_sweep(node);
    sk_savers_retry(node);
}

void sk_lifetime_start_sweep(struct sk_node *node)
{
    sk_timer_start(node->loop, &node->sweep, sk_instant_add(sk_loop_now(node->loop), SWEEP_EVERY), on_sweep);
}

void sk_lifetime_stop_sweep(struct sk_node *node)
{
    sk_timer_stop(node->loop, &node->sweep);
}
