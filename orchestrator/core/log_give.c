/* log_give.c: what a reading gives: pieces from the disk, written out as
 * frames, and lines of ours where something is missing. */
#include "core/log_stream_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t end_of(const struct sk_log_stream *l)
{
    uint64_t end = sk_journal_end(l->sandbox->log_file.journal);
    return end < l->limit ? end : l->limit;
}

static void drop_piece(struct sk_log_stream *l)
{
    sk_log_piece_unref(sk_take(l->piece));
}

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
    l->text.in_line = l->text.in_line && !l->lost;
    l->lost = 0;
    give(l, line, len, (struct sk_wall){0});
}

static void note_lost(struct sk_log_stream *l, uint64_t next)
{
    l->lost += next - l->text.next;
    l->line_len =
        (size_t)snprintf(l->line, sizeof(l->line), "%s[sandkeep: %" PRIu64 " bytes of output were dropped]\n",
                         l->text.in_line ? "\n" : "", l->lost);
    l->line_at = 0;
    l->text.next = next;
    l->carry_len = 0;
    sk_log_turn_soon(l);
}

/* Bytes are gone that this reader has not had. Who has had nothing begins later; a finite reading says what
 * is missing and goes on; a following one cannot, since its offsets would mean nothing to a later one. */
static void pass_gap(struct sk_log_stream *l, uint64_t next)
{
    if (l->sent == 0 && !l->resumes && !l->lost)
        sk_log_begin(l, next);
    else if (l->follow)
        sk_log_break(l, "REPLAY_GAP", "output that was not read yet is no longer kept");
    else
        note_lost(l, next);
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
        sk_log_finish(l);
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

/* A line of ours comes with what it stands before: until that is read, more may be lost. */
void sk_log_go_on(struct sk_log_stream *l)
{
    bool has_line = l->line_at < l->line_len;
    bool has_piece = l->piece && l->piece->body.len > 0;

    if (!l->wanted)
        return;
    if (!has_piece)
        drop_piece(l);
    if (!has_piece && l->text.next < end_of(l))
        read_on(l);
    else if (has_line)
        give_line(l);
    else if (has_piece)
        give_piece(l);
    else
        at_end(l);
}
