#include "core/drain.h"

#include "core/drain_impl.h"
#include "core/sandbox_impl.h"
#include "core/stay.h"
#include "store/drain_record.h"

#include <assert.h>
#include <stdio.h>

#define KEY        "node"
#define RECORD_MAX 256

struct wait {
    struct sk_list link; /* drain->waits */
    struct sk_node *node;
    struct sk_done *done;
};

static struct sk_node *node_of(struct sk_drain *drain)
{
    return sk_container_of(drain, struct sk_node, drain);
}

/* --- what is refused --------------------------------------------------------- */

static void draining_err(struct sk_err *err)
{
    (void)sk_fail(err, SK_UNAVAILABLE, SK_DRAIN_REASON);
    (void)sk_err_reason(err, "RUNNER_UNAVAILABLE");
}

bool sk_drain_refuses(const struct sk_node *node, struct sk_err *out_err)
{
    if (node->stopping || node->shutdown)
        sk_node_stopping_err(out_err);
    else if (node->drain.is_on)
        draining_err(out_err);
    else
        return false;
    return true;
}

bool sk_drain_refuses_streams(const struct sk_node *node, struct sk_err *out_err)
{
    bool is_late =
        node->drain.is_late || node->stopping || (node->shutdown && sk_shutdown_is_cutting(node->shutdown));
    return is_late && sk_drain_refuses(node, out_err);
}

/* --- what is left -------------------------------------------------------------- */

static size_t count(const struct sk_list *list)
{
    size_t n = 0;

    sk_list_each(list, link) n++;
    return n;
}

static bool is_over(const struct sk_node *node)
{
    return sk_stays_streams(node) == 0 && (!node->drain.stops || sk_list_is_empty(&node->live));
}

struct sk_drain_status sk_drain_status(const struct sk_node *node)
{
    return (struct sk_drain_status){
        .state = !node->drain.is_on ? SK_SERVING
                 : is_over(node)    ? SK_DRAINED
                                    : SK_DRAINING,
        .streams = sk_stays_streams(node),
        .sandboxes = count(&node->live),
        .stops = node->drain.stops,
        .began = node->drain.began,
        .deadline = node->drain.is_on ? sk_node_wall(node, node->drain.until) : (struct sk_wall){0},
    };
}

/* --- waiting ------------------------------------------------------------------- */

static void answer(struct wait *wait, const struct sk_err *err)
{
    struct sk_node *node = wait->node;
    struct sk_done *done = wait->done;

    sk_list_remove(&wait->link);
    free(wait);
    done->cancel = NULL;
    sk_done_later(node->loop, done, err);
    sk_node_unhold(node);
}

static void cancel_wait(struct sk_done *done)
{
    struct sk_err err = {0};

    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    answer(done->callee, &err);
}

void sk_drain_await(struct sk_node *node, struct sk_done *done)
{
    struct wait *wait = sk_alloc(sizeof(*wait));

    *wait = (struct wait){.node = node, .done = done};
    done->callee = wait;
    done->cancel = cancel_wait;
    sk_node_hold(node);
    sk_list_append(&node->drain.waits, &wait->link);
    sk_drain_look(node);
}

static void answer_all(struct sk_drain *drain, const struct sk_err *err)
{
    sk_list_each(&drain->waits, link) answer(sk_list_entry(link, struct wait, link), err);
}

/* --- going on -------------------------------------------------------------------- */

void sk_drain_end_sandboxes(struct sk_node *node, const char *reason)
{
    sk_list_each(&node->live, link)
    {
        struct sk_sandbox *s = sk_list_entry(link, struct sk_sandbox, live);
        /* One that is not stored yet comes back here when it is. */
        if (s->durable && s->state < SK_STATE_TERMINATING)
            sk_sandbox_end(s, node->config.drain_grace, reason);
    }
}

static void go_on(struct sk_drain *drain)
{
    struct sk_node *node = node_of(drain);

    if (drain->is_on && drain->stops && (drain->is_late || sk_stays_streams(node) == 0))
        sk_drain_end_sandboxes(node, SK_DRAIN_REASON);
    if (!drain->is_on || is_over(node))
        answer_all(drain, NULL);
}

static void on_look(struct sk_task *task)
{
    struct sk_drain *drain = sk_container_of(task, struct sk_drain, look);
    struct sk_node *node = node_of(drain);

    if (node->stopping || node->recovery)
        return; /* the end of a recovery comes back here */
    if (node->shutdown)
        sk_shutdown_turn(node->shutdown);
    else
        go_on(drain);
}

void sk_drain_look(struct sk_node *node)
{
    struct sk_drain *drain = &node->drain;

    if (drain->is_on || node->shutdown || !sk_list_is_empty(&drain->waits))
        sk_loop_defer(node->loop, &drain->look, on_look);
}

static void on_deadline(struct sk_timer *timer)
{
    struct sk_drain *drain = sk_container_of(timer, struct sk_drain, timer);
    struct sk_node *node = node_of(drain);

    drain->is_late = true;
    sk_log(node->log, SK_INFO, "node.drain_deadline", SK_INT("streams", (int64_t)sk_stays_streams(node)));
    sk_stays_cut(node, SK_STAY_ENDLESS);
    sk_drain_look(node);
}

