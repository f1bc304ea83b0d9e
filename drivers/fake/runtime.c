#include "drivers/fake/runtime_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct sk_fake_runtime *of(struct sk_runtime *base)
{
    return sk_container_of(base, struct sk_fake_runtime, base);
}

struct sk_fake_box *sk_fake_box_find(const struct sk_fake_runtime *rt, const char *id)
{
    struct sk_map_node *found = sk_map_find(&rt->by_id, id);
    return found ? sk_map_entry(found, struct sk_fake_box, by_id) : NULL;
}

static struct sk_fake_box *find_or_add(struct sk_fake_runtime *rt, const char *id)
{
    struct sk_fake_box *box = sk_fake_box_find(rt, id);

    if (box)
        return box;
    box = sk_alloc(sizeof(*box));
    box->rt = rt;
    (void)snprintf(box->id, sizeof(box->id), "%s", id);
    sk_list_append(&rt->boxes, &box->link);
    sk_map_add(&rt->by_id, &box->by_id, box->id);
    return box;
}

void sk_fake_box_drop(struct sk_fake_box *box)
{
    sk_map_remove(&box->rt->by_id, &box->by_id);
    sk_list_remove(&box->link);
    free(box);
}

static void drop_if_empty(struct sk_fake_box *box)
{
    if (box->rootfs || box->container || box->task)
        return;
    sk_fake_box_drop(box);
}

static void tell(struct sk_task *task)
{
    struct sk_fake_runtime *rt = sk_container_of(task, struct sk_fake_runtime, tell);
    struct sk_list *node;

    while ((node = sk_list_pop(&rt->events))) {
        struct sk_fake_event *event = sk_list_entry(node, struct sk_fake_event, link);
        struct sk_runtime_event said = {event->kind, event->id[0] ? event->id : NULL, event->status};
        if (rt->listener)
            rt->listener(rt->listener_arg, &said);
        free(event);
    }
}

void sk_fake_runtime_emit(struct sk_fake_runtime *rt, enum sk_runtime_event_kind kind, const char *id,
                          int status)
{
    struct sk_fake_event *event = sk_alloc(sizeof(*event));

    event->kind = kind;
    event->status = status;
    (void)snprintf(event->id, sizeof(event->id), "%s", id ? id : "");
    sk_list_append(&rt->events, &event->link);
    sk_loop_defer(rt->calls.loop, &rt->tell, tell);
}

void sk_fake_box_die(struct sk_fake_runtime *rt, struct sk_fake_box *box, int status, bool quiet)
{
    bool was_alive = box->alive;

    box->alive = false;
    if (!was_alive || !box->started)
        return;
    if (!quiet)
        sk_fake_runtime_emit(rt, SK_RUNTIME_EXIT, box->id, status);
    if (rt->watcher)
        rt->watcher(rt->watcher_arg, box->id, box->pid, false);
}

/* --- effects --------------------------------------------------------------- */

static enum sk_code prepare_rootfs(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_box *box = call->args;

    if (strcmp(box->snapshot_parent, "missing") == 0)
        return sk_fail(err, SK_NOT_FOUND, "snapshot %s is not there", box->snapshot_parent);
    find_or_add(call->target, box->id)->rootfs = true;
    return SK_OK;
}

static enum sk_code remove_rootfs(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_box *box = sk_fake_box_find(call->target, call->id);

    if (!box)
        return SK_OK;
    if (box->task)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the root of %s is in use", call->id);
    box->rootfs = false;
    drop_if_empty(box);
    return SK_OK;
}

static enum sk_code create_container(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_box *args = call->args;
    struct sk_fake_box *box = sk_fake_box_find(call->target, args->id);

    if (!box || !box->rootfs)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s has no root file system", args->id);
    box->container = true;
    (void)snprintf(box->cpuset, sizeof(box->cpuset), "%s", args->cpuset ? args->cpuset : "");
    (void)snprintf(box->netns, sizeof(box->netns), "%s", args->netns ? args->netns : "");
    return SK_OK;
}

static enum sk_code delete_container(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_box *box = sk_fake_box_find(call->target, call->id);

    if (!box)
        return SK_OK;
    if (box->task)
        return sk_fail(err, SK_FAILED_PRECONDITION, "container %s still has a task", call->id);
    box->container = false;
    drop_if_empty(box);
    return SK_OK;
}

static enum sk_code create_task(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_runtime *rt = call->target;
    const struct sk_box *args = call->args;
    struct sk_fake_box *box = sk_fake_box_find(rt, args->id);

    if (!box || !box->container)
        return sk_fail(err, SK_NOT_FOUND, "container %s is not there", args->id);
    if (!box->task) {
        box->task = box->alive = true;
        box->started = false;
        box->pid = ++rt->last_pid;
    }
    *(int *)call->out = box->pid;
    return SK_OK;
}

