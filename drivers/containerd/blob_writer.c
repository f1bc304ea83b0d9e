/* blob_writer.c: blobs on their way into containerd, each by a stream of its own.
 *
 * Bytes gather in `gathered` until they fill a message; a few messages may be
 * unanswered at a time, so that containerd never waits for us, and what lies
 * between is bounded. The first message only asks where to go on. */
#include "base/buf.h"
#include "containerd/content.pb-c.h"
#include "drivers/containerd/content.h"

#include <assert.h>
#include <string.h>

#define CHUNK          ((size_t)1 << 20)
#define UNANSWERED_MAX 4
#define STALL_LIMIT    SK_SEC(180) /* without any answer: a slow disk, a commit that syncs gigabytes */
#define LINGER_LIMIT   SK_SEC(10)  /* to bring to containerd what is to be kept */
/* The writer before us may still be dying: some five seconds. */
#define LOCKED_TRIES    28
#define LOCKED_PAUSE_MS 200

enum state {
    OPENING,
    PAUSING, /* until the next try to open */
    OPEN,
    COMMITTING,
    ABORTING,  /* throws away what was not right */
    LINGERING, /* closed by its owner, who wants it kept */
    OVER,
};

struct writer {
    struct sk_blob_writer base;
    struct sk_ctd_content *content;
    struct sk_ctd_write *note;
    struct sk_stream_call *stream;
    enum state state;
    char *digest;
    int64_t size, sent; /* sent: where the next message goes */
    struct sk_buf gathered;
    size_t from; /* of what was gathered, where the unsent begins */
    unsigned unanswered, tries;
    bool sending, cancelled;
    bool is_gone;         /* nothing is left to throw away: committed, or thrown away */
    bool is_orphan;       /* closed while it was being thrown away */
    struct sk_err err;    /* the first; SK_OK = none */
    struct sk_done *done; /* of the call under way; NULL = none */
    struct sk_blob_writer **out;
    struct sk_done aborted;
    struct sk_timer timer;
    struct sk_pulse_ear ear;
};

static void open_stream(struct writer *w);
static void pump(struct writer *w);

/* --- the end ---------------------------------------------------------------------------- */

static void stop_timer(struct writer *w)
{
    sk_timer_stop(w->content->client->loop, &w->timer);
}

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

/* Answers `done`, if there is one; the client may be closed from then on. */
static void free_writer(struct writer *w, bool is_kept, struct sk_done *done, const struct sk_err *err)
{
    struct sk_ctd_client *client = w->content->client;

    stop_timer(w);
    sk_list_remove(&w->ear.link);
    sk_stream_close(w->stream);
    sk_ctd_write_leave(w->note, is_kept);
    sk_buf_fini(&w->gathered);
    free(w->digest);
    free(w);
    sk_ctd_let_go(client, done ? done : nobody(), err);
}

/* Answers the call under way, from a callback of the loop. */
static void answer(struct writer *w, const struct sk_err *err)
{
    struct sk_done *done = sk_take(w->done);

    if (done)
        sk_done_fire(done, err);
}

static void fail(struct writer *w, const struct sk_err *err)
{
    if (w->err.code == SK_OK)
        w->err = *err;
}

/* The stream is over and w->err says why. */
static void answer_failure(struct writer *w)
{
    struct sk_err err = w->err;
    bool was_opening = w->state == OPENING;

    w->state = OVER;
    if (was_opening)
        free_writer(w, err.code != SK_ALREADY_EXISTS, sk_take(w->done), &err);
    else
        answer(w, &err);
}

static void on_pulse(struct sk_pulse_ear *ear)
{
    answer_failure(sk_container_of(ear, struct writer, ear));
}

static void abort_write(struct sk_ctd_content *content, const char *ref, struct sk_done *done)
{
    Containerd__AbortWriteRequest request = CONTAINERD__ABORT_WRITE_REQUEST__INIT;

    request.ref = (char *)ref;
    sk_ctd_call(content->client,
                &(struct sk_ctd_ask){
                    .method = SK_CTD_CONTENT_ABORT, .forgive = SK_FORGIVE(SK_NOT_FOUND), .can_cancel = true},
                &request.base, done);
}

/* --- the stream's --------------------------------------------------------------------------- */

