#include "drivers/images/lease.h"

#include <assert.h>

#define LET_GO_LIMIT SK_SEC(10)
#define PAUSE_FIRST  SK_SEC(1)
#define PAUSE_MOST   SK_SEC(60)

static void set_renewal(struct sk_lease *lease);
static void let_go(struct sk_lease *lease);

static struct sk_content *content_of(const struct sk_lease *lease)
{
    return lease->driver->content;
}

static struct sk_lease *get(struct sk_images_driver *driver, const char *id)
{
    struct sk_map_node *node = sk_map_find(&driver->leases, id);

    if (node)
        return sk_map_entry(node, struct sk_lease, node);
    struct sk_lease *lease = sk_alloc(sizeof(*lease));
    lease->driver = driver;
    lease->id = sk_strdup(id);
    sk_list_init(&lease->openers);
    lease->pause = PAUSE_FIRST;
    sk_map_add(&driver->leases, &lease->node, lease->id);
    sk_images_driver_hold(driver);
    set_renewal(lease);
    return lease;
}

static void drop_if_idle(struct sk_lease *lease)
{
    struct sk_images_driver *driver = lease->driver;

    if (lease->users > 0 || lease->is_ending || lease->is_renewing || sk_list_is_linked(&lease->owed))
        return;
    sk_timer_stop(driver->loop, &lease->renewal);
    sk_map_remove(&driver->leases, &lease->node);
    free(lease->id);
    free(lease);
    sk_images_driver_leave(driver);
}

/* --- it must not run out ------------------------------------------------------------ */

static void on_renewed(struct sk_done *renew, const struct sk_err *err)
{
    struct sk_lease *lease = sk_container_of(renew, struct sk_lease, renew);

    if (err)
        sk_log_err(lease->driver->log, SK_WARN, "image.lease_not_renewed", err, SK_STR("lease", lease->id));
    lease->is_renewing = false;
    if (lease->is_ending)
        let_go(lease);
    drop_if_idle(lease);
}

static void on_renewal(struct sk_timer *timer)
{
    struct sk_lease *lease = sk_container_of(timer, struct sk_lease, renewal);

    set_renewal(lease);
    if (lease->is_renewing || lease->is_ending)
        return;
    lease->is_renewing = true;
    sk_done_init(&lease->renew, on_renewed);
    content_of(lease)->ops->hold(content_of(lease), lease->id, &lease->renew);
}

static void set_renewal(struct sk_lease *lease)
{
    struct sk_loop *loop = lease->driver->loop;
    sk_timer_start(loop, &lease->renewal, sk_instant_add(sk_loop_now(loop), SK_LEASE_RENEWAL), on_renewal);
}

/* --- its end -------------------------------------------------------------------------- */

static void on_pause_over(struct sk_timer *timer)
{
    struct sk_lease *lease = sk_container_of(timer, struct sk_lease, renewal);

    sk_list_remove(&lease->owed);
    lease->is_ending = true;
    let_go(lease);
}

/* The store, or what lies behind it, may be away for a while. */
static void try_later(struct sk_lease *lease)
{
    struct sk_loop *loop = lease->driver->loop;

    sk_list_append(&lease->driver->owed, &lease->owed);
    sk_timer_start(loop, &lease->renewal, sk_instant_add(sk_loop_now(loop), lease->pause), on_pause_over);
    lease->pause = sk_duration_double(lease->pause, PAUSE_MOST);
}

/* Somebody wants it after all, or nobody is to wait for the store any more. */
static void owe_no_longer(struct sk_lease *lease)
{
    sk_list_remove(&lease->owed);
    lease->pause = PAUSE_FIRST;
    set_renewal(lease);
}

void sk_leases_give_up(struct sk_images_driver *driver)
{
    while (!sk_list_is_empty(&driver->owed)) {
        struct sk_lease *lease = sk_container_of(driver->owed.next, struct sk_lease, owed);
        owe_no_longer(lease);
        drop_if_idle(lease);
    }
}

