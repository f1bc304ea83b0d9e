#include "store/journal_writer.h"

#include "store/journal_pipe.h"

#include <errno.h>
#include <sys/statvfs.h>

enum { SEGMENTS = 8 /* of full size within the limit */ };

/* The last of a disk is left to others, above all to the database: where no end can be recorded, nothing that
 * fills the disk can be ended. A sixteenth, at most so many bytes. */
#define LEAVE_PART 16
#define LEAVE_MOST ((uint64_t)64 * 1024 * 1024)

static uint64_t capacity(const struct sk_journal_writer *writer)
{
    return writer->limit / SEGMENTS;
}

/* Bytes that the newest segment may still take, with the entry they need; 0: a new one is due. */
static uint64_t room(struct sk_journal_writer *writer)
{
    uint64_t used;
    if (writer->files.data < 0)
        return 0;
    used = sk_segment_size(sk_row_newest(&writer->row)) + SK_SEGMENT_ENTRY_LEN;
    return used < capacity(writer) ? capacity(writer) - used : 0;
}

/* Begins a segment at the end of the row, when there is room for a whole one. */
static enum sk_code begin_segment(struct sk_journal_writer *writer, struct sk_err *err)
{
    struct sk_row *row = &writer->row;
    sk_segment_close(&writer->files);
    while (row->count > 0 &&
           (row->count == SK_ROW_MAX || sk_row_size(row) + capacity(writer) > writer->limit))
        sk_row_drop_oldest(row, writer->dir);
    enum sk_code code = sk_segment_create(writer->dir, row->end, &writer->files, err);
    if (code == SK_OK)
        row->segments[row->count++] = (struct sk_segment){.begin = row->end};
    return code;
}

/* --- opening ------------------------------------------------------------------------ */

static enum sk_code take_up(struct sk_journal_writer *writer, struct sk_err *err)
{
    const struct sk_segment *newest = sk_row_newest(&writer->row);
    if (!newest)
        return SK_OK;
    for (size_t i = 0; i < writer->row.count; i++)
        if (writer->row.segments[i].last_at.ns > writer->latest.ns)
            writer->latest = writer->row.segments[i].last_at;
    if (sk_row_size(&writer->row) > writer->limit) /* it was higher once */
        return begin_segment(writer, err);
    return sk_segment_open(writer->dir, newest->begin, &writer->files, err);
}

enum sk_code sk_journal_writer_open(struct sk_journal_writer *writer, int dir, uint64_t limit,
                                    const struct sk_log *log, struct sk_err *err)
{
    *writer = (struct sk_journal_writer){.dir = dir, .limit = limit, .files = {-1, -1}};
    enum sk_code code = sk_row_load(dir, log, &writer->row, err);
    return code == SK_OK ? take_up(writer, err) : code;
}

void sk_journal_writer_close(struct sk_journal_writer *writer)
{
    sk_segment_close(&writer->files);
}

/* --- filling ------------------------------------------------------------------------- */

/* What a pipe's answer means; *out_stop: there is nothing more to move now. */
static enum sk_code judge(ssize_t moved, struct sk_journal_filled *out, bool *out_stop, struct sk_err *err)
{
    *out_stop = moved <= 0;
    if (moved == 0)
        out->at_end = true;
    if (moved >= 0 || errno == EAGAIN)
        return SK_OK;
    return sk_fail_sys(err, sk_code_from_errno(errno), errno, "write the journal");
}

/* Moves at most `max` bytes into the newest segment. */
static enum sk_code move(struct sk_journal_writer *writer, int pipe_fd, size_t max, struct sk_wall at,
                         struct sk_journal_filled *out, bool *out_stop, struct sk_err *err)
{
    struct sk_segment *segment = sk_row_newest(&writer->row);
    enum sk_code code = SK_OK;
    size_t len = 0;
    *out_stop = false;
    while (len < max && !*out_stop) {
        ssize_t moved = sk_pipe_move(pipe_fd, writer->files.data, segment->len + len, max - len);
        code = judge(moved, out, out_stop, err);
        len += moved > 0 ? (size_t)moved : 0;
    }
    if (len > 0)
        sk_segment_note(segment, &writer->files, len, at);
    writer->row.end = sk_segment_end(segment);
    out->len += len;
    return code;
}

