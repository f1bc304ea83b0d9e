/* blob_writer.c: blobs on their way into containerd, as their owners see them: open, write, commit, close. */
#include "drivers/containerd/blob_writer.h"

#include <assert.h>

/* --- the end ---------------------------------------------------------------------------- */

static void on_freed(struct sk_done *freed, const struct sk_err *err)
{
    (void)err;
    free(freed);
}

static struct sk_done *nobody(void)
{
    struct sk_done *done = sk_alloc(sizeof(*done));

    sk_done_init(done, on_freed);
    return done;
}

void sk_ctd_writer_free(struct sk_ctd_writer *w, bool is_kept, struct sk_done *done, const struct sk_err *err)
{
    struct sk_ctd_client *client = w->content->client;

    sk_ctd_blob_stop(w);
    sk_list_remove(&w->ear.link);
    sk_ctd_write_leave(w->note, is_kept);
    sk_buf_fini(&w->gathered);
    free(w->digest);
    free(w);
    sk_ctd_let_go(client, done ? done : nobody(), err);
}

void sk_ctd_writer_answer(struct sk_ctd_writer *w, const struct sk_err *err)
{
    struct sk_done *done = sk_take(w->done);

    if (done)
        sk_done_fire(done, err);
}

void sk_ctd_writer_fail(struct sk_ctd_writer *w, const struct sk_err *err)
{
    if (w->err.code == SK_OK)
        w->err = *err;
}

void sk_ctd_writer_answer_failure(struct sk_ctd_writer *w)
{
    struct sk_err err = w->err;
    bool was_opening = w->state == SK_CTD_WRITER_OPENING;

    w->state = SK_CTD_WRITER_OVER;
    if (was_opening)
        sk_ctd_writer_free(w, err.code != SK_ALREADY_EXISTS, sk_take(w->done), &err);
    else
        sk_ctd_writer_answer(w, &err);
}

/* What is said of it in the end. */
static void on_aborted(struct sk_done *aborted, const struct sk_err *err)
{
    struct sk_ctd_writer *w = sk_container_of(aborted, struct sk_ctd_writer, aborted);

    w->note->is_aborting = false;
    w->is_gone = !err; /* else it is litter */
    if (w->is_orphan)
        sk_ctd_writer_free(w, !w->is_gone, NULL, NULL);
    else
        sk_ctd_writer_answer_failure(w);
}

void sk_ctd_writer_throw_away(struct sk_ctd_writer *w)
{
    w->state = SK_CTD_WRITER_ABORTING;
    w->note->is_aborting = true;
    sk_done_init(&w->aborted, on_aborted);
    sk_ctd_write_abort(w->content->client, w->note->ref, &w->aborted);
}

/* --- open ------------------------------------------------------------------------------- */

static void on_cancelled(struct sk_timer *timer)
{
    struct sk_ctd_writer *w = sk_container_of(timer, struct sk_ctd_writer, timer);

    if (w->state == SK_CTD_WRITER_PAUSING)
        w->state = SK_CTD_WRITER_OPENING;
    sk_ctd_writer_answer_failure(w);
}

/* Of any call of a writer. The stream's end is not waited for: while the connection is full of what
 * containerd does not read, gRPC does not report it. */
static void cancel(struct sk_done *done)
{
    struct sk_ctd_writer *w = done->callee;
    struct sk_loop *loop = w->content->client->loop;
    struct sk_err err = {0};

    w->cancelled = true;
    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_ctd_writer_fail(w, &err);
    if (w->state == SK_CTD_WRITER_ABORTING) {
        sk_done_cancel(&w->aborted);
    } else if (w->state == SK_CTD_WRITER_PAUSING || w->stream) {
        sk_ctd_blob_stop(w);
        sk_timer_start(loop, &w->timer, sk_loop_now(loop), on_cancelled);
    }
}

static void begin(struct sk_ctd_writer *w, struct sk_done *done)
{
    assert(!w->done);
    w->done = done;
    done->callee = w;
    done->cancel = cancel;
}

void sk_ctd_open_blob(struct sk_content *base, const struct sk_blob_ask *ask, struct sk_blob_writer **out,
                      struct sk_done *done)
{
    struct sk_ctd_writer *w = sk_alloc(sizeof(*w));

    w->base.content = base;
    w->content = sk_ctd_content_of(base);
    w->note = sk_ctd_write_note(w->content, ask);
    w->digest = sk_strdup(ask->digest);
    w->size = ask->size;
    w->out = out;
    sk_buf_init(&w->gathered, SIZE_MAX / 2);
    sk_ctd_hold(w->content->client);
    begin(w, done);
    sk_ctd_blob_open(w);
}

/* --- write, commit ---------------------------------------------------------------------- */

static struct sk_ctd_writer *writer_of(struct sk_blob_writer *base)
{
    return sk_container_of(base, struct sk_ctd_writer, base);
}

void sk_ctd_write_blob(struct sk_blob_writer *base, const uint8_t *data, size_t len, struct sk_done *done)
{
    struct sk_ctd_writer *w = writer_of(base);
    struct sk_loop *loop = w->content->client->loop;
    struct sk_err err = w->err;

    if (err.code == SK_OK && (w->state != SK_CTD_WRITER_OPEN || (int64_t)len > w->size - w->base.offset))
        (void)sk_fail(&err, SK_FAILED_PRECONDITION, "blob %s: more bytes than were announced", w->digest);
    if (err.code != SK_OK) {
        sk_done_later(loop, done, &err);
        return;
    }
    (void)!sk_buf_append(&w->gathered, data, len); /* its ceiling is never met */
    w->base.offset += (int64_t)len;
    sk_ctd_blob_pump(w);
    if (sk_ctd_blob_has_room(w))
        sk_done_later(loop, done, NULL);
    else
        begin(w, done);
}

void sk_ctd_commit_blob(struct sk_blob_writer *base, struct sk_done *done)
{
    struct sk_ctd_writer *w = writer_of(base);
    struct sk_err err = w->err;

    if (err.code == SK_OK && w->state != SK_CTD_WRITER_OPEN)
        (void)sk_fail(&err, SK_FAILED_PRECONDITION, "the write of blob %s is over", w->digest);
    if (err.code != SK_OK) {
        sk_done_later(w->content->client->loop, done, &err);
        return;
    }
    begin(w, done);
    w->state = SK_CTD_WRITER_COMMITTING;
    if (w->base.offset == w->size) {
        sk_ctd_blob_pump(w);
        return;
    }
    (void)sk_fail(&err, SK_DATA_LOSS, "blob %s: only %lld of %lld bytes came", w->digest,
                  (long long)w->base.offset, (long long)w->size);
    sk_ctd_writer_fail(w, &err);
    sk_ctd_blob_stop(w);
    sk_ctd_writer_throw_away(w);
}

/* --- close ------------------------------------------------------------------------------ */

void sk_ctd_close_blob(struct sk_blob_writer *writer_take, bool keep)
{
    if (!writer_take)
        return;
    struct sk_ctd_writer *w = writer_of(writer_take);
    w->done = NULL;
    if (w->state == SK_CTD_WRITER_ABORTING) {
        w->is_orphan = true;
    } else if (keep && w->state == SK_CTD_WRITER_OPEN && w->stream && w->err.code == SK_OK) {
        sk_ctd_blob_linger(w);
    } else if (keep || w->is_gone) {
        sk_ctd_writer_free(w, !w->is_gone, NULL, NULL);
    } else {
        w->is_orphan = true;
        sk_list_remove(&w->ear.link);
        sk_ctd_blob_stop(w);
        sk_ctd_writer_throw_away(w);
    }
}
