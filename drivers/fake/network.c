#include "drivers/fake/network.h"

#include "base/map.h"
#include "net/special.h"

#include <assert.h>

struct entry {
    struct sk_map_node by_id;
    struct sk_list link;
    char *id;
    size_t number; /* open ones */
    struct sk_arena arena;
    struct sk_fake_granted *grants;
    struct sk_fake_attached attached;
};

struct sk_fake_network {
    struct sk_network base;
    struct sk_fake_calls calls;
    struct sk_map by_id;
    struct sk_list entries;
    bool taken[SK_FAKE_NETWORK_ADDRESSES];
    size_t next, made; /* the number looked at first: what was given back comes last */
    void (*listener)(void *arg, const struct sk_network_event *event);
    void *arg;
};

static struct sk_fake_network *of(struct sk_network *base)
{
    return sk_container_of(base, struct sk_fake_network, base);
}

static struct entry *find(const struct sk_fake_network *fake, const char *id)
{
    struct sk_map_node *node = sk_map_find(&fake->by_id, id);
    return node ? sk_map_entry(node, struct entry, by_id) : NULL;
}

static enum sk_code must_find(const struct sk_fake_network *fake, const char *id, struct entry **out_entry,
                              struct sk_err *err)
{
    *out_entry = find(fake, id);
    return *out_entry ? SK_OK : sk_fail(err, SK_NOT_FOUND, "%.64s is not on the network", id);
}

static void entry_free(struct sk_fake_network *fake, struct entry *entry)
{
    sk_map_remove(&fake->by_id, &entry->by_id);
    sk_list_remove(&entry->link);
    if (!entry->attached.is_closed)
        fake->taken[entry->number] = false;
    sk_arena_fini(&entry->arena);
    free(entry->grants);
    free(entry->id);
    free(entry);
}

/* --- calls and what they come with ------------------------------------------------------ */

/* A call may be answered long after its arguments have gone. */
struct args {
    bool closed;
    struct sk_arena arena;
    const struct sk_net_policy *policy;
    const char *name;
    const struct sk_network_grant *grants;
    size_t count;
};

static void drop(struct sk_fake_call *call)
{
    struct args *args = (struct args *)(uintptr_t)call->args;
    free((char *)(uintptr_t)call->id);
    if (args)
        sk_arena_fini(&args->arena);
    free(args);
}

static void ask(struct sk_network *base, const char *name, const char *id, struct sk_fake_call *how,
                struct sk_done *done)
{
    how->target = of(base);
    how->id = sk_strdup(id);
    how->drop = drop;
    sk_fake_call(&of(base)->calls, name, how, done);
}

/* --- attach and detach -------------------------------------------------------------------- */

static bool take_number(struct sk_fake_network *fake, size_t *out_number)
{
    for (size_t i = 0; i < SK_FAKE_NETWORK_ADDRESSES; i++) {
        size_t at = (fake->next + i) % SK_FAKE_NETWORK_ADDRESSES;
        if (fake->taken[at])
            continue;
        fake->taken[at] = true;
        fake->next = at + 1;
        *out_number = at;
        return true;
    }
    return false;
}

static void set_addresses(struct sk_network_place *place, size_t number)
{
    uint8_t high = (uint8_t)((number + 2) >> 8), low = (uint8_t)(number + 2);
    place->ipv4 = (struct sk_ip){false, {10, 213, high, low}};
    place->ipv6 = (struct sk_ip){true, {0xFD, 0x5A, [14] = high, [15] = low}};
    place->has_ipv6 = true;
    place->resolver = (struct sk_ip){false, {10, 213, 0, 1}};
}

static enum sk_code add(struct sk_fake_network *fake, const char *id, bool closed, struct sk_err *err)
{
    size_t number = 0;
    if (!closed && !take_number(fake, &number))
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "no address is free");
    struct entry *entry = sk_alloc(sizeof(*entry));
    entry->id = sk_strdup(id);
    entry->number = number;
    entry->attached.is_closed = closed;
    struct sk_network_place *place = &entry->attached.place;
    (void)snprintf(place->netns, sizeof(place->netns), "/fake/net/%zu", fake->made++);
    place->is_closed = closed;
    if (!closed)
        set_addresses(place, number);
    sk_map_add(&fake->by_id, &entry->by_id, entry->id);
    sk_list_append(&fake->entries, &entry->link);
    return SK_OK;
}