static void on_stalled(struct sk_timer *timer)
{
    struct writer *w = sk_container_of(timer, struct writer, timer);
    struct sk_err err = {0};

    if (w->state == LINGERING) {
        free_writer(w, true, NULL, NULL);
        return;
    }
    (void)sk_fail(&err, SK_UNAVAILABLE, "containerd does not take blob %s", w->digest);
    fail(w, &err);
    sk_stream_close(sk_take(w->stream));
    answer_failure(w);
}

static void watch(struct writer *w)
{
    struct sk_loop *loop = w->content->client->loop;

    if (w->state != LINGERING)
        sk_timer_start(loop, &w->timer, sk_instant_add(sk_loop_now(loop), STALL_LIMIT), on_stalled);
}

static size_t waiting(const struct writer *w)
{
    return w->gathered.len - w->from;
}

/* Not at each message, or a long write would be moved again and again. */
static void drop_sent(struct writer *w)
{
    size_t rest = waiting(w);

    if (w->from < rest)
        return;
    if (rest)
        memmove(w->gathered.data, w->gathered.data + w->from, rest);
    w->gathered.len = rest;
    w->from = 0;
}

static void send_message(struct writer *w, Containerd__WriteAction action, size_t len)
{
    Containerd__WriteRequest request = CONTAINERD__WRITE_REQUEST__INIT;

    request.action = action;
    request.ref = w->note->ref;
    request.total = w->size;
    request.offset = w->sent;
    if (len)
        request.data = (ProtobufCBinaryData){.len = len, .data = w->gathered.data + w->from};
    /* Said again, it would be looked up again. */
    if (action == CONTAINERD__WRITE_ACTION__WRITE_ACTION_STAT)
        request.expected = w->digest;
    w->sending = true;
    w->unanswered++;
    w->sent += (int64_t)len;
    w->from += len;
    sk_stream_send(w->stream, &request.base);
    drop_sent(w);
    watch(w);
}

static void on_opened(struct writer *w, int64_t offset)
{
    if (offset < 0 || offset > w->size) {
        struct sk_err err = {0};
        (void)sk_fail(&err, SK_INTERNAL, "containerd has more of blob %s than there is", w->digest);
        fail(w, &err);
        sk_stream_cancel(w->stream);
        return;
    }
    w->state = OPEN;
    w->sent = w->base.offset = offset;
    *w->out = &w->base;
    answer(w, NULL);
}

static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct writer *w = arg;
    const Containerd__WriteResponse *response = (const Containerd__WriteResponse *)message;

    sk_stream_want(w->stream);
    if (w->unanswered)
        w->unanswered--;
    stop_timer(w);
    if (w->unanswered || w->state == COMMITTING)
        watch(w);
    if (w->state == OPENING && !w->cancelled)
        on_opened(w, response->offset);
    else
        pump(w);
}

static void on_sent(void *arg)
{
    struct writer *w = arg;

    w->sending = false;
    pump(w);
}

/* What is said of it in the end. */
static void on_aborted(struct sk_done *aborted, const struct sk_err *err)
{
    struct writer *w = sk_container_of(aborted, struct writer, aborted);

    w->note->is_aborting = false;
    w->is_gone = !err; /* else it is litter */
    if (w->is_orphan)
        free_writer(w, !w->is_gone, NULL, NULL);
    else
        answer_failure(w);
}

static void end_well(struct writer *w)
{
    w->state = OVER;
    w->is_gone = true;
    answer(w, NULL);
}

static void throw_away(struct writer *w)
{
    w->state = ABORTING;
    w->note->is_aborting = true;
    sk_done_init(&w->aborted, on_aborted);
    abort_write(w->content, w->note->ref, &w->aborted);
}

static void retry_later(struct writer *w);

static bool is_locked(const struct writer *w, const struct sk_err *err)
{
    return w->state == OPENING && !w->cancelled && err->code == SK_UNAVAILABLE &&
           strstr(err->text, "locked") && w->tries < LOCKED_TRIES;
}

