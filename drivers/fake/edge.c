#include "drivers/fake/edge.h"

#include "base/map.h"

struct entry {
    struct sk_map_node by_id;
    struct sk_list link;
    struct sk_arena arena;
    struct sk_edge_box box;
};

struct sk_fake_edge {
    struct sk_edge base;
    struct sk_fake_calls calls;
    struct sk_map by_id;
    struct sk_list entries;
    void (*on_denied)(void *arg, const struct sk_edge_denial *denial);
    void *arg;
};

static struct sk_fake_edge *of(struct sk_edge *base)
{
    return sk_container_of(base, struct sk_fake_edge, base);
}

static struct entry *find(const struct sk_fake_edge *fake, const char *id)
{
    struct sk_map_node *node = sk_map_find(&fake->by_id, id);
    return node ? sk_map_entry(node, struct entry, by_id) : NULL;
}

/* All that the copy points to is the entry's. */
static struct entry *entry_new(const struct sk_edge_box *box)
{
    struct entry *entry = sk_alloc(sizeof(*entry));
    entry->box = *box;
    entry->box.id = sk_arena_strdup(&entry->arena, box->id);
    struct sk_edge_door *doors = sk_arena_memdup(&entry->arena, box->doors, box->door_count * sizeof(*doors));
    for (size_t i = 0; i < box->door_count; i++)
        doors[i].host = sk_arena_strdup(&entry->arena, doors[i].host);
    entry->box.doors = doors;
    if (box->policy)
        entry->box.policy = sk_net_policy_copy(&entry->arena, box->policy);
    return entry;
}

static void entry_free(struct entry *entry)
{
    if (!entry)
        return;
    sk_arena_fini(&entry->arena);
    free(entry);
}

static void take_out(struct sk_fake_edge *fake, const char *id)
{
    struct entry *entry = find(fake, id);
    if (!entry)
        return;
    sk_map_remove(&fake->by_id, &entry->by_id);
    sk_list_remove(&entry->link);
    entry_free(entry);
}

/* --- calls ------------------------------------------------------------------------------ */

struct args {
    struct entry *entry; /* to be put in; NULL = none, or it is in */
    char *id;
};

static void drop(struct sk_fake_call *call)
{
    struct args *args = (struct args *)(uintptr_t)call->args;
    if (!args)
        return;
    entry_free(args->entry);
    free(args->id);
    free(args);
}

static enum sk_code set(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_edge *fake = call->target;
    struct args *args = (struct args *)(uintptr_t)call->args;
    struct entry *entry = sk_take(args->entry);
    (void)err;
    take_out(fake, entry->box.id);
    sk_map_add(&fake->by_id, &entry->by_id, entry->box.id);
    sk_list_append(&fake->entries, &entry->link);
    return SK_OK;
}

static void op_set(struct sk_edge *base, const struct sk_edge_box *box, struct sk_done *done)
{
    struct args *args = sk_alloc(sizeof(*args));
    args->entry = entry_new(box);
    sk_fake_call(&of(base)->calls, "edge.set",
                 &(struct sk_fake_call){.target = of(base), .args = args, .drop = drop, .effect = set}, done);
}

static enum sk_code take_away(struct sk_fake_call *call, struct sk_err *err)
{
    const struct args *args = call->args;
    (void)err;
    take_out(call->target, args->id);
    return SK_OK;
}

static void ask_away(struct sk_edge *base, const char *name, const char *id, struct sk_done *done)
{
    struct args *args = sk_alloc(sizeof(*args));
    args->id = sk_strdup(id);
    sk_fake_call(&of(base)->calls, name,
                 &(struct sk_fake_call){.target = of(base), .args = args, .drop = drop, .effect = take_away},
                 done);
}

static void op_remove(struct sk_edge *base, const char *id, struct sk_done *done)
{
    ask_away(base, "edge.remove", id, done);
}

static enum sk_code list_litter(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_edge *fake = call->target;
    (void)err;
    sk_list_each(&fake->entries, node)
        sk_litter_add(call->out, "edge entry", sk_list_entry(node, struct entry, link)->box.id, false);
    return SK_OK;
}

static void op_list_litter(struct sk_edge *base, struct sk_litter_list *out, struct sk_done *done)
{
    sk_fake_call(&of(base)->calls, "edge.list_litter",
                 &(struct sk_fake_call){.target = of(base), .out = out, .asks = true, .effect = list_litter},
                 done);
}

static void op_remove_litter(struct sk_edge *base, const struct sk_litter *litter, struct sk_done *done)
{
    ask_away(base, "edge.remove_litter", litter->name, done);
}

static void op_listen(struct sk_edge *base, void (*on_denied)(void *arg, const struct sk_edge_denial *denial),
                      void *arg)
{
    of(base)->on_denied = on_denied;
    of(base)->arg = arg;
}

/* --- the whole ---------------------------------------------------------------------------- */

static const struct sk_edge_ops ops = {
    .listen = op_listen,
    .set = op_set,
    .remove = op_remove,
    .list_litter = op_list_litter,
    .remove_litter = op_remove_litter,
};

struct sk_fake_edge *sk_fake_edge_new(struct sk_loop *loop)
{
    struct sk_fake_edge *fake = sk_alloc(sizeof(*fake));
    fake->base.ops = &ops;
    sk_fake_calls_init(&fake->calls, loop);
    sk_map_init(&fake->by_id);
    sk_list_init(&fake->entries);
    return fake;
}

void sk_fake_edge_free(struct sk_fake_edge *fake)
{
    if (!fake)
        return;
    sk_fake_calls_fini(&fake->calls);
    sk_list_each(&fake->entries, node) take_out(fake, sk_list_entry(node, struct entry, link)->box.id);
    sk_map_fini(&fake->by_id);
    free(fake);
}

struct sk_edge *sk_fake_edge_base(struct sk_fake_edge *fake)
{
    return &fake->base;
}

struct sk_fake_calls *sk_fake_edge_calls(struct sk_fake_edge *fake)
{
    return &fake->calls;
}

const struct sk_edge_box *sk_fake_edge_find(const struct sk_fake_edge *fake, const char *id)
{
    const struct entry *entry = find(fake, id);
    return entry ? &entry->box : NULL;
}

size_t sk_fake_edge_count(const struct sk_fake_edge *fake)
{
    return fake->by_id.len;
}

void sk_fake_edge_tell(struct sk_fake_edge *fake, const struct sk_edge_denial *denial)
{
    if (fake->on_denied)
        fake->on_denied(fake->arg, denial);
}
