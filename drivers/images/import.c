/* import.c: an image that somebody brings, blob by blob. */
#include "base/random.h"
#include "drivers/images/import_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Of a blob under way, which pulls may wait for: so much must come in this time, or the rest of it. */
#define IDLE_LIMIT SK_SEC(60)
#define IDLE_BYTES ((size_t)1024 * 1024)

static struct sk_images_driver *driver_of(const struct sk_image_import *i)
{
    return i->intake.driver;
}

static struct sk_content *content_of(const struct sk_image_import *i)
{
    return driver_of(i)->content;
}

/* --- the blob under way ------------------------------------------------------------------- */

/* It is over, in one way or the other; nothing but a commit makes it stay. */
static void end_blob(struct sk_image_import *i, const struct sk_err *err)
{
    struct sk_done *run = sk_take(i->run);

    sk_timer_stop(driver_of(i)->loop, &i->idle);
    content_of(i)->ops->close(sk_take(i->writer), false);
    if (run)
        sk_done_fire(run, err);
}

static void expect_more(struct sk_image_import *i);

static void on_idle(struct sk_timer *timer)
{
    struct sk_image_import *i = sk_container_of(timer, struct sk_image_import, idle);
    struct sk_err err;

    if (i->is_busy) {
        expect_more(i);
        return;
    }
    (void)sk_fail(&err, SK_DEADLINE_EXCEEDED, "the import does not go on");
    end_blob(i, &err);
}

static void expect_more(struct sk_image_import *i)
{
    struct sk_loop *loop = driver_of(i)->loop;

    i->lately = 0;
    sk_timer_start(loop, &i->idle, sk_instant_add(sk_loop_now(loop), IDLE_LIMIT), on_idle);
}

/* --- calls, and their end ------------------------------------------------------------------ */

static void release(struct sk_image_import *i)
{
    struct sk_images_driver *driver = driver_of(i);
    struct sk_err err;

    (void)sk_fail(&err, SK_CANCELLED, "the import has ended");
    end_blob(i, &err);
    if (i->intake.lease)
        sk_lease_close(i->intake.lease, true, NULL);
    sk_intake_fini(&i->intake);
    sk_stored_images_fini(&i->named);
    sk_arena_fini(&i->arena);
    sk_image_free(i->nobodys_image);
    free(i);
    sk_images_driver_leave(driver);
}

static void cancel_call(struct sk_done *done)
{
    struct sk_image_import *i = done->callee;
    i->is_cancelled = true;
    sk_done_cancel(i->is_waiting ? &i->flown : &i->inner);
}

void sk_import_begin(struct sk_image_import *i, struct sk_done *done,
                     void (*then)(struct sk_done *inner, const struct sk_err *err))
{
    assert(!i->is_busy && !i->is_closed);
    i->is_busy = true;
    i->is_cancelled = false;
    i->done = done;
    done->callee = i;
    done->cancel = cancel_call;
    sk_done_init(&i->inner, then);
}

static void answer(struct sk_image_import *i, const struct sk_err *err)
{
    struct sk_done *done = sk_take(i->done);

    i->is_busy = false;
    if (i->is_closed)
        release(i);
    else
        sk_done_fire(done, err);
}

void sk_import_on_answer(struct sk_done *inner, const struct sk_err *err)
{
    answer(sk_container_of(inner, struct sk_image_import, inner), err);
}

void sk_import_refuse(struct sk_image_import *i, struct sk_done *done, const struct sk_err *err)
{
    sk_import_begin(i, done, sk_import_on_answer);
    sk_done_later(driver_of(i)->loop, &i->inner, err);
}

/* --- open ----------------------------------------------------------------------------------- */

static void on_opened(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_image_import *i = sk_container_of(inner, struct sk_image_import, inner);
    struct sk_done *done = sk_take(i->done);

    i->is_busy = false;
    if (err)
        release(i);
    else
        *i->out = i;
    sk_done_fire(done, err);
}

