/* policies.c: what is in force for whom: policies applied, names granted,
 * connections cut, and all of it put back when somebody else took it away. */
#include "drivers/nftables/judge.h"

#include "base/random.h"

#include <netinet/in.h>
#include <string.h>

/* --- transactions ------------------------------------------------------------------- */

enum sk_code sk_nftables_restore(struct sk_nftables *net, struct sk_err *err)
{
    struct sk_instant now = sk_clock_boot();
    /* Two transactions: after the first nothing passes. */
    enum sk_code code = sk_table_load(&net->table, true, err);
    if (code != SK_OK)
        return code;
    sk_guard_settle(&net->guard);
    sk_list_each(&net->all, node) sk_hold_add(&net->batch, sk_list_entry(node, struct sk_slot, all), now);
    return sk_batch_send(&net->batch, &net->netfilter, err);
}

enum sk_code sk_nftables_push(struct sk_nftables *net,
                              void (*write)(struct sk_batch *batch, const void *what), const void *what,
                              struct sk_err *err)
{
    struct sk_err first = {0};
    write(&net->batch, what);
    enum sk_code code = sk_batch_send(&net->batch, &net->netfilter, &first);
    /* Everything that we name is there unless it was taken away, and the guard has not been asked yet. */
    if (code == SK_NOT_FOUND && sk_nftables_restore(net, NULL) == SK_OK) {
        write(&net->batch, what);
        return sk_batch_send(&net->batch, &net->netfilter, err);
    }
    if (code != SK_OK && err)
        *err = first;
    return code;
}

/* --- tenants ------------------------------------------------------------------------- */

struct tenant {
    struct sk_map_node by_name;
    struct sk_list link;
    uint32_t number;
    char name[];
};

static bool is_taken(const struct sk_nftables *net, uint32_t number)
{
    sk_list_each(&net->tenants, node)
    {
        if (sk_list_entry(node, struct tenant, link)->number == number)
            return true;
    }
    return number == 0;
}

/* Numbers of an earlier daemon stand in chains that live on: another's are not likely to be the same. */
static uint32_t number_of(struct sk_nftables *net, const char *name)
{
    struct sk_map_node *known = sk_map_find(&net->by_tenant, name);
    if (known)
        return sk_map_entry(known, struct tenant, by_name)->number;
    struct tenant *tenant = sk_alloc(sizeof(*tenant) + strlen(name) + 1);
    memcpy(tenant->name, name, strlen(name) + 1);
    do
        sk_random(&tenant->number, sizeof(tenant->number));
    while (is_taken(net, tenant->number));
    sk_map_add(&net->by_tenant, &tenant->by_name, tenant->name);
    sk_list_append(&net->tenants, &tenant->link);
    return tenant->number;
}

void sk_nftables_forget_tenants(struct sk_nftables *net)
{
    struct sk_list *node;
    while ((node = sk_list_pop(&net->tenants))) {
        struct tenant *tenant = sk_list_entry(node, struct tenant, link);
        sk_map_remove(&net->by_tenant, &tenant->by_name);
        free(tenant);
    }
}

/* --- apply ------------------------------------------------------------------------------- */

struct replacement {
    const struct sk_slot *slot;
    const struct sk_hold *next;
    struct sk_instant now;
};

static void write_replacement(struct sk_batch *batch, const void *what)
{
    const struct replacement *replacement = what;
    sk_hold_replace(batch, replacement->slot, replacement->next, replacement->now);
}