static enum sk_code attach(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_network *fake = call->target;
    const struct args *args = call->args;
    enum sk_code code = find(fake, call->id) ? SK_OK : add(fake, call->id, args->closed, err);
    if (code == SK_OK)
        *(struct sk_network_place *)call->out = find(fake, call->id)->attached.place;
    return code;
}

static void op_attach(struct sk_network *base, const char *id, bool closed,
                      struct sk_network_place *out_place, struct sk_done *done)
{
    struct args *args = sk_alloc(sizeof(*args));
    args->closed = closed;
    ask(base, "network.attach", id, &(struct sk_fake_call){.args = args, .out = out_place, .effect = attach},
        done);
}

static enum sk_code detach(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_network *fake = call->target;
    struct entry *entry = find(fake, call->id);
    (void)err;
    if (entry)
        entry_free(fake, entry);
    return SK_OK;
}

static void op_detach(struct sk_network *base, const char *id, struct sk_done *done)
{
    ask(base, "network.detach", id, &(struct sk_fake_call){.effect = detach}, done);
}

/* --- policies -------------------------------------------------------------------------------- */

/* What was granted for names that still are stays. */
static void keep_granted(struct entry *entry)
{
    struct sk_fake_attached *attached = &entry->attached;
    size_t kept = 0;
    for (size_t i = 0; i < attached->grant_count; i++) {
        if (sk_net_policy_grants(attached->policy, entry->grants[i].name))
            entry->grants[kept++] = entry->grants[i];
    }
    attached->grant_count = kept;
}

static enum sk_code apply(struct sk_fake_call *call, struct sk_err *err)
{
    const struct args *args = call->args;
    struct entry *entry;
    enum sk_code code = must_find(call->target, call->id, &entry, err);
    if (code != SK_OK)
        return code;
    if (entry->attached.is_closed && !sk_net_policy_is_closed(args->policy))
        return sk_fail(err, SK_FAILED_PRECONDITION, "%.64s was made without a link, for good", call->id);
    sk_arena_fini(&entry->arena);
    entry->attached.policy = sk_net_policy_copy(&entry->arena, args->policy);
    keep_granted(entry);
    return SK_OK;
}

static void op_apply(struct sk_network *base, const char *id, const struct sk_net_policy *policy,
                     struct sk_done *done)
{
    struct args *args = sk_alloc(sizeof(*args));
    args->policy = sk_net_policy_copy(&args->arena, policy);
    ask(base, "network.apply", id, &(struct sk_fake_call){.args = args, .effect = apply}, done);
}

/* Neither the platform's nor sandboxes' own. */
static bool is_grantable(const struct sk_ip *ip)
{
    static const struct sk_cidr pool4 = {{false, {10, 213}}, 24}, pool6 = {{true, {0xFD, 0x5A}}, 112};
    return !sk_ip_kind_is_closed(sk_ip_kind_of(ip)) && !sk_cidr_has(ip->is_v6 ? &pool6 : &pool4, ip);
}

static struct sk_fake_granted granted_of(const char *name, const struct sk_network_grant *grant)
{
    struct sk_fake_granted granted = {.ip = grant->ip, .lifetime_s = grant->lifetime_s};
    (void)snprintf(granted.name, sizeof(granted.name), "%s", name);
    return granted;
}

static enum sk_code grant(struct sk_fake_call *call, struct sk_err *err)
{
    const struct args *args = call->args;
    struct entry *entry;
    enum sk_code code = must_find(call->target, call->id, &entry, err);
    if (code != SK_OK)
        return code;
    struct sk_fake_attached *attached = &entry->attached;
    if (!attached->policy || !sk_net_policy_grants(attached->policy, args->name))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the name is not granted to %.64s", call->id);
    entry->grants =
        sk_realloc(entry->grants, (attached->grant_count + args->count + 1) * sizeof(*entry->grants));
    for (size_t i = 0; i < args->count; i++) {
        if (is_grantable(&args->grants[i].ip))
            entry->grants[attached->grant_count++] = granted_of(args->name, &args->grants[i]);
    }
    attached->grants = entry->grants;
    return SK_OK;
}

