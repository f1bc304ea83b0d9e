#include "drivers/images/fetch.h"

#include "drivers/images/fault.h"
#include "loop/op.h"

#include <string.h>

#define TRIES_MAX 16 /* more mirrors than anybody has */

/* How much must come in what time before another registry is asked, if one is known. */
#define SLOW_AFTER SK_SEC(20)
#define SLOW_BYTES ((int64_t)4 * 1024 * 1024)

struct fetch {
    struct sk_op op;
    struct sk_done over;
    struct sk_done *run; /* the flight's */
    struct sk_images_driver *driver;
    struct sk_flight *flight;
    struct sk_fetch_ask ask; /* lease and source: a reference each; bytes: not used */
    struct sk_oci_descriptor what;
    struct sk_blob_writer *writer; /* NULL after the opening: the blob is there */
    struct sk_registry_sink sink;
    struct sk_registry_blob *blob; /* while it comes */
    struct sk_buf waiting;         /* bytes that have come and are not written */
    struct sk_done came, wrote;
    struct sk_done *filled;  /* of the step that moves the bytes */
    struct sk_err fault;     /* the first one while they move */
    struct sk_err lie;       /* what the first wrong bytes were found by; SK_OK: none were */
    struct sk_source *other; /* of somebody who waits too; NULL: all have the same */
    struct sk_timer slow;
    int64_t slow_from; /* bytes that were there when it began */
    bool is_turning;   /* from one source to the other */
    bool is_coming, is_writing, is_held;
    bool was_kept; /* it began with what an earlier fetch had kept */
    bool has_come; /* all of it, by this try */
    bool is_cancelled;
    unsigned tries;
    int64_t began_at;        /* bytes that were there when this try began … */
    size_t taken;            /* … and that it was sent */
    unsigned skip, endpoint; /* endpoints whose bytes proved wrong; the one that answers */
};

static struct fetch *fetch_of(struct sk_op *op)
{
    return sk_container_of(op, struct fetch, op);
}

static struct sk_content *content_of(const struct fetch *f)
{
    return f->driver->content;
}

void sk_fetch_waiter_count(struct sk_fetch_waiter *waiter, int64_t at)
{
    if (at <= waiter->counted)
        return;
    if (waiter->progress)
        *waiter->progress += at - waiter->counted;
    waiter->counted = at;
}

/* What lies in the store, is being written, or waits to be. */
static int64_t bytes_of(const struct fetch *f)
{
    return f->began_at + (int64_t)f->taken;
}

static void tell_progress(struct fetch *f)
{
    int64_t at = bytes_of(f);

    sk_list_each(&f->flight->waiters, link)
        sk_fetch_waiter_count(sk_container_of(link, struct sk_fetch_waiter, waiter.link), at);
}

/* --- the writer ------------------------------------------------------------------------ */

static void on_opened(struct sk_done *came, const struct sk_err *err)
{
    struct fetch *f = sk_container_of(came, struct fetch, came);
    struct sk_done *step = sk_take(f->filled);

    if (err && err->code == SK_ALREADY_EXISTS)
        err = NULL;
    if (!err && f->writer) {
        f->began_at = f->writer->offset;
        f->was_kept = f->began_at > 0;
        tell_progress(f);
    }
    sk_done_fire(step, err);
}

static void cancel_open(struct sk_done *step)
{
    struct fetch *f = step->callee;
    sk_done_cancel(&f->came);
}

static void open_writer(struct sk_op *op, struct sk_done *done)
{
    struct fetch *f = fetch_of(op);
    struct sk_blob_ask ask = {f->ask.lease->id, f->what.digest, f->what.size};

    f->filled = done;
    done->callee = f;
    done->cancel = cancel_open;
    sk_done_init(&f->came, on_opened);
    content_of(f)->ops->open_blob(content_of(f), &ask, &f->writer, &f->came);
}

static void close_writer(struct sk_op *op, struct sk_done *done)
{
    struct fetch *f = fetch_of(op);
    bool is_limited = f->ask.source && f->ask.source->is_limited;

    content_of(f)->ops->close(sk_take(f->writer), !sk_fault_is_lasting(&op->err, is_limited));
    sk_done_later(f->driver->loop, done, NULL);
}

/* --- the bytes -------------------------------------------------------------------------- */

static void move(struct fetch *f);

static void note_fault(struct fetch *f, const struct sk_err *err)
{
    if (err && f->fault.code == SK_OK)
        f->fault = *err;
}

static void on_wrote(struct sk_done *wrote, const struct sk_err *err)
{
    struct fetch *f = sk_container_of(wrote, struct fetch, wrote);

    f->is_writing = false;
    note_fault(f, err);
    move(f);
}

static void ask_registry(struct fetch *f);

static void swap_sources(struct fetch *f)
{
    struct sk_source *before = f->ask.source;

    f->ask.source = f->other;
    f->other = before;
    f->skip = f->endpoint = 0;
}

