/* blob_stream.c: the stream of messages that carries one blob into containerd.
 *
 * Bytes gather in `gathered` until they fill a message; a few messages may be
 * unanswered at a time, so that containerd never waits for us, and what lies
 * between is bounded. The first message only asks where to go on. */
#include "containerd/content.pb-c.h"
#include "drivers/containerd/blob_writer.h"

#include <string.h>

#define CHUNK          ((size_t)1 << 20)
#define UNANSWERED_MAX 4
#define STALL_LIMIT    SK_SEC(180) /* without any answer: a slow disk, a commit that syncs gigabytes */
#define LINGER_LIMIT   SK_SEC(10)  /* to bring to containerd what is to be kept */
/* The writer before us may still be dying: some five seconds. */
#define LOCKED_TRIES    28
#define LOCKED_PAUSE_MS 200

/* --- time ------------------------------------------------------------------------------------ */

static void stop_timer(struct sk_ctd_writer *w)
{
    sk_timer_stop(w->content->client->loop, &w->timer);
}

void sk_ctd_blob_stop(struct sk_ctd_writer *w)
{
    stop_timer(w);
    sk_stream_close(sk_take(w->stream));
}

static void on_stalled(struct sk_timer *timer)
{
    struct sk_ctd_writer *w = sk_container_of(timer, struct sk_ctd_writer, timer);
    struct sk_err err = {0};

    if (w->state == SK_CTD_WRITER_LINGERING) {
        sk_ctd_writer_free(w, true, NULL, NULL);
        return;
    }
    (void)sk_fail(&err, SK_UNAVAILABLE, "containerd does not take blob %s", w->digest);
    sk_ctd_writer_fail(w, &err);
    sk_ctd_blob_stop(w);
    sk_ctd_writer_answer_failure(w);
}

static void watch(struct sk_ctd_writer *w)
{
    struct sk_loop *loop = w->content->client->loop;

    if (w->state != SK_CTD_WRITER_LINGERING)
        sk_timer_start(loop, &w->timer, sk_instant_add(sk_loop_now(loop), STALL_LIMIT), on_stalled);
}

/* --- to containerd --------------------------------------------------------------------------- */

static size_t waiting(const struct sk_ctd_writer *w)
{
    return w->gathered.len - w->from;
}

/* Not at each message, or a long write would be moved again and again. */
static void drop_sent(struct sk_ctd_writer *w)
{
    size_t rest = waiting(w);

    if (w->from < rest)
        return;
    if (rest)
        memmove(w->gathered.data, w->gathered.data + w->from, rest);
    w->gathered.len = rest;
    w->from = 0;
}

static void send_message(struct sk_ctd_writer *w, Containerd__WriteAction action, size_t len)
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

static void send_next(struct sk_ctd_writer *w)
{
    size_t len = waiting(w) < CHUNK ? waiting(w) : CHUNK;
    bool is_last = waiting(w) == len;

    if (w->state == SK_CTD_WRITER_COMMITTING && is_last && w->sent + (int64_t)len == w->size && w->done) {
        send_message(w, CONTAINERD__WRITE_ACTION__WRITE_ACTION_COMMIT, len);
        sk_stream_half_close(w->stream);
        w->sent = -1; /* nothing goes after it */
    } else if (len == CHUNK || (w->state == SK_CTD_WRITER_LINGERING && len)) {
        send_message(w, CONTAINERD__WRITE_ACTION__WRITE_ACTION_WRITE, len);
    } else if (w->state == SK_CTD_WRITER_LINGERING) {
        sk_stream_half_close(w->stream);
    }
}

void sk_ctd_blob_pump(struct sk_ctd_writer *w)
{
    if (w->stream && !w->sending && w->sent >= 0 && w->unanswered < UNANSWERED_MAX && w->err.code == SK_OK)
        send_next(w);
    if (w->state == SK_CTD_WRITER_OPEN && w->done && waiting(w) < CHUNK)
        sk_ctd_writer_answer(w, NULL);
}

bool sk_ctd_blob_has_room(const struct sk_ctd_writer *w)
{
    return waiting(w) < CHUNK;
}

void sk_ctd_blob_linger(struct sk_ctd_writer *w)
{
    struct sk_loop *loop = w->content->client->loop;

    w->state = SK_CTD_WRITER_LINGERING;
    sk_timer_start(loop, &w->timer, sk_instant_add(sk_loop_now(loop), LINGER_LIMIT), on_stalled);
    sk_ctd_blob_pump(w);
}

/* --- from containerd ------------------------------------------------------------------------- */

static void on_opened(struct sk_ctd_writer *w, int64_t offset)
{
    if (offset < 0 || offset > w->size) {
        struct sk_err err = {0};
        (void)sk_fail(&err, SK_INTERNAL, "containerd has more of blob %s than there is", w->digest);
        sk_ctd_writer_fail(w, &err);
        sk_stream_cancel(w->stream);
        return;
    }
    w->state = SK_CTD_WRITER_OPEN;
    w->sent = w->base.offset = offset;
    *w->out = &w->base;
    sk_ctd_writer_answer(w, NULL);
}