static enum sk_code put_in_force(struct sk_nftables *net, struct sk_slot *slot, struct sk_hold **hold,
                                 struct sk_err *err)
{
    (*hold)->tenant = number_of(net, (*hold)->rules.tenant);
    if (slot->hold && (*hold)->rules.names)
        sk_grants_inherit(&(*hold)->grants, &slot->hold->grants, (*hold)->rules.names);
    struct replacement replacement = {slot, *hold, sk_clock_boot()};
    enum sk_code code = sk_nftables_push(net, write_replacement, &replacement, err);
    if (code != SK_OK)
        return code;
    /* What was applied before a restart is not known: connections may have come of it. */
    bool was_open = slot->hold || slot->is_adopted;
    struct sk_judge judge = {net, slot, slot->hold || !slot->is_adopted};
    sk_hold_free(slot->hold);
    slot->hold = sk_take(*hold);
    return was_open ? sk_conntrack_cut(&net->netfilter, sk_judge_denies, &judge, err) : SK_OK;
}

enum sk_code sk_nftables_apply(struct sk_nftables *net, const char *id, struct sk_hold **hold,
                               struct sk_err *err)
{
    struct sk_slot *slot = sk_nftables_find(net, id);
    if (!slot)
        return sk_fail(err, SK_NOT_FOUND, "%.64s is not on the network", id);
    if (!slot->is_closed)
        return put_in_force(net, slot, hold, err);
    if (sk_rules_are_closed(&(*hold)->rules))
        return SK_OK;
    return sk_fail(err, SK_FAILED_PRECONDITION, "%.64s was made without a link, for good", id);
}

/* --- grant ------------------------------------------------------------------------------- */

struct granting {
    const struct sk_slot *slot;
    const char *name;
    struct granted {
        struct sk_ip ip;
        struct sk_instant until;
    } * items;
    size_t count;
    struct sk_instant now;
};

static void write_grants(struct sk_batch *batch, const void *what)
{
    const struct granting *granting = what;
    for (size_t i = 0; i < granting->count; i++)
        sk_hold_grant(batch, granting->slot, granting->slot->hold, &granting->items[i].ip,
                      sk_instant_diff(granting->items[i].until, granting->now));
}

/* A name may be made to stand for anything: such addresses are simply not granted. */
static bool is_grantable(const struct sk_nftables *net, const struct sk_ip *ip)
{
    struct sk_other_end end = {.ip = *ip, .protocol = IPPROTO_TCP, .port = 443};
    const struct sk_cidr *pool = ip->is_v6 ? &net->table.ipv6 : &net->table.ipv4;
    return !(pool->prefix && sk_cidr_has(pool, ip)) && !sk_judge_is_out_of_bounds(net, &end);
}

static enum sk_code note_grants(struct sk_nftables *net, struct granting *granting,
                                const struct sk_network_grant *grants, size_t count, struct sk_err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct granted *item = &granting->items[granting->count];
        struct sk_instant wanted = sk_instant_add(granting->now, SK_SEC(grants[i].lifetime_s));
        if (!is_grantable(net, &grants[i].ip))
            continue;
        if (!sk_grants_put(&granting->slot->hold->grants, &grants[i].ip, granting->name, granting->now,
                           wanted, &item->until))
            return sk_fail(err, SK_RESOURCE_EXHAUSTED, "%.64s has %d addresses granted already",
                           granting->slot->id, SK_GRANTS_MAX);
        item->ip = grants[i].ip;
        granting->count++;
    }
    return SK_OK;
}

enum sk_code sk_nftables_grant(struct sk_nftables *net, const char *id, const char *name,
                               const struct sk_network_grant *grants, size_t count, struct sk_err *err)
{
    struct sk_slot *slot = sk_nftables_find(net, id);
    if (!slot)
        return sk_fail(err, SK_NOT_FOUND, "%.64s is not on the network", id);
    const struct sk_net_policy *names = slot->hold ? slot->hold->rules.names : NULL;
    if (!names || !sk_net_policy_grants(names, name))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the name is not granted to %.64s", id);
    SK_AUTO_FREE struct granted *items = sk_alloc((count + 1) * sizeof(*items));
    struct granting granting = {.slot = slot, .name = name, .items = items, .now = sk_clock_boot()};
    enum sk_code code = note_grants(net, &granting, grants, count, err);
    return code == SK_OK ? sk_nftables_push(net, write_grants, &granting, err) : code;
}