/* What came from the one stays, and if it proves wrong nobody knows whose it was. */
static void turn(struct fetch *f)
{
    swap_sources(f);
    f->is_held = false;
    f->was_kept = true;
    ask_registry(f);
}

static void on_came(struct sk_done *came, const struct sk_err *err)
{
    struct fetch *f = sk_container_of(came, struct fetch, came);

    bool is_turning = f->is_turning && f->fault.code == SK_OK;

    f->is_coming = f->is_turning = false;
    f->blob = NULL;
    if (err && is_turning) {
        turn(f);
        return;
    }
    if (err && err->code == SK_RESOURCE_EXHAUSTED)
        f->ask.source->is_limited = true;
    note_fault(f, err);
    move(f);
}

static void take_bytes(struct sk_registry_sink *sink, const uint8_t *data, size_t len)
{
    struct fetch *f = sk_container_of(sink, struct fetch, sink);
    struct sk_err err;

    f->taken += len;
    if (f->fault.code != SK_OK)
        return;
    tell_progress(f);
    if (sk_buf_append(&f->waiting, data, len) != SK_OK) {
        (void)sk_fail(&err, SK_INTERNAL, "the registry's answer does not stop when it is held");
        note_fault(f, &err);
    }
    if (f->waiting.len >= SK_FETCH_HIGH && f->is_writing && !f->is_held) {
        f->is_held = true;
        sk_registry_pause(f->blob);
    }
    move(f);
}

static void write_piece(struct fetch *f)
{
    sk_done_init(&f->wrote, on_wrote);
    f->is_writing = true;
    content_of(f)->ops->write(f->writer, f->waiting.data, f->waiting.len, &f->wrote);
    sk_buf_clear(&f->waiting);
    if (f->is_held && f->is_coming) {
        f->is_held = false;
        sk_registry_resume(f->blob);
    }
}

/* Ends the step once nothing is under way any more. */
static void finish_move(struct fetch *f)
{
    struct sk_done *done;

    if (f->is_coming || f->is_writing)
        return;
    sk_buf_fini(&f->waiting);
    done = sk_take(f->filled);
    sk_done_fire(done, f->fault.code == SK_OK ? NULL : &f->fault);
}

/* What can go on now does. */
static void move(struct fetch *f)
{
    bool is_piece = f->waiting.len >= SK_FETCH_PIECE || (!f->is_coming && f->waiting.len > 0);

    if (f->fault.code != SK_OK) {
        if (f->is_coming)
            sk_done_cancel(&f->came);
        finish_move(f);
    } else if (is_piece && !f->is_writing) {
        write_piece(f);
    } else if (f->waiting.len == 0 || f->is_writing) {
        finish_move(f);
    }
}

static void cancel_move(struct sk_done *done)
{
    struct fetch *f = done->callee;
    struct sk_err err;

    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    note_fault(f, &err);
    if (f->is_coming)
        sk_done_cancel(&f->came);
    if (f->is_writing)
        sk_done_cancel(&f->wrote);
}

static void ask_registry(struct fetch *f)
{
    struct sk_registry_ask ask = {&f->ask.source->reference, f->ask.source->login, f->skip};

    f->sink.take = take_bytes;
    f->is_coming = true;
    sk_done_init(&f->came, on_came);
    f->blob = sk_registry_blob(f->driver->registry, &ask, f->what.digest, f->what.size, bytes_of(f), &f->sink,
                               &f->endpoint, &f->came);
}

/* What the store has kept of it already. */
static void leave_out(struct sk_buf *buf, size_t len)
{
    memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
}

static void move_bytes(struct sk_op *op, struct sk_done *done)
{
    struct fetch *f = fetch_of(op);
    bool is_whole = !f->writer || f->writer->offset == f->what.size;

    if (is_whole) {
        sk_buf_fini(&f->waiting);
        sk_done_later(f->driver->loop, done, NULL);
        return;
    }
    f->filled = done;
    done->callee = f;
    done->cancel = cancel_move;
    f->fault = (struct sk_err){0};
    f->is_held = false;
    if (f->ask.source) {
        sk_buf_init(&f->waiting, 4 * SK_FETCH_HIGH);
        if (f->other && f->ask.source->is_slow && !f->other->is_slow)
            swap_sources(f);
        ask_registry(f);
    } else {
        leave_out(&f->waiting, (size_t)f->writer->offset);
        write_piece(f);
    }
}

static void commit(struct sk_op *op, struct sk_done *done)
{
    struct fetch *f = fetch_of(op);

    f->has_come = true;
    if (f->writer)
        content_of(f)->ops->commit(f->writer, done);
    else
        sk_done_later(f->driver->loop, done, NULL);
}

static const struct sk_step steps[] = {
    {"open", open_writer, close_writer},
    {"bytes", move_bytes, NULL},
    {"commit", commit, NULL},
    {NULL, NULL, NULL},
};

/* --- another way ------------------------------------------------------------------------- */

static void watch(struct fetch *f, struct sk_duration time);

