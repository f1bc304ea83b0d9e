#include "core/activity.h"
#include "core/log_stream_impl.h"

#include <assert.h>

static struct sk_loop *loop_of(const struct sk_log_stream *l)
{
    return l->sandbox->node->loop;
}

/* --- the end --------------------------------------------------------------- */

static void destroy(struct sk_log_stream *l)
{
    struct sk_sandbox *s = l->sandbox;

    sk_log_piece_unref(l->piece);
    if (l->has_file)
        sk_log_file_close(s);
    free(l);
    sk_sandbox_unref(s);
}

/* Nothing wakes it any more. */
static void quieten(struct sk_log_stream *l)
{
    l->phase = SK_LOG_OVER;
    sk_watcher_stop(&l->watcher);
    sk_log_ear_close(&l->ear);
    sk_timer_stop(loop_of(l), &l->settle);
    sk_loop_undefer(&l->turn);
}

void sk_log_close(struct sk_log_stream *l)
{
    if (!l)
        return;
    quieten(l);
    sk_activity_detach(l->sandbox);
    l->closed = true;
    if (!l->busy)
        destroy(l);
}

void sk_log_finish(struct sk_log_stream *l)
{
    quieten(l);
    l->events->on_end(l->arg);
}

void sk_log_fail(struct sk_log_stream *l, const struct sk_err *err)
{
    quieten(l);
    l->events->on_error(l->arg, err);
}

void sk_log_break(struct sk_log_stream *l, const char *code, const char *text)
{
    quieten(l);
    l->events->on_broken(l->arg, code, text);
}

static void fail_not_running(struct sk_log_stream *l)
{
    struct sk_err err = {0};

    (void)sk_fail(&err, SK_FAILED_PRECONDITION,
                  "sandbox %s is not running: its log can be read, not followed", l->sandbox->record->id);
    (void)sk_err_reason(&err, "SANDBOX_NOT_RUNNING");
    sk_log_fail(l, &err);
}

static void fail_stopping(struct sk_log_stream *l)
{
    struct sk_err err = {0};

    sk_node_stopping_err(&err);
    sk_log_fail(l, &err);
}

/* --- the disk -------------------------------------------------------------- */

void sk_log_ask_disk(struct sk_log_stream *l, void (*fn)(struct sk_done *done, const struct sk_err *err))
{
    assert(!l->busy);
    l->busy = true;
    sk_node_hold(l->sandbox->node);
    sk_done_init(&l->done, fn);
}

bool sk_log_disk_answered(struct sk_log_stream *l)
{
    l->busy = false;
    sk_node_unhold(l->sandbox->node);
    if (l->closed)
        destroy(l);
    else if (l->phase != SK_LOG_OVER)
        return true;
    return false;
}

static void on_opened(struct sk_done *done, const struct sk_err *err)
{
    struct sk_log_stream *l = sk_container_of(done, struct sk_log_stream, done);

    l->has_file = !err;
    if (!sk_log_disk_answered(l))
        return;
    l->phase = SK_LOG_SETTLING;
    if (err)
        sk_log_fail(l, err);
    else
        sk_log_turn_soon(l);
}

/* --- turns ----------------------------------------------------------------- */

static void open_file(struct sk_log_stream *l)
{
    sk_log_ask_disk(l, on_opened);
    sk_log_file_open(l->sandbox, &l->done);
}

static void on_settle(struct sk_timer *timer)
{
    sk_log_turn_soon(sk_container_of(timer, struct sk_log_stream, settle));
}

static void settle(struct sk_log_stream *l)
{
    struct sk_instant at = sk_main_log_settles(l->sandbox);

    if (!l->follow && sk_instant_is_set(at)) {
        sk_timer_start(loop_of(l), &l->settle, at, on_settle);
        return;
    }
    sk_timer_stop(loop_of(l), &l->settle);
    l->phase = SK_LOG_SEEKING;
    sk_log_seek(l);
}

static void on_turn(struct sk_task *task)
{
    struct sk_log_stream *l = sk_container_of(task, struct sk_log_stream, turn);

    if (l->sandbox->node->stopping)
        fail_stopping(l);
    else if (l->busy || l->phase == SK_LOG_WAITING)
        return;
    else if (l->phase == SK_LOG_OPENING)
        open_file(l);
    else if (l->phase == SK_LOG_SETTLING)
        settle(l);
    else if (l->phase == SK_LOG_SEEKING)
        sk_log_seek(l);
    else
        sk_log_go_on(l);
}

void sk_log_turn_soon(struct sk_log_stream *l)
{
    if (l->phase != SK_LOG_OVER)
        sk_loop_defer(loop_of(l), &l->turn, on_turn);
}

static void on_news(struct sk_log_ear *ear)
{
    sk_log_turn_soon(sk_container_of(ear, struct sk_log_stream, ear));
}

void sk_log_want(struct sk_log_stream *l)
{
    l->wanted = true;
    sk_log_turn_soon(l);
}

/* --- the beginning --------------------------------------------------------- */

static void on_running(struct sk_watcher *watcher)
{
    struct sk_log_stream *l = sk_container_of(watcher, struct sk_log_stream, watcher);

    if (l->sandbox->node->stopping) {
        fail_stopping(l);
    } else if (l->follow && !l->resumes && !l->sandbox->main.started) {
        fail_not_running(l);
    } else {
        l->phase = SK_LOG_OPENING;
        sk_log_turn_soon(l);
    }
}

static void refuse(struct sk_task *task)
{
    struct sk_log_stream *l = sk_container_of(task, struct sk_log_stream, turn);

    if (l->resumes)
        sk_log_break(l, "SESSION_NOT_FOUND", "there is no such log session");
    else
        fail_not_running(l);
}

static bool may_begin(struct sk_log_stream *l, const struct sk_log_ask *ask)
{
    const struct sk_record *record = l->sandbox->record;

    if (l->resumes)
        return sk_log_session_parse(ask->session, record->id, &l->session);
    return !l->follow || record->state <= SK_STATE_RUNNING;
}

struct sk_log_stream *sk_log_open(struct sk_sandbox *s, const struct sk_log_ask *ask,
                                  const struct sk_log_events *events, void *arg)
{
    struct sk_log_stream *l = sk_alloc(sizeof(*l));

    *l = (struct sk_log_stream){.sandbox = sk_sandbox_ref(s), .events = events, .arg = arg};
    l->follow = ask->follow;
    l->resumes = ask->session != NULL;
    l->tail_lines = ask->tail_lines;
    l->since = ask->since;
    l->sent = ask->offset;
    l->session.timestamps = ask->timestamps;
    l->session.whole = !ask->tail_lines && !ask->since.ns;
    sk_log_file_listen(s, &l->ear, on_news);
    sk_activity_attach(s);
    if (may_begin(l, ask)) {
        if (l->resumes)
            sk_log_session_print(&l->session, s->record->id, l->session_text);
        sk_sandbox_watch(s, &l->watcher, SK_STATE_RUNNING, on_running);
    } else {
        sk_loop_defer(loop_of(l), &l->turn, refuse);
    }
    return l;
}