/* --- in force, and durable ----------------------------------------------------------- */

/* Whoever sets the clock on the wall moves no deadline: only where the machine itself was started anew there
 * is nothing else to go by. */
static void set(struct sk_node *node, const struct sk_drain_record *record)
{
    struct sk_drain *drain = &node->drain;

    drain->is_on = true;
    drain->is_late = false;
    drain->began = record->began;
    drain->until = sk_node_instant(node, record->boot_id, record->until, record->deadline);
    drain->stops = record->stops;
    sk_timer_start(node->loop, &drain->timer, drain->until, on_deadline);
    sk_node_set_health(node, SK_HEALTH_DRAINING, true);
    sk_drain_look(node);
}

static struct sk_drain_record record_of(const struct sk_node *node, const struct sk_drain_ask *ask)
{
    const struct sk_drain *drain = &node->drain;
    struct sk_duration timeout = ask->has_timeout ? ask->timeout : node->config.drain_timeout;
    bool stops =
        ask->sandboxes == SK_DRAIN_AS_CONFIGURED ? node->config.drain_stops : ask->sandboxes == SK_DRAIN_STOP;
    struct sk_drain_record record = {
        .began = drain->is_on ? drain->began : sk_loop_wall(node->loop),
        .until = sk_instant_add(sk_loop_now(node->loop), timeout),
        .stops = stops || (drain->is_on && drain->stops),
    };
    if (drain->is_on && drain->until.ns < record.until.ns)
        record.until = drain->until;
    record.deadline = sk_node_wall(node, record.until);
    (void)snprintf(record.boot_id, sizeof(record.boot_id), "%s", node->boot_id);
    return record;
}

void sk_drain_begin(struct sk_node *node, const struct sk_drain_ask *ask, struct sk_done *done)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf bytes;
    struct sk_drain_record record = record_of(node, ask);
    struct sk_err err = {0};

    sk_buf_init(&bytes, RECORD_MAX);
    if (node->stopping || node->shutdown) {
        sk_node_stopping_err(&err);
        sk_done_later(node->loop, done, &err);
        return;
    }
    sk_log(node->log, SK_INFO, "node.draining",
           SK_MS("left", sk_instant_diff(record.until, sk_loop_now(node->loop))),
           SK_STR("sandboxes", record.stops ? "stop" : "leave"));
    set(node, &record);
    if (sk_drain_record_pack(&record, &bytes, &err) != SK_OK)
        sk_done_later(node->loop, done, &err);
    else
        sk_store_put(node->store, SK_KIND_DRAIN, KEY, bytes.data, bytes.len, done);
}

static void forget(struct sk_drain *drain)
{
    sk_timer_stop(node_of(drain)->loop, &drain->timer);
    drain->is_on = drain->is_late = drain->stops = false;
    drain->began = (struct sk_wall){0};
    drain->until = (struct sk_instant){0};
}

void sk_drain_end(struct sk_node *node, struct sk_done *done)
{
    struct sk_err err = {0};

    if (node->stopping || node->shutdown) {
        sk_node_stopping_err(&err);
        sk_done_later(node->loop, done, &err);
        return;
    }
    if (node->drain.is_on)
        sk_log(node->log, SK_INFO, "node.serving");
    forget(&node->drain);
    sk_node_set_health(node, SK_HEALTH_DRAINING, false);
    sk_drain_look(node);
    sk_store_delete(node->store, SK_KIND_DRAIN, KEY, done);
}

/* --- the node's beginning and end ---------------------------------------------------- */

void sk_drain_init(struct sk_node *node)
{
    sk_list_init(&node->stays);
    sk_list_init(&node->drain.waits);
}

static void load_one(void *arg, const char *key, const uint8_t *data, size_t len)
{
    struct sk_node *node = arg;
    struct sk_drain_record record;
    struct sk_err err = {0};

    if (sk_drain_record_unpack(data, len, &record, &err) != SK_OK) {
        sk_log_err(node->log, SK_ERROR, "recover.bad_drain", &err, SK_STR("key", key));
        return;
    }
    sk_log(node->log, SK_WARN, "node.still_draining", SK_STR("advice", "\"sandkeep undrain\" ends that"));
    set(node, &record);
}

enum sk_code sk_drain_load(struct sk_node *node, struct sk_err *err)
{
    return sk_store_load(node->store, SK_KIND_DRAIN, load_one, node, err);
}

void sk_drain_stop(struct sk_node *node)
{
    struct sk_err err = {0};

    sk_node_stopping_err(&err);
    sk_timer_stop(node->loop, &node->drain.timer);
    answer_all(&node->drain, &err);
}

void sk_drain_fini(struct sk_node *node)
{
    assert(sk_list_is_empty(&node->stays) && sk_list_is_empty(&node->drain.waits));
    sk_timer_stop(node->loop, &node->drain.timer);
    sk_loop_undefer(&node->drain.look);
}
