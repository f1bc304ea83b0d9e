#include "drivers/images/want.h"

#include <inttypes.h>

#define TRIES_MAX 8 /* of others' fetches that end badly, or whose lease goes before ours is on the blob */

static struct sk_want *want_of(struct sk_op *op)
{
    return sk_container_of(op, struct sk_want, op);
}

static struct sk_images_driver *driver_of(const struct sk_want *want)
{
    return want->ask.lease->driver;
}

static void find(struct sk_op *op, struct sk_done *done)
{
    struct sk_want *want = want_of(op);
    struct sk_content *content = driver_of(want)->content;

    want->size = -1;
    want->is_ours = false;
    content->ops->find_blob(content, want->ask.lease->id, want->ask.what->digest, &want->size, done);
}

static enum sk_code check_size(const struct sk_want *want, struct sk_err *err)
{
    const struct sk_oci_descriptor *what = want->ask.what;

    if (want->size >= 0 && want->size != what->size)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s has %" PRId64 " bytes and is said to have %" PRId64,
                       what->digest, want->size, what->size);
    if (want->size < 0 && !want->ask.source && !want->ask.bytes)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s belongs to the image and has not come", what->digest);
    return SK_OK;
}

static void start_fetch(void *arg, struct sk_flight *flight, struct sk_done *run)
{
    struct sk_want *want = arg;

    want->is_ours = true;
    sk_fetch_start(
        &(struct sk_fetch_ask){
            .lease = want->ask.lease,
            .source = want->ask.source,
            .bytes = want->ask.bytes,
            .what = want->ask.what,
        },
        flight, run);
}

static void fetch(struct sk_op *op, struct sk_done *done)
{
    struct sk_want *want = want_of(op);
    struct sk_images_driver *driver = driver_of(want);
    struct sk_err err = {0};

    if (check_size(want, &err) != SK_OK || want->size >= 0) {
        sk_done_later(driver->loop, done, err.code == SK_OK ? NULL : &err);
        return;
    }
    sk_flights_join(&driver->blobs, want->ask.what->digest, &want->waiter.waiter, start_fetch, want, done);
    if (!want->is_ours && want->ask.source)
        sk_fetch_offer(want->waiter.waiter.flight, want->ask.source);
}

static const struct sk_step steps[] = {
    {"find", find, NULL},
    {"fetch", fetch, NULL},
    {NULL, NULL, NULL},
};

/* What others fetched is not under our lease yet, and may go with theirs; what failed for them (another
 * login, another registry) need not fail for us. */
static bool must_try_again(const struct sk_want *want)
{
    bool was_joined = want->waiter.waiter.done != NULL;
    return was_joined && !want->is_ours && !want->is_cancelled;
}

static void on_over(struct sk_done *over, const struct sk_err *err);

static void cancel_want(struct sk_done *done)
{
    struct sk_want *want = done->callee;
    want->is_cancelled = true;
    sk_op_cancel(&want->op, NULL);
}

static void start_try(struct sk_want *want)
{
    want->waiter.waiter = (struct sk_waiter){0};
    want->done->callee = want;
    want->done->cancel = cancel_want;
    sk_done_init(&want->over, on_over);
    want->op.flow = "blob";
    sk_op_start(&want->op, driver_of(want)->loop, driver_of(want)->log, steps, (struct sk_instant){0},
                &want->over);
}

static void on_over(struct sk_done *over, const struct sk_err *err)
{
    struct sk_want *want = sk_container_of(over, struct sk_want, over);
    struct sk_err gone = {0};

    if (must_try_again(want)) {
        if (++want->tries < TRIES_MAX) {
            start_try(want);
            return;
        }
        (void)sk_fail(&gone, SK_UNAVAILABLE, "%s goes as often as it comes", want->ask.what->digest);
        err = &gone;
    }
    if (!err)
        sk_fetch_waiter_count(&want->waiter, want->ask.what->size);
    sk_done_fire(want->done, err);
}

void sk_want_start(struct sk_want *want, const struct sk_want_ask *ask, struct sk_done *done)
{
    *want = (struct sk_want){.ask = *ask, .done = done, .waiter.progress = ask->progress};
    start_try(want);
}