/* Makes sure that there is somewhere to move to, when there is something to move. */
static enum sk_code prepare(struct sk_journal_writer *writer, int pipe_fd, struct sk_journal_filled *out,
                            bool *out_stop, struct sk_err *err)
{
    *out_stop = false;
    if (room(writer) > 0)
        return SK_OK;
    enum sk_code code = judge(sk_pipe_look(pipe_fd), out, out_stop, err);
    return code == SK_OK && !*out_stop ? begin_segment(writer, err) : code;
}

static enum sk_code check_disk(const struct sk_journal_writer *writer, struct sk_err *err)
{
    struct statvfs disk;
    if (fstatvfs(writer->dir, &disk) != 0)
        return SK_OK; /* it will show */
    uint64_t leave = (uint64_t)disk.f_blocks * disk.f_frsize / LEAVE_PART;
    if (leave > LEAVE_MOST)
        leave = LEAVE_MOST;
    if ((uint64_t)disk.f_bavail * disk.f_frsize >= leave)
        return SK_OK;
    return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, ENOSPC, "write the journal");
}

enum sk_code sk_journal_writer_fill(struct sk_journal_writer *writer, int pipe_fd, struct sk_wall at,
                                    struct sk_journal_filled *out, struct sk_err *err)
{
    enum sk_code code = SK_OK;
    bool stop = false;
    *out = (struct sk_journal_filled){0};
    if (at.ns < writer->latest.ns)
        at = writer->latest; /* the clock was set back: it stands still until it has caught up */
    code = judge(sk_pipe_look(pipe_fd), out, &stop, err);
    if (code == SK_OK && !stop)
        code = check_disk(writer, err);
    while (code == SK_OK && !stop && out->len < SK_JOURNAL_FILL_MAX) {
        code = prepare(writer, pipe_fd, out, &stop, err);
        if (code != SK_OK || stop)
            break;
        size_t max = SK_JOURNAL_FILL_MAX - out->len;
        if (max > room(writer))
            max = (size_t)room(writer);
        code = move(writer, pipe_fd, max, at, out, &stop, err);
    }
    if (out->len > 0)
        writer->latest = at;
    return code;
}

/* --- skipping ------------------------------------------------------------------------- */

/* Tries to leave the hole on the disk: a segment that begins behind it. The next fill tries again. */
static void mark_hole(struct sk_journal_writer *writer)
{
    struct sk_segment *newest = sk_row_newest(&writer->row);
    if (writer->files.data < 0 || newest->len > 0) {
        (void)!begin_segment(writer, NULL);
        return;
    }
    if (sk_segment_rename(writer->dir, newest->begin, writer->row.end, NULL) == SK_OK)
        newest->begin = writer->row.end;
    else
        sk_segment_close(&writer->files);
}

enum sk_code sk_journal_writer_skip(struct sk_journal_writer *writer, int pipe_fd,
                                    struct sk_journal_filled *out, struct sk_err *err)
{
    enum sk_code code = SK_OK;
    bool stop = false;
    *out = (struct sk_journal_filled){0};
    while (code == SK_OK && !stop && out->len < SK_JOURNAL_FILL_MAX) {
        ssize_t skipped = sk_pipe_skip(pipe_fd, SK_JOURNAL_FILL_MAX - out->len);
        code = judge(skipped, out, &stop, err);
        out->len += skipped > 0 ? (size_t)skipped : 0;
    }
    writer->row.end += out->len;
    if (out->len > 0)
        mark_hole(writer);
    return code;
}
