/* policies.c: what is in force for whom: policies applied, names granted,
 * connections cut, and all of it put back when somebody else took it away. */
#include "drivers/nftables/conntrack.h"
#include "drivers/nftables/driver.h"

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

/* --- connections ----------------------------------------------------------------------- */

struct judge {
    const struct sk_nftables *net;
    const struct sk_slot *slot;
    bool knows_names; /* what was granted is remembered from the first */
};

static bool is_of(const struct sk_slot *slot, const struct sk_ip *ip)
{
    return !slot->is_closed && sk_ip_equal(ip, ip->is_v6 ? &slot->link.ipv6 : &slot->link.ipv4);
}

static const struct sk_slot *find_by_ip(const struct sk_nftables *net, const struct sk_ip *ip)
{
    uint32_t number;
    return sk_slots_number_of(&net->slots, ip, &number) ? net->by_number[number] : NULL;
}

/* What nobody reaches, whatever its rules say; pools apart. */
static bool is_out_of_bounds(const struct sk_nftables *net, const struct sk_other_end *end)
{
    return sk_platform_has(&net->platform, &end->ip) &&
           !sk_reachable_has(&net->table.reachable, &end->ip, end->protocol, end->port);
}

static bool is_gateway(const struct sk_nftables *net, const struct sk_ip *ip)
{
    return sk_ip_equal(ip, ip->is_v6 ? &net->table.gateway6 : &net->table.gateway4);
}

static bool allows_outward(const struct judge *judge, const struct sk_other_end *end, bool is_gated)
{
    const struct sk_rules *rules = &judge->slot->hold->rules;
    if (is_gateway(judge->net, &end->ip) && end->port == 53)
        return rules->asks_dns;
    if (is_gateway(judge->net, &end->ip))
        return sk_reachable_has(&judge->net->table.reachable, &end->ip, end->protocol, end->port) &&
               sk_lines_allow(&rules->world, end);
    if (find_by_ip(judge->net, &end->ip))
        return sk_lines_allow(&rules->peers, end);
    if (is_out_of_bounds(judge->net, end))
        return false;
    return sk_lines_allow(&rules->world, end) || (is_gated && sk_lines_allow(&rules->gated, end));
}

static bool allows_inward(const struct judge *judge, const struct sk_other_end *end)
{
    const struct sk_rules *rules = &judge->slot->hold->rules;
    return sk_lines_allow(is_gateway(judge->net, &end->ip) ? &rules->node : &rules->ingress, end);
}

static struct sk_other_end end_of(const struct judge *judge, const struct sk_ip *ip, uint8_t protocol,
                                  uint16_t port)
{
    const struct sk_slot *peer = find_by_ip(judge->net, ip);
    const struct sk_hold *hold = judge->slot->hold;
    return (struct sk_other_end){.ip = *ip,
                                 .protocol = protocol,
                                 .port = port,
                                 .is_granted = !judge->knows_names || sk_grants_has(&hold->grants, ip),
                                 .is_of_tenant = peer && peer->hold && peer->hold->tenant == hold->tenant};
}

static bool is_denied_now(void *arg, const struct sk_connection *c)
{
    const struct judge *judge = arg;
    if (is_of(judge->slot, &c->caller)) {
        struct sk_other_end called = end_of(judge, &c->called, c->protocol, c->called_port);
        bool is_gated = is_gateway(judge->net, &c->answerer) && !is_gateway(judge->net, &c->called);
        return !allows_outward(judge, &called, is_gated);
    }
    if (is_of(judge->slot, &c->answerer)) {
        struct sk_other_end caller = end_of(judge, &c->caller, c->protocol, c->answerer_port);
        return !allows_inward(judge, &caller);
    }
    return false;
}

static bool is_nobodys(const struct sk_nftables *net, const struct sk_ip *ip)
{
    uint32_t number;
    return sk_slots_number_of(&net->slots, ip, &number) && !net->by_number[number];
}

static bool is_left_over(void *arg, const struct sk_connection *c)
{
    return is_nobodys(arg, &c->caller) || is_nobodys(arg, &c->answerer);
}

enum sk_code sk_nftables_sweep(struct sk_nftables *net, struct sk_err *err)
{
    return sk_conntrack_cut(&net->netfilter, is_left_over, net, err);
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

/* What was granted for the same names still is. */
static void inherit(struct sk_hold *next, struct sk_hold *before)
{
    if (!sk_hold_inherits(next, before))
        return;
    next->grants = before->grants;
    before->grants = (struct sk_grants){0};
}

static enum sk_code put_in_force(struct sk_nftables *net, struct sk_slot *slot, struct sk_hold **hold,
                                 struct sk_err *err)
{
    (*hold)->tenant = number_of(net, (*hold)->rules.tenant);
    struct replacement replacement = {slot, *hold, sk_clock_boot()};
    enum sk_code code = sk_nftables_push(net, write_replacement, &replacement, err);
    if (code != SK_OK)
        return code;
    /* What was applied before a restart is not known: connections may have come of it. */
    bool was_open = slot->hold || slot->is_adopted;
    struct judge judge = {net, slot, slot->hold || !slot->is_adopted};
    inherit(*hold, slot->hold);
    sk_hold_free(slot->hold);
    slot->hold = sk_take(*hold);
    return was_open ? sk_conntrack_cut(&net->netfilter, is_denied_now, &judge, err) : SK_OK;
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
    struct sk_grant *items;
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
    return !(pool->prefix && sk_cidr_has(pool, ip)) && !is_out_of_bounds(net, &end);
}

static enum sk_code note_grants(struct sk_nftables *net, struct granting *granting,
                                const struct sk_network_grant *grants, size_t count, struct sk_err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct sk_grant *item = &granting->items[granting->count];
        struct sk_instant wanted = sk_instant_add(granting->now, SK_SEC(grants[i].lifetime_s));
        if (!is_grantable(net, &grants[i].ip))
            continue;
        if (!sk_grants_put(&granting->slot->hold->grants, &grants[i].ip, granting->now, wanted, &item->until))
            return sk_fail(err, SK_RESOURCE_EXHAUSTED, "%.64s has %d addresses granted already",
                           granting->slot->id, SK_GRANTS_MAX);
        item->ip = grants[i].ip;
        granting->count++;
    }
    return SK_OK;
}

enum sk_code sk_nftables_grant(struct sk_nftables *net, const char *id, const struct sk_network_grant *grants,
                               size_t count, struct sk_err *err)
{
    struct sk_slot *slot = sk_nftables_find(net, id);
    if (!slot)
        return sk_fail(err, SK_NOT_FOUND, "%.64s is not on the network", id);
    if (!slot->hold || !slot->hold->rules.names)
        return sk_fail(err, SK_FAILED_PRECONDITION, "no name is granted to %.64s", id);
    SK_AUTO_FREE struct sk_grant *items = sk_alloc((count + 1) * sizeof(*items));
    struct granting granting = {.slot = slot, .items = items, .now = sk_clock_boot()};
    enum sk_code code = note_grants(net, &granting, grants, count, err);
    return code == SK_OK ? sk_nftables_push(net, write_grants, &granting, err) : code;
}
