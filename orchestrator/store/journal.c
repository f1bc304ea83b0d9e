#include "store/journal_impl.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* --- opening --------------------------------------------------------------------------- */

struct opening {
    struct sk_work work;
    struct sk_done worked, *done;
    struct sk_journal *journal; /* owned until the work is done */
    struct sk_journal **out;
    const struct sk_log *log;
    char *path;
    uint64_t limit;
};

static enum sk_code open_folder(const char *path, int *out_dir, struct sk_err *err)
{
    if (mkdir(path, 0700) && errno != EEXIST)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "make the folder %s", path);
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "open the folder %s", path);
    *out_dir = dir;
    return SK_OK;
}

static void run_open(struct sk_work *work)
{
    struct opening *o = sk_container_of(work, struct opening, work);
    struct sk_journal *journal = o->journal;
    if (open_folder(o->path, &journal->dir, &work->err) != SK_OK)
        return;
    if (sk_journal_writer_open(&journal->writer, journal->dir, o->limit, o->log, &work->err) != SK_OK)
        (void)sk_err_wrap(&work->err, "open the journal %s", o->path);
}

static void opened(struct sk_done *worked, const struct sk_err *err)
{
    struct opening *o = sk_container_of(worked, struct opening, worked);
    struct sk_done *done = o->done;
    if (err) {
        sk_journal_free(o->journal);
        *o->out = NULL;
    } else {
        o->journal->row = o->journal->writer.row;
        *o->out = o->journal;
    }
    free(o->path);
    free(o);
    sk_done_fire(done, err);
}

void sk_journal_open(struct sk_loop *loop, const struct sk_log *log, const char *path, uint64_t limit,
                     struct sk_journal **out_journal, struct sk_done *done)
{
    struct opening *o = sk_alloc(sizeof(*o));
    assert(limit >= SK_JOURNAL_LIMIT_MIN);
    *o = (struct opening){
        .done = done, .out = out_journal, .log = log, .path = sk_strdup(path), .limit = limit};
    o->journal = sk_alloc(sizeof(*o->journal));
    o->journal->loop = loop;
    o->journal->dir = -1;
    o->journal->writer.files = (struct sk_segment_files){-1, -1};
    sk_done_init(&o->worked, opened);
    sk_work_start(loop, &o->work, run_open, &o->worked);
}

void sk_journal_free(struct sk_journal *journal)
{
    if (!journal)
        return;
    assert(!journal->writing && journal->asking == 0);
    sk_journal_writer_close(&journal->writer);
    sk_close_fd(&journal->dir);
    free(journal);
}

uint64_t sk_journal_begin(const struct sk_journal *journal)
{
    return sk_row_next(&journal->row, 0);
}

uint64_t sk_journal_end(const struct sk_journal *journal)
{
    return journal->row.end;
}

/* --- writing ---------------------------------------------------------------------------- */

static void run_fill(struct sk_work *work)
{
    struct sk_journal *journal = sk_container_of(work, struct sk_journal, work);
    (void)!sk_journal_writer_fill(&journal->writer, journal->pipe_fd, journal->at, &journal->filled,
                                  &work->err);
}

static void run_skip(struct sk_work *work)
{
    struct sk_journal *journal = sk_container_of(work, struct sk_journal, work);
    (void)!sk_journal_writer_skip(&journal->writer, journal->pipe_fd, &journal->filled, &work->err);
}

static void written(struct sk_done *worked, const struct sk_err *err)
{
    struct sk_journal *journal = sk_container_of(worked, struct sk_journal, worked);
    journal->row = journal->writer.row;
    journal->writing = false;
    *journal->out_filled = journal->filled;
    sk_done_fire(journal->done, err); /* may free the journal */
}

static void start_write(struct sk_journal *journal, void (*run)(struct sk_work *work), int pipe_fd,
                        struct sk_journal_filled *out, struct sk_done *done)
{
    assert(!journal->writing);
    journal->writing = true;
    journal->pipe_fd = pipe_fd;
    journal->at = sk_loop_wall(journal->loop);
    journal->out_filled = out;
    journal->done = done;
    sk_done_init(&journal->worked, written);
    sk_work_start(journal->loop, &journal->work, run, &journal->worked);
}

void sk_journal_fill(struct sk_journal *journal, int pipe_fd, struct sk_journal_filled *out,
                     struct sk_done *done)
{
    start_write(journal, run_fill, pipe_fd, out, done);
}

void sk_journal_skip(struct sk_journal *journal, int pipe_fd, struct sk_journal_filled *out,
                     struct sk_done *done)
{
    start_write(journal, run_skip, pipe_fd, out, done);
}
