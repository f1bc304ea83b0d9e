/* save.c: a sandbox's way to the store, and from there to its shown state. */
#include "core/sandbox_impl.h"
#include "loop/failpoint.h"

#include <assert.h>

/* Far above any valid record: specs are limited by the size of a request's fields. */
#define RECORD_MAX ((size_t)128 * 1024 * 1024)

struct rider {
    struct sk_list link;
    struct sk_done *done;
};

static void schedule(struct sk_sandbox *s);

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

static void pass(const struct sk_sandbox *s, const char *side)
{
    sk_failpoint_pass(s->node->loop, "save", sk_state_word(s->save.packed), side);
}

static void show(struct sk_sandbox *s, const struct sk_err *err)
{
    if (err)
        sk_log_err(sk_sandbox_log(s), SK_ERROR, "sandbox.save_failed", err);
    if (err && !s->durable)
        return; /* it never existed: the admission withdraws it */
    s->durable = true;
    s->record->state = s->save.packed;
    sk_sandbox_fire_watchers(s);
}

static void on_put(struct sk_done *done, const struct sk_err *err)
{
    struct sk_sandbox *s = sk_container_of(done, struct sk_sandbox, save.put);
    struct sk_node *node = s->node;
    struct sk_list riders;

    sk_list_init(&riders);
    sk_list_move_all(&riders, &s->save.riding);
    s->save.putting = false;
    pass(s, SK_AFTER);
    show(s, err);
    if (s->save.dirty && (!err || !sk_list_is_empty(&s->save.waiting)))
        schedule(s);
    s->save.dirty = s->save.dirty || err; /* then the sweep tries again */
    fire_riders(&riders, err);
    sk_node_unhold(node);
    sk_sandbox_unref(s);
}

static void put(struct sk_sandbox *s)
{
    struct sk_buf bytes;
    struct sk_err err = {0};
    enum sk_state shown = s->record->state;

    sk_buf_init(&bytes, RECORD_MAX);
    s->save.dirty = false;
    s->save.putting = true;
    s->save.packed = s->state;
    pass(s, SK_BEFORE);
    sk_list_move_all(&s->save.riding, &s->save.waiting);
    sk_done_init(&s->save.put, on_put);
    s->record->state = s->state;
    enum sk_code code = sk_record_pack(s->record, &bytes, &err);
    s->record->state = shown;
    if (code == SK_OK)
        sk_store_put(s->node->store, SK_KIND_SANDBOX, s->record->id, bytes.data, bytes.len, &s->save.put);
    else
        sk_done_later(s->node->loop, &s->save.put, &err);
    sk_buf_fini(&bytes);
}

static void put_task(struct sk_task *task)
{
    put(sk_container_of(task, struct sk_sandbox, save.task));
}

/* From here to the answer of the put the sandbox and the node are held. */
static void schedule(struct sk_sandbox *s)
{
    if (s->save.putting || sk_list_is_linked(&s->save.task.link))
        return;
    sk_sandbox_ref(s);
    sk_node_hold(s->node);
    sk_loop_defer(s->node->loop, &s->save.task, put_task);
}

void sk_sandbox_save(struct sk_sandbox *s, struct sk_done *done)
{
    add_rider(&s->save.waiting, done);
    s->save.dirty = true;
    schedule(s);
}

void sk_sandbox_await_saved(struct sk_sandbox *s, struct sk_done *done)
{
    bool scheduled = sk_list_is_linked(&s->save.task.link);

    if (s->save.putting || scheduled)
        add_rider(s->save.dirty ? &s->save.waiting : &s->save.riding, done);
    else
        sk_done_later(s->node->loop, done, NULL);
}

void sk_sandbox_retry_save(struct sk_sandbox *s)
{
    if (s->save.dirty && s->durable)
        schedule(s);
}
