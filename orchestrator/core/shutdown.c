#include "core/shutdown.h"

#include "core/drain_impl.h"
#include "core/stay.h"

#include <assert.h>

/* What an end may take beyond its grace, and what it takes to tell those that are cut. */
#define ENDS_MARGIN SK_SEC(20)
#define CUT_LIMIT   SK_SEC(2)

#define REASON "the node stopped"

/* In this order; each is over when nothing is left that it waits for, or its time is. */
enum phase { CALLS, SANDBOXES, CUTTING, OVER };

struct sk_shutdown {
    struct sk_node *node;
    struct sk_done *done;
    enum phase phase;
    bool is_late; /* this phase */
    struct sk_timer timer;
};

static size_t calls(const struct sk_node *node)
{
    return sk_stays_count(node, SK_STAY_BRIEF) + sk_stays_count(node, SK_STAY_WORK);
}

static bool is_over(const struct sk_shutdown *shutdown)
{
    const struct sk_node *node = shutdown->node;

    switch (shutdown->phase) {
    case CALLS:
        return calls(node) == 0;
    case SANDBOXES:
        return !node->config.drain_stops || sk_list_is_empty(&node->live);
    case CUTTING:
        return sk_list_is_empty(&node->stays);
    case OVER:
        break;
    }
    return false;
}

static void on_timer(struct sk_timer *timer)
{
    struct sk_shutdown *shutdown = sk_container_of(timer, struct sk_shutdown, timer);

    shutdown->is_late = true;
    sk_drain_look(shutdown->node);
}

static void limit(struct sk_shutdown *shutdown, struct sk_duration time)
{
    struct sk_loop *loop = shutdown->node->loop;

    shutdown->is_late = false;
    sk_timer_start(loop, &shutdown->timer, sk_instant_add(sk_loop_now(loop), time), on_timer);
}

static void log_late(const struct sk_shutdown *shutdown)
{
    struct sk_shutdown_status left = sk_shutdown_status(shutdown->node);

    sk_log(shutdown->node->log, SK_WARN, "node.stop_deadline", SK_INT("calls", (int64_t)left.calls),
           SK_INT("sandboxes", (int64_t)left.sandboxes));
}

static void begin(struct sk_shutdown *shutdown, enum phase phase)
{
    struct sk_node *node = shutdown->node;

    shutdown->phase = phase;
    if (phase == SANDBOXES) {
        limit(shutdown, SK_NS(node->config.drain_grace.ns + ENDS_MARGIN.ns));
    } else if (phase == CUTTING) {
        limit(shutdown, CUT_LIMIT);
        sk_stays_cut(node, SK_STAY_ENDLESS);
    } else {
        sk_timer_stop(node->loop, &shutdown->timer);
        sk_done_fire(sk_take(shutdown->done), NULL);
    }
}

void sk_shutdown_turn(struct sk_shutdown *shutdown)
{
    struct sk_node *node = shutdown->node;

    if (shutdown->phase == CALLS && shutdown->is_late)
        sk_stays_cut(node, SK_STAY_WORK); /* what sandboxes are told to end must not look like its own end */
    while (shutdown->phase < OVER && (shutdown->is_late || is_over(shutdown))) {
        if (shutdown->is_late)
            log_late(shutdown);
        begin(shutdown, shutdown->phase + 1);
    }
    if (shutdown->phase == SANDBOXES && node->config.drain_stops)
        sk_drain_end_sandboxes(node, REASON);
}

bool sk_shutdown_is_cutting(const struct sk_shutdown *shutdown)
{
    return shutdown->phase >= CUTTING;
}

void sk_node_shutdown(struct sk_node *node, struct sk_done *done)
{
    struct sk_shutdown *shutdown = sk_alloc(sizeof(*shutdown));

    assert(!node->shutdown && !node->stopping);
    *shutdown = (struct sk_shutdown){.node = node, .done = done};
    node->shutdown = shutdown;
    sk_drain_stop(node); /* who waits for it hears nothing more */
    sk_node_set_health(node, SK_HEALTH_DRAINING, true);
    limit(shutdown, node->config.shutdown_timeout);
    sk_drain_look(node);
}

void sk_shutdown_hurry(struct sk_node *node)
{
    struct sk_shutdown *shutdown = node->shutdown;

    if (!shutdown || shutdown->phase >= CUTTING)
        return;
    begin(shutdown, CUTTING);
    sk_drain_look(node);
}

struct sk_shutdown_status sk_shutdown_status(const struct sk_node *node)
{
    struct sk_shutdown_status out = {.is_under_way = node->shutdown != NULL, .calls = calls(node)};

    if (node->shutdown && node->config.drain_stops)
        sk_list_each(&node->live, link) out.sandboxes++;
    return out;
}

void sk_shutdown_free(struct sk_node *node)
{
    if (node->shutdown)
        sk_timer_stop(node->loop, &node->shutdown->timer);
    free(sk_take(node->shutdown));
}
