#include "store/journal_impl.h"
#include "store/journal_search.h"
#include "store/journal_times.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

/* --- reading ------------------------------------------------------------------------------ */

struct reading {
    struct sk_work work;
    struct sk_done worked, *done;
    struct sk_journal *journal;
    struct sk_segment segment; /* a copy: it may be dropped meanwhile */
    uint64_t offset;
    struct sk_journal_piece piece, *out;
};

static enum sk_code read_piece(struct reading *r, struct sk_err *err)
{
    struct sk_journal_piece *piece = &r->piece;
    uint64_t left = sk_segment_end(&r->segment) - r->offset;
    size_t len = left < SK_JOURNAL_READ_MAX ? (size_t)left : SK_JOURNAL_READ_MAX;
    SK_AUTO_FREE uint8_t *data = sk_alloc(len);
    struct sk_err fault = {0};
    SK_AUTO_FD int fd = sk_segment_open_data(r->journal->dir, &r->segment, &fault);

    if (fd < 0 && fault.sys == ENOENT)
        return sk_fail(err, SK_OUT_OF_RANGE, "byte %" PRIu64 " of the journal is no longer kept", r->offset);
    if (fd < 0)
        return sk_fail_sys(err, SK_INTERNAL, fault.sys, "read the journal");
    len = sk_segment_read(fd, &r->segment, r->offset, data, len);
    if (len == 0)
        return sk_fail(err, SK_DATA_LOSS, "byte %" PRIu64 " of the journal cannot be read", r->offset);
    piece->marks = sk_times_of(r->journal->dir, &r->segment, r->offset, &len, &piece->mark_count);
    piece->len = len;
    piece->data = sk_take(data);
    return SK_OK;
}

static void run_read(struct sk_work *work)
{
    (void)!read_piece(sk_container_of(work, struct reading, work), &work->err);
}

/* Where a reader who did not get the byte at `offset` goes on. */
static uint64_t next_after_failure(const struct reading *r, const struct sk_err *err)
{
    bool gone = err->code == SK_OUT_OF_RANGE && r->offset < sk_journal_begin(r->journal);
    return sk_row_next(&r->journal->row, gone ? r->offset : sk_segment_end(&r->segment));
}

static void was_read(struct sk_done *worked, const struct sk_err *err)
{
    struct reading *r = sk_container_of(worked, struct reading, worked);
    struct sk_done *done = r->done;
    r->piece.next = err ? next_after_failure(r, err) : r->offset + r->piece.len;
    *r->out = r->piece;
    r->journal->asking--;
    free(r);
    sk_done_fire(done, err);
}

/* The end, or a byte that is not kept: needs no disk. */
static void answer_at_once(struct sk_journal *journal, uint64_t offset, struct sk_journal_piece *out,
                           struct sk_done *done)
{
    struct sk_err err = {0};
    *out = (struct sk_journal_piece){.next = sk_row_next(&journal->row, offset)};
    if (offset != journal->row.end)
        (void)sk_fail(&err, SK_OUT_OF_RANGE, "byte %" PRIu64 " of the journal is not kept", offset);
    sk_done_later(journal->loop, done, err.code == SK_OK ? NULL : &err);
}

void sk_journal_read(struct sk_journal *journal, uint64_t offset, struct sk_journal_piece *out,
                     struct sk_done *done)
{
    const struct sk_segment *segment = sk_row_find(&journal->row, offset);
    if (!segment) {
        answer_at_once(journal, offset, out, done);
        return;
    }
    struct reading *r = sk_alloc(sizeof(*r));
    *r =
        (struct reading){.done = done, .journal = journal, .segment = *segment, .offset = offset, .out = out};
    journal->asking++;
    sk_done_init(&r->worked, was_read);
    sk_work_start(journal->loop, &r->work, run_read, &r->worked);
}

/* --- searching ------------------------------------------------------------------------------ */

struct search {
    struct sk_work work;
    struct sk_done worked, *done;
    struct sk_journal *journal;
    struct sk_tail tail;  /* one of the two */
    struct sk_wall since; /* over tail.row */
    uint64_t *out;
};

static struct search *begin_search(struct sk_journal *journal, uint64_t *out_offset, struct sk_done *done)
{
    struct search *s = sk_alloc(sizeof(*s));
    s->journal = journal;
    s->out = out_offset;
    s->done = done;
    journal->asking++;
    return s;
}

static void end_search(struct search *s, uint64_t offset)
{
    struct sk_done *done = s->done;
    /* What was found may have been dropped while the search went on. */
    *s->out = sk_row_next(&s->journal->row, offset);
    s->journal->asking--;
    free(s);
    sk_done_fire(done, NULL);
}

static void run_tail(struct sk_work *work)
{
    sk_tail_step(&sk_container_of(work, struct search, work)->tail);
}

static void tail_stepped(struct sk_done *worked, const struct sk_err *err);

static void step_tail(struct search *s)
{
    sk_done_init(&s->worked, tail_stepped);
    sk_work_start(s->journal->loop, &s->work, run_tail, &s->worked);
}

static void tail_stepped(struct sk_done *worked, const struct sk_err *err)
{
    struct search *s = sk_container_of(worked, struct search, worked);
    assert(!err);
    (void)err;
    if (s->tail.finished)
        end_search(s, s->tail.at);
    else
        step_tail(s);
}

void sk_journal_find_tail(struct sk_journal *journal, uint64_t lines, uint64_t *out_offset,
                          struct sk_done *done)
{
    struct search *s = begin_search(journal, out_offset, done);
    sk_tail_init(&s->tail, journal->dir, &journal->row, lines);
    step_tail(s);
}

static void run_since(struct sk_work *work)
{
    struct search *s = sk_container_of(work, struct search, work);
    s->tail.at = sk_since_find(s->journal->dir, &s->tail.row, s->since);
}

static void since_found(struct sk_done *worked, const struct sk_err *err)
{
    struct search *s = sk_container_of(worked, struct search, worked);
    assert(!err);
    (void)err;
    end_search(s, s->tail.at);
}

void sk_journal_find_since(struct sk_journal *journal, struct sk_wall since, uint64_t *out_offset,
                           struct sk_done *done)
{
    struct search *s = begin_search(journal, out_offset, done);
    s->tail.row = journal->row;
    s->since = since;
    sk_done_init(&s->worked, since_found);
    sk_work_start(journal->loop, &s->work, run_since, &s->worked);
}