static enum sk_code start_task(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_runtime *rt = call->target;
    struct sk_fake_box *box = sk_fake_box_find(rt, call->id);

    if (!box || !box->task || !box->alive)
        return sk_fail(err, SK_NOT_FOUND, "task %s is not there", call->id);
    if (box->started)
        return SK_OK;
    box->started = true;
    if (rt->watcher)
        rt->watcher(rt->watcher_arg, box->id, box->pid, true);
    return SK_OK;
}

static enum sk_code kill_task(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_box *box = sk_fake_box_find(call->target, call->id);

    (void)err;
    if (box && box->task && call->number == 9)
        sk_fake_box_die(call->target, box, 137, false);
    return SK_OK;
}

static enum sk_code delete_task(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_box *box = sk_fake_box_find(call->target, call->id);

    (void)err;
    if (!box)
        return SK_OK;
    if (box->task)
        sk_fake_box_die(call->target, box, 137, false);
    box->task = box->started = false;
    drop_if_empty(box);
    return SK_OK;
}

static enum sk_code list(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_runtime *rt = call->target;
    struct sk_runtime_list *out = call->out;
    size_t len = 0, at = 0;

    (void)err;
    sk_list_each(&rt->boxes, node) len++;
    out->items = sk_alloc((len + 1) * sizeof(out->items[0]));
    out->len = len;
    sk_list_each(&rt->boxes, node)
    {
        struct sk_fake_box *box = sk_list_entry(node, struct sk_fake_box, link);
        struct sk_runtime_holding *item = &out->items[at++];
        bool running = box->task && box->started && box->alive;
        (void)snprintf(item->id, sizeof(item->id), "%s", box->id);
        item->rootfs = box->rootfs;
        item->container = box->container;
        item->task = box->task;
        item->task_running = running;
        item->pid = running ? box->pid : 0;
    }
    return SK_OK;
}

static enum sk_code refuse(struct sk_fake_call *call, struct sk_err *err)
{
    (void)call;
    return sk_fail(err, SK_UNAVAILABLE, "connection refused");
}

static void call_out(struct sk_fake_runtime *rt, const char *name, const struct sk_fake_call *call,
                     struct sk_done *done)
{
    struct sk_fake_call copy = *call;

    if (rt->away)
        copy.effect = refuse;
    sk_fake_call(&rt->calls, name, &copy, done);
}

/* --- the contract ------------------------------------------------------------ */

static void op_listen(struct sk_runtime *base, void (*fn)(void *, const struct sk_runtime_event *), void *arg)
{
    of(base)->listener = fn;
    of(base)->listener_arg = arg;
}

static void with_box(struct sk_runtime *base, const char *name, const struct sk_box *box, int *out_pid,
                     enum sk_code (*effect)(struct sk_fake_call *, struct sk_err *), struct sk_done *done)
{
    struct sk_fake_call call = {.target = of(base), .args = box, .out = out_pid, .effect = effect};
    call_out(of(base), name, &call, done);
}

static void with_id(struct sk_runtime *base, const char *name, const char *id, int number,
                    enum sk_code (*effect)(struct sk_fake_call *, struct sk_err *), struct sk_done *done)
{
    struct sk_fake_call call = {.target = of(base), .id = id, .number = number, .effect = effect};
    call_out(of(base), name, &call, done);
}

static void op_prepare_rootfs(struct sk_runtime *rt, const struct sk_box *box, struct sk_done *done)
{
    with_box(rt, "runtime.prepare_rootfs", box, NULL, prepare_rootfs, done);
}

static void op_remove_rootfs(struct sk_runtime *rt, const char *id, struct sk_done *done)
{
    with_id(rt, "runtime.remove_rootfs", id, 0, remove_rootfs, done);
}

static void op_create_container(struct sk_runtime *rt, const struct sk_box *box, struct sk_done *done)
{
    with_box(rt, "runtime.create_container", box, NULL, create_container, done);
}

static void op_delete_container(struct sk_runtime *rt, const char *id, struct sk_done *done)
{
    with_id(rt, "runtime.delete_container", id, 0, delete_container, done);
}

static void op_create_task(struct sk_runtime *rt, const struct sk_box *box, int *out_pid,
                           struct sk_done *done)
{
    with_box(rt, "runtime.create_task", box, out_pid, create_task, done);
}

static void op_start_task(struct sk_runtime *rt, const char *id, struct sk_done *done)
{
    with_id(rt, "runtime.start_task", id, 0, start_task, done);
}

static void op_kill_task(struct sk_runtime *rt, const char *id, int signo, struct sk_done *done)
{
    with_id(rt, "runtime.kill_task", id, signo, kill_task, done);
}