static void op_grant(struct sk_network *base, const char *id, const char *name,
                     const struct sk_network_grant *grants, size_t count, struct sk_done *done)
{
    struct args *args = sk_alloc(sizeof(*args));
    args->name = sk_arena_strdup(&args->arena, name);
    args->grants = sk_arena_memdup(&args->arena, grants, count * sizeof(*grants));
    args->count = count;
    ask(base, "network.grant", id, &(struct sk_fake_call){.args = args, .effect = grant}, done);
}

/* --- looking ---------------------------------------------------------------------------------- */

static enum sk_code counts(struct sk_fake_call *call, struct sk_err *err)
{
    struct entry *entry;
    enum sk_code code = must_find(call->target, call->id, &entry, err);
    if (code == SK_OK)
        *(struct sk_network_counts *)call->out = entry->attached.counts;
    return code;
}

static void op_counts(struct sk_network *base, const char *id, struct sk_network_counts *out_counts,
                      struct sk_done *done)
{
    ask(base, "network.counts", id, &(struct sk_fake_call){.out = out_counts, .asks = true, .effect = counts},
        done);
}

static enum sk_code list_litter(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_network *fake = call->target;
    (void)err;
    sk_list_each(&fake->entries, node)
        sk_litter_add(call->out, "network namespace", sk_list_entry(node, struct entry, link)->id, false);
    return SK_OK;
}

static void op_list_litter(struct sk_network *base, struct sk_litter_list *out, struct sk_done *done)
{
    ask(base, "network.list_litter", NULL,
        &(struct sk_fake_call){.out = out, .asks = true, .effect = list_litter}, done);
}

static void op_remove_litter(struct sk_network *base, const struct sk_litter *litter, struct sk_done *done)
{
    ask(base, "network.remove_litter", litter->name, &(struct sk_fake_call){.effect = detach}, done);
}

static void op_listen(struct sk_network *base, void (*fn)(void *arg, const struct sk_network_event *event),
                      void *arg)
{
    of(base)->listener = fn;
    of(base)->arg = arg;
}

/* --- the whole ----------------------------------------------------------------------------------- */

static const struct sk_network_ops ops = {
    .listen = op_listen,
    .attach = op_attach,
    .apply = op_apply,
    .grant = op_grant,
    .detach = op_detach,
    .counts = op_counts,
    .list_litter = op_list_litter,
    .remove_litter = op_remove_litter,
};

struct sk_fake_network *sk_fake_network_new(struct sk_loop *loop)
{
    struct sk_fake_network *fake = sk_alloc(sizeof(*fake));
    fake->base.ops = &ops;
    sk_fake_calls_init(&fake->calls, loop);
    sk_map_init(&fake->by_id);
    sk_list_init(&fake->entries);
    return fake;
}

void sk_fake_network_free(struct sk_fake_network *fake)
{
    if (!fake)
        return;
    sk_fake_calls_fini(&fake->calls);
    sk_list_each(&fake->entries, node) entry_free(fake, sk_list_entry(node, struct entry, link));
    sk_map_fini(&fake->by_id);
    free(fake);
}

struct sk_network *sk_fake_network_base(struct sk_fake_network *fake)
{
    return &fake->base;
}

struct sk_fake_calls *sk_fake_network_calls(struct sk_fake_network *fake)
{
    return &fake->calls;
}

const struct sk_fake_attached *sk_fake_network_find(const struct sk_fake_network *fake, const char *id)
{
    const struct entry *entry = find(fake, id);
    return entry ? &entry->attached : NULL;
}

size_t sk_fake_network_count(const struct sk_fake_network *fake)
{
    return fake->by_id.len;
}

void sk_fake_network_set_counts(struct sk_fake_network *fake, const char *id,
                                const struct sk_network_counts *set)
{
    struct entry *entry = find(fake, id);
    assert(entry);
    entry->attached.counts = *set;
}

void sk_fake_network_tell(struct sk_fake_network *fake, const struct sk_network_event *event)
{
    if (fake->listener)
        fake->listener(fake->arg, event);
}
