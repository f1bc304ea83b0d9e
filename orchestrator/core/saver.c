#include "core/saver.h"

#include "core/node_impl.h"

#include <assert.h>

/* Far above any valid record: they are limited by the size of a request's fields. */
#define RECORD_MAX ((size_t)128 * 1024 * 1024)

struct rider {
    struct sk_list link;
    struct sk_done *done;
};

static void schedule(struct sk_saver *saver);

void sk_saver_init(struct sk_saver *saver, struct sk_node *node, const struct sk_saver_ops *ops)
{
    *saver = (struct sk_saver){.node = node, .ops = ops};
    sk_list_init(&saver->riding);
    sk_list_init(&saver->waiting);
}

void sk_saver_fini(struct sk_saver *saver)
{
    assert(!saver->putting && !sk_list_is_linked(&saver->task.link));
    sk_list_remove(&saver->failed);
}

/* --- who waits ------------------------------------------------------------- */

static void add_rider(struct sk_list *list, struct sk_done *done)
{
    if (!done)
        return;
    struct rider *rider = sk_alloc(sizeof(*rider));
    rider->done = done;
    sk_list_append(list, &rider->link);
}

static void fire_riders(struct sk_list *riders, const struct sk_err *err)
{
    struct sk_list *link;

    while ((link = sk_list_pop(riders))) {
        struct rider *rider = sk_list_entry(link, struct rider, link);
        struct sk_done *done = rider->done;
        free(rider);
        sk_done_fire(done, err);
    }
}

/* --- puts ------------------------------------------------------------------ */

static void on_put(struct sk_done *done, const struct sk_err *err)
{
    struct sk_saver *saver = sk_container_of(done, struct sk_saver, put);
    struct sk_list riders;

    sk_list_init(&riders);
    sk_list_move_all(&riders, &saver->riding);
    saver->putting = false;
    saver->ops->answered(saver, err);
    sk_node_set_health(saver->node, SK_HEALTH_STORE, err != NULL);
    if (saver->dirty && (!err || !sk_list_is_empty(&saver->waiting)))
        schedule(saver);
    saver->dirty = saver->dirty || err;
    if (err && saver->ops->retries(saver) && !sk_list_is_linked(&saver->failed))
        sk_list_append(&saver->node->unsaved, &saver->failed);
    fire_riders(&riders, err);
    saver->ops->drop(saver);
}

static void put(struct sk_saver *saver)
{
    struct sk_store *store = saver->node->store;
    struct sk_buf bytes;
    struct sk_err err = {0};

    sk_buf_init(&bytes, RECORD_MAX);
    saver->dirty = false;
    saver->putting = true;
    sk_list_remove(&saver->failed);
    sk_list_move_all(&saver->riding, &saver->waiting);
    sk_done_init(&saver->put, on_put);
    if (saver->ops->pack(saver, &bytes, &err) == SK_OK)
        sk_store_put(store, saver->ops->kind, saver->ops->key(saver), bytes.data, bytes.len, &saver->put);
    else
        sk_done_later(saver->node->loop, &saver->put, &err);
    sk_buf_fini(&bytes);
}

static void put_task(struct sk_task *task)
{
    put(sk_container_of(task, struct sk_saver, task));
}

static void schedule(struct sk_saver *saver)
{
    if (saver->putting || sk_list_is_linked(&saver->task.link))
        return;
    saver->ops->keep(saver);
    sk_loop_defer(saver->node->loop, &saver->task, put_task);
}

void sk_saver_save(struct sk_saver *saver, struct sk_done *done)
{
    add_rider(&saver->waiting, done);
    saver->dirty = true;
    schedule(saver);
}

void sk_saver_await(struct sk_saver *saver, struct sk_done *done)
{
    if (saver->dirty)
        sk_saver_save(saver, done); /* which a disk that refused may not have begun again */
    else if (saver->putting)
        add_rider(&saver->riding, done);
    else
        sk_done_later(saver->node->loop, done, NULL);
}

bool sk_saver_is_idle(const struct sk_saver *saver)
{
    return !saver->putting && !saver->dirty;
}

void sk_savers_retry(struct sk_node *node)
{
    struct sk_list *link;

    while ((link = sk_list_pop(&node->unsaved)))
        schedule(sk_list_entry(link, struct sk_saver, failed));
}