/* Those who came meanwhile begin it anew. */
static void reopen(struct sk_lease *lease)
{
    struct sk_list *link;

    while ((link = sk_list_pop(&lease->openers))) {
        struct sk_lease_open *open = sk_container_of(link, struct sk_lease_open, link);
        open->done->cancel = NULL;
        content_of(lease)->ops->hold(content_of(lease), lease->id, open->done);
    }
}

static void on_let_go(struct sk_done *let_go, const struct sk_err *err)
{
    struct sk_lease *lease = sk_container_of(let_go, struct sk_lease, let_go);
    struct sk_done *closer = sk_take(lease->closer);

    if (err)
        sk_log_err(lease->driver->log, SK_WARN, "image.lease_stays", err, SK_STR("lease", lease->id));
    lease->is_ending = false;
    lease->is_spent = false;
    if (err && lease->users == 0 && !lease->driver->closing)
        try_later(lease);
    else
        set_renewal(lease);
    reopen(lease);
    if (closer)
        sk_done_fire(closer, err);
    drop_if_idle(lease);
}

/* Nobody waits longer for this answer. */
static void on_too_slow(struct sk_timer *timer)
{
    struct sk_lease *lease = sk_container_of(timer, struct sk_lease, renewal);
    sk_done_cancel(&lease->let_go);
}

static void let_go(struct sk_lease *lease)
{
    struct sk_loop *loop = lease->driver->loop;

    sk_timer_start(loop, &lease->renewal, sk_instant_add(sk_loop_now(loop), LET_GO_LIMIT), on_too_slow);
    sk_done_init(&lease->let_go, on_let_go);
    content_of(lease)->ops->let_go(content_of(lease), lease->id, &lease->let_go);
}

/* The last one has left; whether `done`, if any, waits for what follows. */
static bool end(struct sk_lease *lease, struct sk_done *done)
{
    if (!lease->is_spent)
        return false;
    lease->is_ending = true;
    lease->closer = done;
    if (lease->is_renewing)
        sk_done_cancel(&lease->renew); /* that could come later, and make it anew */
    else
        let_go(lease);
    return done != NULL;
}

static void leave_queue(struct sk_done *done)
{
    struct sk_lease_open *open = done->callee;
    struct sk_err err;

    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_list_remove(&open->link);
    sk_done_later(open->loop, done, &err);
}

static void queue(struct sk_lease *lease, struct sk_lease_open *open)
{
    open->done->callee = open;
    open->done->cancel = leave_queue;
    sk_list_append(&lease->openers, &open->link);
}

void sk_lease_open(struct sk_images_driver *driver, const char *id, struct sk_lease_open *open,
                   struct sk_lease **out_lease, struct sk_done *done)
{
    struct sk_lease *lease = get(driver, id);

    if (sk_list_is_linked(&lease->owed))
        owe_no_longer(lease);
    lease->users++;
    *out_lease = lease;
    *open = (struct sk_lease_open){.loop = driver->loop, .done = done};
    if (lease->is_ending)
        queue(lease, open);
    else
        driver->content->ops->hold(driver->content, id, done);
}

struct sk_lease *sk_lease_ref(struct sk_lease *lease)
{
    assert(lease->users > 0);
    lease->users++;
    return lease;
}

void sk_lease_unref(struct sk_lease *lease_take)
{
    sk_lease_close(lease_take, false, NULL);
}

void sk_lease_close(struct sk_lease *lease_take, bool is_spent, struct sk_done *done)
{
    struct sk_lease *lease = lease_take;
    struct sk_loop *loop = lease->driver->loop;

    assert(lease->users > 0);
    lease->is_spent |= is_spent;
    bool waits = --lease->users == 0 && !lease->is_ending && end(lease, done);
    if (done && !waits)
        sk_done_later(loop, done, NULL);
    drop_if_idle(lease);
}
