/* log_seek.c: where a reading of a log begins: at what is kept, at a time, a
 * number of lines before the end, or where an earlier stream was lost. */
#include "core/log_stream_impl.h"

#include "base/random.h"

static struct sk_journal *journal_of(const struct sk_log_stream *l)
{
    return l->sandbox->log_file.journal;
}

static void start_reading(struct sk_log_stream *l, uint64_t from, uint64_t skip)
{
    l->text = (struct sk_log_text){.timestamps = l->session.timestamps, .next = from, .skip = skip};
    l->limit = l->follow ? UINT64_MAX : sk_journal_end(journal_of(l));
    l->phase = SK_LOG_READING;
    sk_log_turn_soon(l);
}

/* --- a new session --------------------------------------------------------- */

void sk_log_begin(struct sk_log_stream *l, uint64_t start)
{
    l->session.start = start;
    sk_random(&l->session.nonce, sizeof(l->session.nonce));
    sk_log_session_print(&l->session, l->sandbox->record->id, l->session_text);
    l->line_at = 0;
    l->line_len = sk_log_session_marker(&l->session, l->line);
    start_reading(l, start, 0);
}

static void on_tail(struct sk_done *done, const struct sk_err *err)
{
    struct sk_log_stream *l = sk_container_of(done, struct sk_log_stream, done);

    if (!sk_log_disk_answered(l))
        return;
    if (err)
        sk_log_fail(l, err);
    else
        sk_log_begin(l, l->found > l->floor ? l->found : l->floor);
}

static void on_since(struct sk_done *done, const struct sk_err *err)
{
    struct sk_log_stream *l = sk_container_of(done, struct sk_log_stream, done);

    if (!sk_log_disk_answered(l))
        return;
    l->floor = l->found;
    l->since = (struct sk_wall){0};
    if (err)
        sk_log_fail(l, err);
    else if (l->tail_lines)
        sk_log_turn_soon(l);
    else
        sk_log_begin(l, l->floor);
}

/* --- one that is taken up again -------------------------------------------- */

static void break_gap(struct sk_log_stream *l)
{
    sk_log_break(l, "REPLAY_GAP", "the output at that offset is no longer kept");
}

static void break_beyond(struct sk_log_stream *l)
{
    sk_log_break(l, "INVALID_RESUME_OFFSET", "the session has not come that far");
}

/* Without timestamps every byte of the session has its place; with them the lines between have to be counted,
 * from the session's start on. */
static void resume_at(struct sk_log_stream *l, uint64_t body)
{
    uint64_t begin = sk_journal_begin(journal_of(l)), end = sk_journal_end(journal_of(l));
    uint64_t start = l->session.start;
    bool counts = l->session.timestamps;

    if (start > end || body > (end - start) * (counts ? SK_LOG_PREFIX_LEN + 1 : 1))
        break_beyond(l);
    else if (start + (counts ? 0 : body) < begin || (counts && body > SK_LOG_RESUME_MAX))
        break_gap(l);
    else
        start_reading(l, start + (counts ? 0 : body), counts ? body : 0);
}

static void resume(struct sk_log_stream *l)
{
    l->line_len = sk_log_session_marker(&l->session, l->line);
    l->line_at = l->sent < l->line_len ? (size_t)l->sent : l->line_len;
    resume_at(l, l->sent - l->line_at);
}

void sk_log_seek(struct sk_log_stream *l)
{
    if (l->resumes) {
        resume(l);
    } else if (l->since.ns) {
        sk_log_ask_disk(l, on_since);
        sk_journal_find_since(journal_of(l), l->since, &l->found, &l->done);
    } else if (l->tail_lines) {
        sk_log_ask_disk(l, on_tail);
        sk_journal_find_tail(journal_of(l), l->tail_lines, &l->found, &l->done);
    } else {
        sk_log_begin(l, sk_journal_begin(journal_of(l)));
    }
}