static void op_delete_task(struct sk_runtime *rt, const char *id, struct sk_done *done)
{
    with_id(rt, "runtime.delete_task", id, 0, delete_task, done);
}

static enum sk_code op_oom_kills(struct sk_runtime *base, const char *id, uint64_t *out_kills,
                                 struct sk_err *err)
{
    const struct sk_fake_box *box = sk_fake_box_find(of(base), id);

    if (!box || !box->counts_kills)
        return sk_fail(err, SK_NOT_FOUND, "nobody counts the kills of %s", id);
    *out_kills = box->oom_kills;
    return SK_OK;
}

static enum sk_code measure(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_runtime_use *items = call->out;

    (void)err;
    for (int i = 0; i < call->number; i++) {
        const struct sk_fake_box *box = sk_fake_box_find(call->target, items[i].id);
        if (!box || !box->is_measured)
            continue;
        items[i].is_measured = true;
        items[i].cpu_ns = box->cpu_ns;
        items[i].memory_bytes = box->memory_bytes;
        items[i].processes = 1;
    }
    return SK_OK;
}

static void op_measure(struct sk_runtime *base, struct sk_runtime_use *items, size_t count,
                       struct sk_done *done)
{
    const struct sk_fake_call call = {
        .target = of(base), .out = items, .number = (int)count, .asks = true, .effect = measure};

    sk_fake_call(&of(base)->calls, "runtime.measure", &call, done);
}

static void op_list(struct sk_runtime *base, struct sk_runtime_list *out_list, struct sk_done *done)
{
    struct sk_fake_call call = {.target = of(base), .out = out_list, .asks = true, .effect = list};

    *out_list = (struct sk_runtime_list){0};
    call_out(of(base), "runtime.list", &call, done);
}

static enum sk_code list_litter(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_runtime *rt = call->target;

    (void)err;
    for (size_t i = 0; i < rt->litter.len; i++)
        sk_litter_add(call->out, rt->litter.items[i].kind, rt->litter.items[i].name,
                      rt->litter.items[i].is_nobodys);
    return SK_OK;
}

static enum sk_code remove_litter(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_litter_list *all = &((struct sk_fake_runtime *)call->target)->litter;
    const struct sk_litter *gone = call->args;

    (void)err;
    for (size_t i = all->len; i-- > 0;) {
        if (strcmp(all->items[i].kind, gone->kind) == 0 && strcmp(all->items[i].name, gone->name) == 0)
            all->items[i] = all->items[--all->len];
    }
    return SK_OK;
}

static void op_list_litter(struct sk_runtime *base, struct sk_litter_list *out_list, struct sk_done *done)
{
    struct sk_fake_call call = {.target = of(base), .out = out_list, .asks = true, .effect = list_litter};

    *out_list = (struct sk_litter_list){0};
    call_out(of(base), "runtime.list_litter", &call, done);
}

static void op_remove_litter(struct sk_runtime *base, const struct sk_litter *litter, struct sk_done *done)
{
    struct sk_fake_call call = {.target = of(base), .args = litter, .effect = remove_litter};
    call_out(of(base), "runtime.remove_litter", &call, done);
}

static const struct sk_runtime_ops ops = {
    .listen = op_listen,
    .prepare_rootfs = op_prepare_rootfs,
    .remove_rootfs = op_remove_rootfs,
    .create_container = op_create_container,
    .delete_container = op_delete_container,
    .create_task = op_create_task,
    .start_task = op_start_task,
    .kill_task = op_kill_task,
    .delete_task = op_delete_task,
    .oom_kills = op_oom_kills,
    .measure = op_measure,
    .list = op_list,
    .list_litter = op_list_litter,
    .remove_litter = op_remove_litter,
};

struct sk_fake_runtime *sk_fake_runtime_new(struct sk_loop *loop)
{
    struct sk_fake_runtime *rt = sk_alloc(sizeof(*rt));

    rt->base.ops = &ops;
    rt->last_pid = 1000;
    sk_fake_calls_init(&rt->calls, loop);
    rt->calls.limit = SK_SEC(10);
    sk_list_init(&rt->boxes);
    sk_map_init(&rt->by_id);
    sk_list_init(&rt->events);
    return rt;
}

void sk_fake_runtime_free(struct sk_fake_runtime *rt)
{
    if (!rt)
        return;
    assert(sk_list_is_empty(&rt->events));
    sk_fake_calls_fini(&rt->calls);
    sk_list_each(&rt->boxes, node) sk_fake_box_drop(sk_list_entry(node, struct sk_fake_box, link));
    sk_map_fini(&rt->by_id);
    free(rt->litter.items);
    free(rt);
}

struct sk_runtime *sk_fake_runtime_base(struct sk_fake_runtime *rt)
{
    return &rt->base;
}
