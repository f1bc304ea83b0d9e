#include "core/log_stream_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct sk_loop *loop_of(const struct sk_log_stream *l)
{
    return l->sandbox->node->loop;
}

static uint64_t end_of(const struct sk_log_stream *l)
{
    uint64_t end = sk_journal_end(l->sandbox->log_file.journal);
    return end < l->limit ? end : l->limit;
}

/* --- the end --------------------------------------------------------------- */

static void drop_piece(struct sk_log_stream *l)
{
    sk_log_piece_unref(sk_take(l->piece));
}

static void destroy(struct sk_log_stream *l)
{
    struct sk_sandbox *s = l->sandbox;

    drop_piece(l);
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
    l->closed = true;
    if (!l->busy)
        destroy(l);
}

static void finish(struct sk_log_stream *l)
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

/* --- giving ---------------------------------------------------------------- */

static void give(struct sk_log_stream *l, const void *data, size_t len, struct sk_wall at)
{
    l->wanted = false;
    l->sent += len;
    struct sk_log_chunk chunk = {
        .data = data, .len = len, .at = at, .session = l->session_text, .next_offset = l->sent};
    l->events->on_chunk(l->arg, &chunk); /* last: it may close the stream */
}

static void give_line(struct sk_log_stream *l)
{
    char line[SK_LOG_MARKER_MAX];
    size_t len = l->line_len - l->line_at;

    memcpy(line, l->line + l->line_at, len);
    l->line_at = l->line_len;
    give(l, line, len, (struct sk_wall){0});
}

/* Bytes are gone that this reader has not had. A finite reading says so and goes on; a following one cannot,
 * since its offsets would mean nothing to a later resumption, unless it has yet to begin. */
static void pass_gap(struct sk_log_stream *l, uint64_t next)
{
    uint64_t lost = next - l->text.next;

    if (l->follow && l->sent == 0 && l->text.next == l->session.start) {
        sk_log_begin(l, next);
    } else if (l->follow) {
        sk_log_break(l, "REPLAY_GAP", "output that was not read yet is no longer kept");
    } else {
        l->line_len = (size_t)snprintf(l->line, sizeof(l->line),
                                       "%s[sandkeep: %" PRIu64 " bytes of output were dropped]\n",
                                       l->text.in_line ? "\n" : "", lost);
        l->line_at = 0;
        l->text.next = next;
        l->text.in_line = false;
        l->carry_len = 0;
        sk_log_turn_soon(l);
    }
}

/* The end of the last piece and this one, in one that is this reader's own. */
static void join(struct sk_log_stream *l)
{
    size_t carried = l->carry_len, len = l->piece->body.len;
    struct sk_log_piece *joined;

    l->carry_len = 0;
    if (!carried || !len)
        return;
    joined = sk_alloc(sizeof(*joined));
    *joined = (struct sk_log_piece){.refs = 1, .offset = l->piece->offset - carried};
    joined->body.len = carried + len;
    joined->body.data = sk_alloc(carried + len);
    memcpy(joined->body.data, l->carry, carried);
    memcpy(joined->body.data + carried, l->piece->body.data, len);
    joined->body.mark_count = l->piece->body.mark_count;
    joined->body.marks =
        sk_memdup(l->piece->body.marks, l->piece->body.mark_count * sizeof(l->piece->body.marks[0]));
    drop_piece(l);
    l->piece = joined;
}

static void on_read(struct sk_done *done, const struct sk_err *err)
{
    struct sk_log_stream *l = sk_container_of(done, struct sk_log_stream, done);
    uint64_t next = l->piece->body.next;

    if (err)
        drop_piece(l);
    else
        join(l);
    if (!sk_log_disk_answered(l))
        return;
    if (!err)
        sk_log_turn_soon(l);
    else if (next > l->text.next && (err->code == SK_OUT_OF_RANGE || err->code == SK_DATA_LOSS))
        pass_gap(l, next);
    else
        sk_log_fail(l, err);
}

static void read_on(struct sk_log_stream *l)
{
    sk_log_ask_disk(l, on_read);
    sk_log_file_read(l->sandbox, l->text.next + l->carry_len, &l->read, &l->piece, &l->done);
}

/* All that is there was given: is that the end? */
static void at_end(struct sk_log_stream *l)
{
    if (l->text.skip > 0)
        sk_log_break(l, "INVALID_RESUME_OFFSET", "the session has not come that far");
    else if (!l->follow || sk_main_log_is_over(l->sandbox))
        finish(l);
}

static struct sk_log_source source_of(const struct sk_log_stream *l)
{
    const struct sk_log_piece *piece = l->piece;
    uint64_t left = end_of(l) - piece->offset;
    size_t len = piece->body.len < left ? piece->body.len : (size_t)left;
    bool more = piece->offset + len < end_of(l);

    return (struct sk_log_source){
        .data = piece->body.data,
        .len = len,
        .offset = piece->offset,
        .marks = piece->body.marks,
        .mark_count = piece->body.mark_count,
        .more = more,
        .last = !more && (!l->follow || sk_main_log_is_over(l->sandbox)),
    };
}

/* What is left of a piece is kept only if it has the end of a line: else the next read has the whole line.
 * Where pieces end a character may be in two. */
static void drop_if_used(struct sk_log_stream *l, const struct sk_log_source *source)
{
    size_t used = (size_t)(l->text.next - source->offset);

    if (used == 0 && source->more && source->len <= sizeof(l->carry)) {
        l->carry_len = source->len;
        memcpy(l->carry, source->data, source->len);
    }
    if (used == source->len || !memchr(source->data + used, '\n', source->len - used))
        drop_piece(l);
}

static void give_piece(struct sk_log_stream *l)
{
    struct sk_log_frame frame; /* 64 KiB of the stack: for the call alone */
    struct sk_log_source source = source_of(l);
    uint64_t from = l->text.next;

    sk_log_text_render(&l->text, &source, &frame);
    drop_if_used(l, &source);
    if (frame.len > 0)
        give(l, frame.data, frame.len, frame.at);
    else if (l->text.next > from || source.more)
        sk_log_turn_soon(l);
}

static void read_or_give(struct sk_log_stream *l)
{
    if (!l->wanted)
        return;
    if (l->line_at < l->line_len)
        give_line(l);
    else if (l->piece && l->piece->body.len > 0)
        give_piece(l);
    else if (drop_piece(l), l->text.next < end_of(l))
        read_on(l);
    else
        at_end(l);
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
        read_or_give(l);
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
    if (may_begin(l, ask)) {
        if (l->resumes)
            sk_log_session_print(&l->session, s->record->id, l->session_text);
        sk_sandbox_watch(s, &l->watcher, SK_STATE_RUNNING, on_running);
    } else {
        sk_loop_defer(loop_of(l), &l->turn, refuse);
    }
    return l;
}