static void make_lease_id(char *out, size_t size)
{
    uint64_t random[2];

    sk_random(random, sizeof(random));
    (void)snprintf(out, size, "sandkeep-import-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
}

void sk_images_import_open(struct sk_image_driver *base, int64_t max_bytes, struct sk_image_import **out,
                           struct sk_done *done)
{
    struct sk_image_import *i = sk_alloc(sizeof(*i));
    char id[64];

    make_lease_id(id, sizeof(id));
    i->intake.driver = sk_images_driver_of(base);
    i->max_bytes = max_bytes;
    i->out = out;
    sk_images_driver_hold(driver_of(i));
    sk_import_begin(i, done, on_opened);
    sk_lease_open(driver_of(i), id, &i->opening, &i->intake.lease, &i->inner);
}

/* --- a blob --------------------------------------------------------------------------------- */

static void find_blob(struct sk_image_import *i);

static void on_writer(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_image_import *i = sk_container_of(inner, struct sk_image_import, inner);
    bool is_there = err && err->code == SK_ALREADY_EXISTS;

    if (err) {
        end_blob(i, is_there ? NULL : err);
    } else {
        *i->out_wanted = true;
        expect_more(i);
    }
    answer(i, is_there ? NULL : err);
}

static void start_run(void *arg, struct sk_flight *flight, struct sk_done *run)
{
    struct sk_image_import *i = arg;
    struct sk_blob_ask ask = {i->intake.lease->id, i->what.digest, i->what.size};

    (void)flight;
    i->is_waiting = false;
    i->run = run;
    sk_done_init(&i->inner, on_writer);
    content_of(i)->ops->open_blob(content_of(i), &ask, &i->writer, &i->inner);
}

/* Ours was ended by ourselves; of somebody else's we ask the store what came of it. */
static void on_flown(struct sk_done *flown, const struct sk_err *err)
{
    struct sk_image_import *i = sk_container_of(flown, struct sk_image_import, flown);
    bool was_theirs = i->is_waiting;

    i->is_waiting = false;
    if (was_theirs && i->is_cancelled)
        answer(i, err);
    else if (was_theirs)
        find_blob(i);
}

static void on_found(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_image_import *i = sk_container_of(inner, struct sk_image_import, inner);
    struct sk_err other;

    if (!err && i->found >= 0 && i->found != i->what.size) {
        (void)sk_fail(&other, SK_INVALID_ARGUMENT, "blob %s does not have %" PRId64 " bytes", i->what.digest,
                      i->what.size);
        err = &other;
    }
    if (err || i->found >= 0) {
        answer(i, err);
        return;
    }
    i->is_waiting = true;
    sk_done_init(&i->flown, on_flown);
    sk_flights_join(&driver_of(i)->blobs, i->what.digest, &i->waiter.waiter, start_run, i, &i->flown);
}

static void find_blob(struct sk_image_import *i)
{
    i->found = -1;
    sk_done_init(&i->inner, on_found);
    content_of(i)->ops->find_blob(content_of(i), i->intake.lease->id, i->what.digest, &i->found, &i->inner);
}

static enum sk_code check_blob(const struct sk_image_import *i, const char *digest, int64_t size,
                               struct sk_err *err)
{
    if (!sk_digest_is_valid(digest))
        return sk_fail(err, SK_INVALID_ARGUMENT, "\"%.80s\" is not a digest", digest);
    if (size < 0)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a blob cannot have %" PRId64 " bytes", size);
    if (size > i->max_bytes - i->announced)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "the image is larger than the limit of %" PRId64 " bytes",
                       i->max_bytes);
    if (i->run)
        return sk_fail(err, SK_FAILED_PRECONDITION, "another blob of the import is under way");
    return SK_OK;
}

void sk_images_import_blob(struct sk_image_import *import, const char *digest, int64_t size, bool *out_wanted,
                           struct sk_done *done)
{
    struct sk_err err;

    if (check_blob(import, digest, size, &err) != SK_OK) {
        sk_import_refuse(import, done, &err);
        return;
    }
    import->announced += size;
    import->what = (struct sk_oci_descriptor){.size = size};
    (void)snprintf(import->what.digest, sizeof(import->what.digest), "%s", digest);
    import->out_wanted = out_wanted;
    *out_wanted = false;
    sk_import_begin(import, done, on_found);
    find_blob(import);
}

/* --- its bytes ------------------------------------------------------------------------------- */

static bool is_under_way(struct sk_image_import *i, struct sk_done *done)
{
    struct sk_err err;

    if (i->writer)
        return true;
    (void)sk_fail(&err, SK_FAILED_PRECONDITION, "no blob of the import is under way, or it paused too long");
    sk_import_refuse(i, done, &err);
    return false;
}

static void on_written(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_image_import *i = sk_container_of(inner, struct sk_image_import, inner);

    if (err)
        end_blob(i, err);
    else if (i->lately >= IDLE_BYTES || i->writer->offset == i->what.size)
        expect_more(i);
    answer(i, err);
}

void sk_images_import_write(struct sk_image_import *import, const uint8_t *data, size_t len,
                            struct sk_done *done)
{
    if (!is_under_way(import, done))
        return;
    import->lately += len;
    sk_import_begin(import, done, on_written);
    content_of(import)->ops->write(import->writer, data, len, &import->inner);
}

static void note_brought(struct sk_image_import *i)
{
    struct sk_import_brought *brought = sk_arena_alloc(&i->arena, sizeof(*brought));

    brought->next = i->brought;
    memcpy(brought->digest, i->what.digest, sizeof(brought->digest));
    i->brought = brought;
}

static void on_committed(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_image_import *i = sk_container_of(inner, struct sk_image_import, inner);

    if (!err)
        note_brought(i);
    end_blob(i, err);
    answer(i, err);
}

void sk_images_import_commit(struct sk_image_import *import, struct sk_done *done)
{
    if (!is_under_way(import, done))
        return;
    sk_import_begin(import, done, on_committed);
    content_of(import)->ops->commit(import->writer, &import->inner);
}

/* --- close ---------------------------------------------------------------------------- */

static void turn_away(struct sk_image_import *i)
{
    i->done = NULL;
    i->out_wanted = &i->nobodys_wish;
    i->intake.out_image = &i->nobodys_image;
    if (i->intake.progress)
        sk_intake_redirect(&i->intake, &i->nobodys_progress);
    i->is_cancelled = true;
    sk_done_cancel(i->is_waiting ? &i->flown : &i->inner);
}

void sk_images_import_close(struct sk_image_import *import_take)
{
    struct sk_image_import *i = import_take;

    if (!i)
        return;
    assert(!i->is_closed);
    i->is_closed = true;
    if (i->is_busy)
        turn_away(i);
    else
        release(i);
}