static void on_slow(struct sk_timer *timer)
{
    struct fetch *f = sk_container_of(timer, struct fetch, slow);
    bool is_slow = bytes_of(f) - f->slow_from < SLOW_BYTES;

    watch(f, SLOW_AFTER);
    if (!is_slow || !f->is_coming || f->is_writing || f->fault.code != SK_OK)
        return;
    sk_log(f->driver->log, SK_WARN, "image.slow_registry",
           SK_STR("registry", f->ask.source->reference.registry), SK_STR("blob", f->what.digest));
    f->ask.source->is_slow = true;
    f->is_turning = true;
    sk_done_cancel(&f->came);
}

static void watch(struct fetch *f, struct sk_duration time)
{
    struct sk_loop *loop = f->driver->loop;

    f->slow_from = bytes_of(f);
    sk_timer_start(loop, &f->slow, sk_instant_add(sk_loop_now(loop), time), on_slow);
}

void sk_fetch_offer(struct sk_flight *flight, struct sk_source *source)
{
    struct fetch *f = flight->user;

    if (!f || !f->ask.source || strcmp(f->ask.source->reference.registry, source->reference.registry) == 0)
        return;
    if (!f->other || f->ask.source->is_slow)
        watch(f, f->ask.source->is_slow ? SK_NS(0) : SLOW_AFTER);
    sk_source_unref(f->other);
    f->other = sk_source_ref(source);
}

/* --- the whole --------------------------------------------------------------------------- */

static void cancel_fetch(struct sk_done *run)
{
    struct fetch *f = run->callee;
    f->is_cancelled = true;
    sk_op_cancel(&f->op, NULL);
}

static void on_over(struct sk_done *over, const struct sk_err *err);

static void start_try(struct fetch *f)
{
    f->endpoint = f->skip;
    f->was_kept = f->has_come = false;
    f->began_at = 0;
    f->taken = 0;
    f->run->callee = f;
    f->run->cancel = cancel_fetch;
    sk_done_init(&f->over, on_over);
    f->op.flow = "fetch";
    sk_op_start(&f->op, f->driver->loop, f->driver->log, steps, (struct sk_instant){0}, &f->over);
}

/* What the store found wrong says nothing of who sent it. */
static void note_lie(struct fetch *f, const struct sk_err *err)
{
    if (f->lie.code != SK_OK)
        return;
    f->lie = *err;
    if (f->has_come)
        (void)sk_err_wrap(&f->lie, "%s sent wrong bytes", f->ask.source->reference.registry);
}

/* Wrong bytes: of the endpoint that sent them, unless part of them was kept from before. One that sent none
 * after another has lied: there was nobody left to ask. */
static bool try_again(struct fetch *f, const struct sk_err *err)
{
    bool is_lie = err && err->code == SK_DATA_LOSS && f->ask.source;
    bool is_end = f->skip > 0 && f->taken == 0;

    if (!is_lie || is_end || f->is_cancelled || ++f->tries == TRIES_MAX)
        return false;
    if (!f->was_kept) {
        note_lie(f, err);
        f->skip = f->endpoint + 1;
    }
    sk_log_err(f->driver->log, SK_WARN, "image.wrong_bytes", err, SK_STR("blob", f->what.digest),
               SK_INT("endpoint", f->endpoint));
    start_try(f);
    return true;
}

static void on_over(struct sk_done *over, const struct sk_err *err)
{
    struct fetch *f = sk_container_of(over, struct fetch, over);
    struct sk_images_driver *driver = f->driver;
    struct sk_done *run = f->run;
    struct sk_err said = {0};

    if (try_again(f, err))
        return;
    if (err) /* that nobody else is there to ask is not the reason */
        said = err->code == SK_OUT_OF_RANGE && f->lie.code != SK_OK ? f->lie : *err;
    content_of(f)->ops->close(f->writer, true); /* written, or there was nothing to write */
    sk_buf_fini(&f->waiting);
    sk_timer_stop(driver->loop, &f->slow);
    f->flight->user = NULL;
    sk_done_fire(run, err ? &said : NULL);
    sk_lease_unref(f->ask.lease);
    sk_source_unref(f->ask.source);
    sk_source_unref(f->other);
    free(f);
    sk_images_driver_leave(driver);
}

void sk_fetch_start(const struct sk_fetch_ask *ask, struct sk_flight *flight, struct sk_done *run)
{
    struct fetch *f = sk_alloc(sizeof(*f));

    f->driver = ask->lease->driver;
    f->flight = flight;
    flight->user = f;
    f->run = run;
    f->ask = *ask;
    f->what = *ask->what;
    f->ask.lease = sk_lease_ref(ask->lease);
    f->ask.source = ask->bytes ? NULL : sk_source_ref(ask->source);
    f->ask.bytes = NULL;
    if (ask->bytes) {
        sk_buf_init(&f->waiting, ask->bytes->len);
        (void)!sk_buf_append(&f->waiting, ask->bytes->data, ask->bytes->len);
    }
    sk_images_driver_hold(f->driver);
    start_try(f);
}