static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct sk_ctd_writer *w = arg;
    const Containerd__WriteResponse *response = (const Containerd__WriteResponse *)message;

    sk_stream_want(w->stream);
    if (w->unanswered)
        w->unanswered--;
    stop_timer(w);
    if (w->unanswered || w->state == SK_CTD_WRITER_COMMITTING)
        watch(w);
    if (w->state == SK_CTD_WRITER_OPENING && !w->cancelled)
        on_opened(w, response->offset);
    else
        sk_ctd_blob_pump(w);
}

static void on_sent(void *arg)
{
    struct sk_ctd_writer *w = arg;

    w->sending = false;
    sk_ctd_blob_pump(w);
}

/* --- its end --------------------------------------------------------------------------------- */

static void on_pulse(struct sk_pulse_ear *ear)
{
    sk_ctd_writer_answer_failure(sk_container_of(ear, struct sk_ctd_writer, ear));
}

static void retry_later(struct sk_ctd_writer *w);

static void end_well(struct sk_ctd_writer *w)
{
    w->state = SK_CTD_WRITER_OVER;
    w->is_gone = true;
    sk_ctd_writer_answer(w, NULL);
}

static bool is_locked(const struct sk_ctd_writer *w, const struct sk_err *err)
{
    return w->state == SK_CTD_WRITER_OPENING && !w->cancelled && err->code == SK_UNAVAILABLE &&
           strstr(err->text, "locked") && w->tries < LOCKED_TRIES;
}

static void end_badly(struct sk_ctd_writer *w, struct sk_err *err)
{
    bool is_wrong = w->state == SK_CTD_WRITER_COMMITTING && err->code == SK_FAILED_PRECONDITION;

    if (is_wrong)
        (void)sk_fail(err, SK_DATA_LOSS, "what came is not blob %s", w->digest);
    sk_ctd_content_judge(err);
    sk_ctd_writer_fail(w, err);
    if (is_wrong)
        sk_ctd_writer_throw_away(w);
    else if (sk_ctd_is_doubtful(w->content->client, w->err.code))
        sk_pulse_feel(&w->content->client->pulse, &w->ear);
    else
        sk_ctd_writer_answer_failure(w);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct sk_ctd_writer *w = arg;
    struct sk_err said = err ? *err : (struct sk_err){0};

    sk_ctd_blob_stop(w);
    if (w->state == SK_CTD_WRITER_LINGERING) {
        sk_ctd_writer_free(w, true, NULL, NULL);
        return;
    }
    if (w->err.code == SK_OK && err && is_locked(w, err)) {
        retry_later(w);
        return;
    }
    if (w->state == SK_CTD_WRITER_COMMITTING && w->err.code == SK_OK &&
        (!err || err->code == SK_ALREADY_EXISTS)) {
        end_well(w);
        return;
    }
    if (!err)
        (void)sk_fail(&said, SK_UNAVAILABLE, "containerd ended the write");
    (void)sk_err_wrap(&said, "containerd content.v1.Content/Write");
    end_badly(w, &said);
}

/* --- its beginning --------------------------------------------------------------------------- */

static void open_stream(struct sk_ctd_writer *w)
{
    static const struct sk_stream_events events = {on_message, on_sent, on_end};
    const struct sk_header headers[] = {{SK_CTD_LEASE_HEADER, w->note->lease}, {NULL, NULL}};

    w->state = SK_CTD_WRITER_OPENING;
    w->unanswered = 0;
    w->ear.fn = on_pulse;
    w->stream = sk_stream_open(w->content->client->bulk, sk_ctd_method(SK_CTD_CONTENT_WRITE), headers,
                               SK_NS(0), &events, w);
    sk_stream_want(w->stream);
    send_message(w, CONTAINERD__WRITE_ACTION__WRITE_ACTION_STAT, 0);
}

void sk_ctd_blob_open(struct sk_ctd_writer *w)
{
    if (w->note->is_aborting && w->tries < LOCKED_TRIES)
        retry_later(w);
    else
        open_stream(w);
}

static void on_pause_over(struct sk_timer *timer)
{
    sk_ctd_blob_open(sk_container_of(timer, struct sk_ctd_writer, timer));
}

static void retry_later(struct sk_ctd_writer *w)
{
    struct sk_loop *loop = w->content->client->loop;
    struct sk_duration pause = SK_MSEC(w->tries < 4 ? 10 << w->tries : LOCKED_PAUSE_MS);

    w->state = SK_CTD_WRITER_PAUSING;
    w->tries++;
    sk_timer_start(loop, &w->timer, sk_instant_add(sk_loop_now(loop), pause), on_pause_over);
}
