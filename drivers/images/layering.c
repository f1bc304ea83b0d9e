#include "drivers/images/layering.h"

#include <stdio.h>

#define TRIES_MAX 8 /* as in want.c */

/* One run, for all who wait for it. */
struct run {
    struct sk_done inner;
    struct sk_done *done; /* the flight's */
    struct sk_flight *flight;
    struct sk_lease *lease; /* a reference */
    struct sk_unpack_ask ask;
    int64_t bytes;
    char diff_id[SK_DIGEST_SIZE], parent[SK_DIGEST_SIZE], chain[SK_DIGEST_SIZE];
};

static void tell_bytes(const struct run *run)
{
    sk_list_each(&run->flight->waiters, link)
    {
        sk_container_of(link, struct sk_layering, waiter.link)->bytes = run->bytes;
    }
}

static void on_unpacked(struct sk_done *inner, const struct sk_err *err)
{
    struct run *run = sk_container_of(inner, struct run, inner);
    struct sk_images_driver *driver = run->lease->driver;

    if (!err)
        tell_bytes(run);
    sk_done_fire(run->done, err);
    sk_lease_unref(run->lease);
    free(run);
    sk_images_driver_leave(driver);
}

static void cancel_run(struct sk_done *done)
{
    struct run *run = done->callee;
    sk_done_cancel(&run->inner);
}

static void copy(char out[SK_DIGEST_SIZE], const char *digest)
{
    (void)snprintf(out, SK_DIGEST_SIZE, "%s", digest);
}

static void start_run(void *arg, struct sk_flight *flight, struct sk_done *done)
{
    struct sk_layering *layering = arg;
    struct sk_images_driver *driver = layering->lease->driver;
    struct run *run = sk_alloc(sizeof(*run));

    layering->is_ours = true;
    run->done = done;
    run->flight = flight;
    run->lease = sk_lease_ref(layering->lease);
    run->ask = layering->ask;
    layering->ask.ahead_take = NULL;
    copy(run->diff_id, layering->ask.diff_id);
    copy(run->parent, layering->ask.parent);
    copy(run->chain, layering->ask.chain);
    run->ask.lease = run->lease->id;
    run->ask.diff_id = run->diff_id;
    run->ask.parent = run->parent;
    run->ask.chain = run->chain;
    run->ask.out_bytes = &run->bytes;
    sk_images_driver_hold(driver);
    done->callee = run;
    done->cancel = cancel_run;
    sk_done_init(&run->inner, on_unpacked);
    driver->content->ops->unpack(driver->content, &run->ask, &run->inner);
}

static struct sk_layering *layering_of(struct sk_op *op)
{
    return sk_container_of(op, struct sk_layering, op);
}

static void find(struct sk_op *op, struct sk_done *done)
{
    struct sk_layering *layering = layering_of(op);
    struct sk_content *content = layering->lease->driver->content;

    layering->is_ours = false;
    layering->is_there = false;
    content->ops->find_snapshot(content, layering->lease->id, layering->ask.chain, &layering->is_there, done);
}

static void unpack(struct sk_op *op, struct sk_done *done)
{
    struct sk_layering *layering = layering_of(op);
    struct sk_images_driver *driver = layering->lease->driver;

    if (layering->is_there)
        sk_done_later(driver->loop, done, NULL);
    else
        sk_flights_join(&driver->unpacks, layering->ask.chain, &layering->waiter, start_run, layering, done);
}

static const struct sk_step steps[] = {
    {"find", find, NULL},
    {"unpack", unpack, NULL},
    {NULL, NULL, NULL},
};

static void on_over(struct sk_done *over, const struct sk_err *err);

static void cancel_layering(struct sk_done *done)
{
    struct sk_layering *layering = done->callee;
    layering->is_cancelled = true;
    sk_op_cancel(&layering->op, NULL);
}

static void start_try(struct sk_layering *layering)
{
    struct sk_images_driver *driver = layering->lease->driver;

    layering->waiter = (struct sk_waiter){0};
    layering->done->callee = layering;
    layering->done->cancel = cancel_layering;
    sk_done_init(&layering->over, on_over);
    layering->op.flow = "layer";
    sk_op_start(&layering->op, driver->loop, driver->log, steps, (struct sk_instant){0}, &layering->over);
}

/* Of others' runs the same is true as of others' fetches (want.c). */
static void on_over(struct sk_done *over, const struct sk_err *err)
{
    struct sk_layering *layering = sk_container_of(over, struct sk_layering, over);
    bool was_theirs = layering->waiter.done && !layering->is_ours && !layering->is_cancelled;
    struct sk_err gone = {0};

    if (was_theirs && ++layering->tries < TRIES_MAX) {
        start_try(layering);
        return;
    }
    if (was_theirs) {
        (void)sk_fail(&gone, SK_UNAVAILABLE, "layer %s goes as often as it comes",
                      layering->ask.layer.digest);
        err = &gone;
    }
    sk_done_fire(layering->done, err);
}

void sk_layering_start(struct sk_layering *layering, struct sk_lease *lease, const struct sk_unpack_ask *ask,
                       struct sk_done *done)
{
    *layering = (struct sk_layering){.lease = lease, .ask = *ask, .done = done, .bytes = -1};
    start_try(layering);
}
