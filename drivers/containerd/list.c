/* list.c: everything containerd holds in our namespace, by sandbox. */
#include "containerd/containers.pb-c.h"
#include "containerd/snapshots.pb-c.h"
#include "containerd/tasks.pb-c.h"
#include "drivers/containerd/runtime.h"
#include "loop/op.h"

#include <stdio.h>
#include <string.h>

struct entry {
    struct sk_map_node node;
    struct sk_runtime_holding holding; /* its id is the node's key */
};

struct listing {
    struct sk_op op;
    struct sk_done over;
    struct sk_done *done; /* the caller's */
    struct sk_ctd_runtime *rt;
    struct sk_runtime_list *out_list;
    struct sk_arena arena;
    struct sk_map entries;
    ProtobufCMessage *tasks;
};

static struct listing *listing_of(struct sk_op *op)
{
    return sk_container_of(op, struct listing, op);
}

/* NULL for an id that is too long to be one of ours. */
static struct sk_runtime_holding *holding_of(struct listing *l, const char *id)
{
    struct sk_map_node *node = sk_map_find(&l->entries, id);
    if (node)
        return &sk_map_entry(node, struct entry, node)->holding;
    if (strlen(id) >= sizeof(((struct sk_runtime_holding *)NULL)->id))
        return NULL;
    struct entry *entry = sk_arena_alloc(&l->arena, sizeof(*entry));
    snprintf(entry->holding.id, sizeof(entry->holding.id), "%s", id);
    sk_map_add(&l->entries, &entry->node, entry->holding.id);
    return &entry->holding;
}

static void release_entries(struct listing *l, struct sk_runtime_list *out_list)
{
    struct sk_runtime_holding *items = out_list ? sk_alloc(l->entries.len * sizeof(*items) + 1) : NULL;
    size_t len = 0;
    struct sk_map_node *node;
    while ((node = sk_map_any(&l->entries))) {
        if (items)
            items[len++] = sk_map_entry(node, struct entry, node)->holding;
        sk_map_remove(&l->entries, node);
    }
    if (out_list)
        *out_list = (struct sk_runtime_list){items, len};
}

static void finish_listing(struct sk_done *over, const struct sk_err *err)
{
    struct listing *l = sk_container_of(over, struct listing, over);
    struct sk_done *done = l->done;
    release_entries(l, err ? NULL : l->out_list);
    sk_map_fini(&l->entries);
    sk_arena_fini(&l->arena);
    free(l);
    sk_done_fire(done, err);
}

static enum sk_code take_snapshots(void *arg, const ProtobufCMessage *message, struct sk_err *err)
{
    struct listing *l = arg;
    const Containerd__ListSnapshotsResponse *response = (const Containerd__ListSnapshotsResponse *)message;
    (void)err;
    for (size_t i = 0; i < response->n_info; i++) {
        struct sk_runtime_holding *holding = holding_of(l, response->info[i]->name);
        if (holding)
            holding->rootfs = true;
    }
    return SK_OK;
}

static void list_snapshots(struct sk_op *op, struct sk_done *done)
{
    struct listing *l = listing_of(op);
    Containerd__ListSnapshotsRequest request = CONTAINERD__LIST_SNAPSHOTS_REQUEST__INIT;
    char *filters[] = {"labels.\"" SK_LABEL_SANDBOX "\""}; /* layers of images have no such label */
    request.snapshotter = l->rt->client->snapshotter;
    request.n_filters = 1;
    request.filters = filters;
    sk_ctd_gather(l->rt->client, SK_CTD_SNAPSHOT_LIST, &request.base,
                  &(struct sk_ctd_gather){take_snapshots, l}, done);
}

static enum sk_code take_container(void *arg, const ProtobufCMessage *message, struct sk_err *err)
{
    struct listing *l = arg;
    const Containerd__Container *container = ((const Containerd__ContainerMessage *)message)->container;
    struct sk_runtime_holding *holding = container ? holding_of(l, container->id) : NULL;
    (void)err;
    if (!holding)
        return SK_OK;
    holding->container = true;
    for (size_t i = 0; i < container->n_labels; i++)
        if (strcmp(container->labels[i]->key, SK_LABEL_GROUP) == 0)
            sk_shims_note(&l->rt->shims, container->id, container->labels[i]->value);
    return SK_OK;
}

static void list_containers(struct sk_op *op, struct sk_done *done)
{
    struct listing *l = listing_of(op);
    Containerd__ListContainersRequest request = CONTAINERD__LIST_CONTAINERS_REQUEST__INIT;
    sk_ctd_gather(l->rt->client, SK_CTD_CONTAINER_LIST, &request.base,
                  &(struct sk_ctd_gather){take_container, l}, done);
}

static void list_tasks(struct sk_op *op, struct sk_done *done)
{
    struct listing *l = listing_of(op);
    Containerd__ListTasksRequest request = CONTAINERD__LIST_TASKS_REQUEST__INIT;
    sk_ctd_call(l->rt->client,
                &(struct sk_ctd_ask){
                    .method = SK_CTD_TASK_LIST,
                    .can_cancel = true,
                    .arena = &l->arena,
                    .out_response = &l->tasks,
                },
                &request.base, done);
}

static void take_tasks(struct sk_op *op, struct sk_done *done)
{
    struct listing *l = listing_of(op);
    const Containerd__ListTasksResponse *response = (const Containerd__ListTasksResponse *)l->tasks;
    for (size_t i = 0; i < response->n_tasks; i++) {
        const Containerd__Process *task = response->tasks[i];
        /* containerd 1.6 names a task in `id`, and may leave `container_id` empty. */
        struct sk_runtime_holding *holding =
            holding_of(l, *task->container_id ? task->container_id : task->id);
        if (!holding)
            continue;
        holding->task = true;
        holding->task_running = task->status != CONTAINERD__TASK_STATUS__TASK_STATUS_STOPPED &&
                                task->status != CONTAINERD__TASK_STATUS__TASK_STATUS_CREATED;
        holding->pid = holding->task_running && task->pid <= INT32_MAX ? (int)task->pid : 0;
    }
    sk_done_later(l->rt->client->loop, done, NULL);
}

static void cancel_listing(struct sk_done *done)
{
    struct listing *l = done->callee;
    sk_op_cancel(&l->op, NULL);
}

void sk_ctd_list(struct sk_runtime *base, struct sk_runtime_list *out_list, struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"snapshots", list_snapshots, NULL},
        {"containers", list_containers, NULL},
        {"tasks", list_tasks, NULL},
        {"merge", take_tasks, NULL},
        {NULL, NULL, NULL},
    };
    struct listing *l = sk_alloc(sizeof(*l));
    l->rt = sk_ctd_runtime_of(base);
    l->done = done;
    l->out_list = out_list;
    sk_map_init(&l->entries);
    done->callee = l;
    done->cancel = cancel_listing;
    sk_done_init(&l->over, finish_listing);
    l->op.flow = "list";
    sk_op_start(&l->op, l->rt->client->loop, l->rt->client->log, steps, (struct sk_instant){0}, &l->over);
}
