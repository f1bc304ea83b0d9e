/* revive.c: from the end of HAProxy, or of our knowing what it holds, to its
 * being up. */
#include "drivers/edge/driver.h"

#include <signal.h>
#include <string.h>

#define PAUSE_MIN  SK_MSEC(100)
#define PAUSE_MAX  SK_SEC(10)
#define STEP       SK_MSEC(50)
#define START      SK_SEC(15)
#define GOOD_AFTER SK_SEC(60)

static void pause_then(struct sk_haproxy *edge, struct sk_duration pause, void (*fn)(struct sk_timer *timer))
{
    sk_timer_start(edge->loop, &edge->timer, sk_instant_add(sk_loop_now(edge->loop), pause), fn);
}

static void ask(struct sk_haproxy *edge, const char *question,
                void (*fn)(struct sk_done *done, const struct sk_err *err))
{
    (void)!sk_buf_printf(&edge->line, "%s", question);
    sk_haproxy_ask(edge, fn);
}

/* --- reading its maps ---------------------------------------------------------------------- */

static void read_next(struct sk_haproxy *edge);

static void on_retry(struct sk_timer *timer)
{
    sk_haproxy_reread(sk_container_of(timer, struct sk_haproxy, timer));
}

/* Somebody who does not answer at all cannot be helped otherwise. */
static void on_failed_read(struct sk_haproxy *edge, const struct sk_err *err)
{
    sk_log_err(edge->log, SK_WARN, "edge.unreadable", err);
    if (err->code == SK_DEADLINE_EXCEEDED)
        sk_program_signal(&edge->process, SIGKILL);
    else
        pause_then(edge, SK_SEC(1), on_retry);
    sk_haproxy_fail_waiters(edge, err);
}

static void on_map(struct sk_done *done, const struct sk_err *err)
{
    struct sk_haproxy *edge = sk_container_of(done, struct sk_haproxy, asked);
    struct sk_err fault;
    edge->is_asking = false;
    if (edge->state != SK_HAPROXY_READING) {
        sk_haproxy_advance_close(edge);
        return;
    }
    if (!err && !sk_maps_read(&edge->maps, edge->reads, (char *)edge->admin.answer.data, false)) {
        (void)sk_fail(&fault, SK_UNAVAILABLE, "what is in %s cannot be read",
                      sk_haproxy_map_files[edge->reads]);
        err = &fault;
    }
    if (err) {
        on_failed_read(edge, err);
        return;
    }
    edge->reads++;
    read_next(edge);
}

static void read_next(struct sk_haproxy *edge)
{
    char question[64];
    while (edge->reads < SK_MAP_COUNT && !edge->has[edge->reads])
        edge->reads++;
    if (edge->reads == SK_MAP_COUNT) {
        edge->state = SK_HAPROXY_UP;
        sk_haproxy_pump(edge);
        return;
    }
    (void)snprintf(question, sizeof(question), "show map %s\n", sk_haproxy_map_files[edge->reads]);
    ask(edge, question, on_map);
}

void sk_haproxy_reread(struct sk_haproxy *edge)
{
    edge->state = SK_HAPROXY_READING;
    edge->reads = 0;
    sk_maps_forget_held(&edge->maps);
    read_next(edge);
}

/* --- starting it again ---------------------------------------------------------------------- */

static void on_step(struct sk_timer *timer);

static void on_info(struct sk_done *done, const struct sk_err *err)
{
    struct sk_haproxy *edge = sk_container_of(done, struct sk_haproxy, asked);
    struct sk_duration age = sk_instant_diff(sk_loop_now(edge->loop), edge->began);
    edge->is_asking = false;
    if (edge->state != SK_HAPROXY_STARTING) {
        sk_haproxy_advance_close(edge);
    } else if (!err) {
        sk_log(edge->log, SK_INFO, "edge.restarted", SK_INT("pid", edge->process.pid));
        sk_haproxy_reread(edge);
    } else if (age.ns < START.ns) {
        pause_then(edge, STEP, on_step);
    } else {
        sk_program_signal(&edge->process, SIGKILL);
    }
}

static void on_step(struct sk_timer *timer)
{
    struct sk_haproxy *edge = sk_container_of(timer, struct sk_haproxy, timer);
    ask(edge, "show info\n", on_info);
}

static void pause_and_start(struct sk_haproxy *edge);

static void on_start(struct sk_timer *timer)
{
    struct sk_haproxy *edge = sk_container_of(timer, struct sk_haproxy, timer);
    struct sk_err err;
    edge->state = SK_HAPROXY_STARTING;
    sk_series_add(edge->meters.starts, 1);
    if (sk_haproxy_spawn(edge, &err) == SK_OK && sk_haproxy_watch(edge, &err) == SK_OK) {
        pause_then(edge, STEP, on_step);
        return;
    }
    sk_log_err(edge->log, SK_ERROR, "edge.start_failed", &err);
    sk_program_signal(&edge->process, SIGKILL);
    sk_program_forget(&edge->process);
    pause_and_start(edge);
}

static void pause_and_start(struct sk_haproxy *edge)
{
    struct sk_duration pause = PAUSE_MIN;
    for (unsigned i = 0; i < edge->failures && pause.ns < PAUSE_MAX.ns; i++)
        pause.ns *= 2;
    edge->failures++;
    edge->state = SK_HAPROXY_DOWN;
    pause_then(edge, pause.ns < PAUSE_MAX.ns ? pause : PAUSE_MAX, on_start);
}

/* --- its end ------------------------------------------------------------------------------------ */

static void on_end(struct sk_program *process)
{
    struct sk_haproxy *edge = sk_container_of(process, struct sk_haproxy, process);
    struct sk_duration age = sk_instant_diff(sk_loop_now(edge->loop), edge->began);
    struct sk_err err;
    sk_timer_stop(edge->loop, &edge->timer);
    sk_admin_drop(&edge->admin);
    if (edge->state == SK_HAPROXY_ENDING) {
        sk_haproxy_ended(edge);
        return;
    }
    sk_voice_read(&edge->voice);
    (void)sk_fail(&err, SK_UNAVAILABLE, "HAProxy has ended%s%s", *edge->fault ? ": " : "", edge->fault);
    sk_log_err(edge->log, SK_ERROR, "edge.ended", &err);
    if (age.ns > GOOD_AFTER.ns)
        edge->failures = 0;
    sk_maps_forget_held(&edge->maps);
    pause_and_start(edge);
    sk_haproxy_fail_waiters(edge, &err);
}

enum sk_code sk_haproxy_watch(struct sk_haproxy *edge, struct sk_err *err)
{
    return sk_program_watch(&edge->process, edge->loop, on_end, err);
}

static void on_impatience(struct sk_timer *timer)
{
    sk_program_signal(&sk_container_of(timer, struct sk_haproxy, patience)->process, SIGKILL);
}

void sk_haproxy_end(struct sk_haproxy *edge)
{
    edge->state = SK_HAPROXY_ENDING;
    sk_program_signal(&edge->process, SIGTERM);
    sk_timer_start(edge->loop, &edge->patience, sk_instant_add(sk_loop_now(edge->loop), SK_SEC(3)),
                   on_impatience);
}