static void end_badly(struct writer *w, struct sk_err *err)
{
    bool is_wrong = w->state == COMMITTING && err->code == SK_FAILED_PRECONDITION;

    if (is_wrong)
        (void)sk_fail(err, SK_DATA_LOSS, "what came is not blob %s", w->digest);
    sk_ctd_content_judge(err);
    fail(w, err);
    if (is_wrong)
        throw_away(w);
    else if (sk_ctd_is_doubtful(w->content->client, w->err.code))
        sk_pulse_feel(&w->content->client->pulse, &w->ear);
    else
        answer_failure(w);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct writer *w = arg;
    struct sk_err said = err ? *err : (struct sk_err){0};

    stop_timer(w);
    sk_stream_close(sk_take(w->stream));
    if (w->state == LINGERING) {
        free_writer(w, true, NULL, NULL);
        return;
    }
    if (w->err.code == SK_OK && err && is_locked(w, err)) {
        retry_later(w);
        return;
    }
    if (w->state == COMMITTING && w->err.code == SK_OK && (!err || err->code == SK_ALREADY_EXISTS)) {
        end_well(w);
        return;
    }
    if (!err)
        (void)sk_fail(&said, SK_UNAVAILABLE, "containerd ended the write");
    (void)sk_err_wrap(&said, "containerd content.v1.Content/Write");
    end_badly(w, &said);
}

/* --- open --------------------------------------------------------------------------------------- */

static void open_stream(struct writer *w)
{
    static const struct sk_stream_events events = {on_message, on_sent, on_end};
    const struct sk_header headers[] = {{SK_CTD_LEASE_HEADER, w->note->lease}, {NULL, NULL}};

    w->state = OPENING;
    w->unanswered = 0;
    w->stream = sk_stream_open(w->content->client->bulk, sk_ctd_method(SK_CTD_CONTENT_WRITE), headers,
                               SK_NS(0), &events, w);
    sk_stream_want(w->stream);
    send_message(w, CONTAINERD__WRITE_ACTION__WRITE_ACTION_STAT, 0);
}

static void open_or_wait(struct writer *w)
{
    if (w->note->is_aborting && w->tries < LOCKED_TRIES)
        retry_later(w);
    else
        open_stream(w);
}

static void on_pause_over(struct sk_timer *timer)
{
    open_or_wait(sk_container_of(timer, struct writer, timer));
}

static void retry_later(struct writer *w)
{
    struct sk_loop *loop = w->content->client->loop;
    struct sk_duration pause = SK_MSEC(w->tries < 4 ? 10 << w->tries : LOCKED_PAUSE_MS);

    w->state = PAUSING;
    w->tries++;
    sk_timer_start(loop, &w->timer, sk_instant_add(sk_loop_now(loop), pause), on_pause_over);
}

static void on_cancelled(struct sk_timer *timer)
{
    struct writer *w = sk_container_of(timer, struct writer, timer);

    if (w->state == PAUSING)
        w->state = OPENING;
    answer_failure(w);
}

/* Of any call of a writer. The stream's end is not waited for: while the connection is full of what
 * containerd does not read, gRPC does not report it. */
static void cancel(struct sk_done *done)
{
    struct writer *w = done->callee;
    struct sk_loop *loop = w->content->client->loop;
    struct sk_err err = {0};

    w->cancelled = true;
    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    fail(w, &err);
    if (w->state == ABORTING) {
        sk_done_cancel(&w->aborted);
    } else if (w->state == PAUSING || w->stream) {
        sk_stream_close(sk_take(w->stream));
        sk_timer_start(loop, &w->timer, sk_loop_now(loop), on_cancelled);
    }
}

static void begin(struct writer *w, struct sk_done *done)
{
    assert(!w->done);
    w->done = done;
    done->callee = w;
    done->cancel = cancel;
}

void sk_ctd_open_blob(struct sk_content *base, const struct sk_blob_ask *ask, struct sk_blob_writer **out,
                      struct sk_done *done)
{
    struct writer *w = sk_alloc(sizeof(*w));

    w->base.content = base;
    w->content = sk_ctd_content_of(base);
    w->note = sk_ctd_write_note(w->content, ask);
    w->digest = sk_strdup(ask->digest);
    w->size = ask->size;
    w->out = out;
    w->ear.fn = on_pulse;
    sk_buf_init(&w->gathered, SIZE_MAX / 2);
    sk_ctd_hold(w->content->client);
    begin(w, done);
    open_or_wait(w);
}

/* --- write ---------------------------------------------------------------------------------------- */

static struct writer *writer_of(struct sk_blob_writer *base)
{
    return sk_container_of(base, struct writer, base);
}

static void send_next(struct writer *w)
{
    size_t len = waiting(w) < CHUNK ? waiting(w) : CHUNK;
    bool is_last = waiting(w) == len;

    if (w->state == COMMITTING && is_last && w->sent + (int64_t)len == w->size && w->done) {
        send_message(w, CONTAINERD__WRITE_ACTION__WRITE_ACTION_COMMIT, len);
        sk_stream_half_close(w->stream);
        w->sent = -1; /* nothing goes after it */
    } else if (len == CHUNK || (w->state == LINGERING && len)) {
        send_message(w, CONTAINERD__WRITE_ACTION__WRITE_ACTION_WRITE, len);
    } else if (w->state == LINGERING) {
        sk_stream_half_close(w->stream);
    }
}

/* Sends what may be sent, and answers a write when there is room again. */
static void pump(struct writer *w)
{
    if (w->stream && !w->sending && w->sent >= 0 && w->unanswered < UNANSWERED_MAX && w->err.code == SK_OK)
        send_next(w);
    if (w->state == OPEN && w->done && waiting(w) < CHUNK)
        answer(w, NULL);
}

void sk_ctd_write_blob(struct sk_blob_writer *base, const uint8_t *data, size_t len, struct sk_done *done)
{
    struct writer *w = writer_of(base);
    struct sk_loop *loop = w->content->client->loop;
    struct sk_err err = w->err;

    if (err.code == SK_OK && (w->state != OPEN || (int64_t)len > w->size - w->base.offset))
        (void)sk_fail(&err, SK_FAILED_PRECONDITION, "blob %s: more bytes than were announced", w->digest);
    if (err.code != SK_OK) {
        sk_done_later(loop, done, &err);
        return;
    }
    (void)!sk_buf_append(&w->gathered, data, len); /* its ceiling is never met */
    w->base.offset += (int64_t)len;
    if (!w->sending && w->unanswered < UNANSWERED_MAX)
        send_next(w);
    if (waiting(w) < CHUNK)
        sk_done_later(loop, done, NULL);
    else
        begin(w, done);
}

void sk_ctd_commit_blob(struct sk_blob_writer *base, struct sk_done *done)
{
    struct writer *w = writer_of(base);
    struct sk_err err = w->err;

    if (err.code == SK_OK && w->state != OPEN)
        (void)sk_fail(&err, SK_FAILED_PRECONDITION, "the write of blob %s is over", w->digest);
    if (err.code != SK_OK) {
        sk_done_later(w->content->client->loop, done, &err);
        return;
    }
    begin(w, done);
    w->state = COMMITTING;
    if (w->base.offset == w->size) {
        pump(w);
        return;
    }
    (void)sk_fail(&err, SK_DATA_LOSS, "blob %s: only %lld of %lld bytes came", w->digest,
                  (long long)w->base.offset, (long long)w->size);
    fail(w, &err);
    sk_stream_close(sk_take(w->stream));
    stop_timer(w);
    throw_away(w);
}

/* --- close ------------------------------------------------------------------------------------------ */

/* Brings what was gathered to containerd, and lets go of the write there. */
static void linger(struct writer *w)
{
    struct sk_loop *loop = w->content->client->loop;

    w->state = LINGERING;
    sk_timer_start(loop, &w->timer, sk_instant_add(sk_loop_now(loop), LINGER_LIMIT), on_stalled);
    pump(w);
}

void sk_ctd_close_blob(struct sk_blob_writer *writer_take, bool keep)
{
    if (!writer_take)
        return;
    struct writer *w = writer_of(writer_take);
    w->done = NULL;
    if (w->state == ABORTING) {
        w->is_orphan = true;
    } else if (keep && w->state == OPEN && w->stream && w->err.code == SK_OK) {
        linger(w);
    } else if (keep || w->is_gone) {
        free_writer(w, !w->is_gone, NULL, NULL);
    } else {
        w->is_orphan = true;
        stop_timer(w);
        sk_list_remove(&w->ear.link);
        sk_stream_close(sk_take(w->stream));
        throw_away(w);
    }
}
