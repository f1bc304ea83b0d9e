#include "drivers/nftables/hold.h"

#include "drivers/nftables/expr.h"
#include "drivers/nftables/table.h"

#include <netinet/in.h>
#include <string.h>

/* A link's name, and perhaps an address behind it. */
struct key {
    char link[IFNAMSIZ];
    uint8_t ip[16];
};

/* The chains of a slot, and the maps that lead to them. */
static const struct own_chain {
    const char *kind, *map;
} own_chains[] = {
    {"world", SK_TABLE_EGRESS}, {"peers", SK_TABLE_PEERS}, {"ingress", SK_TABLE_INGRESS},
    {"node", SK_TABLE_NODE},    {"gate", SK_TABLE_GATE},
};

void sk_hold_free(struct sk_hold *hold)
{
    if (!hold)
        return;
    sk_grants_fini(&hold->grants);
    sk_arena_fini(&hold->arena);
    free(hold);
}

void sk_hold_name(const struct sk_slot *slot, const char *kind, char out[SK_HOLD_NAME_MAX])
{
    (void)snprintf(out, SK_HOLD_NAME_MAX, "%s_%u", kind, slot->number);
}

static struct key key_of(const struct sk_slot *slot, const struct sk_ip *ip)
{
    struct key key = {0};
    (void)snprintf(key.link, sizeof(key.link), "%s", slot->link.name);
    if (ip)
        memcpy(key.ip, ip->bytes, sizeof(key.ip));
    return key;
}

static const struct sk_ip *ip_of(const struct sk_slot *slot, bool is_v6)
{
    return is_v6 ? &slot->link.ipv6 : &slot->link.ipv4;
}

static int families(const struct sk_slot *slot)
{
    return slot->link.has_ipv6 ? 2 : 1;
}

/* --- what every slot has --------------------------------------------------------------- */

static void put_source(struct sk_batch *batch, enum sk_batch_verb verb, const struct sk_slot *slot,
                       bool is_v6)
{
    struct key key = key_of(slot, ip_of(slot, is_v6));
    sk_batch_element(batch, verb,
                     &(struct sk_batch_element){.set = is_v6 ? SK_TABLE_SOURCE6 : SK_TABLE_SOURCE4,
                                                .key = &key,
                                                .key_len = is_v6 ? sizeof(key) : IFNAMSIZ + 4});
}

static void put_basics(struct sk_batch *batch, enum sk_batch_verb verb, const struct sk_slot *slot)
{
    struct key key = key_of(slot, NULL);
    char counter[SK_HOLD_NAME_MAX];
    sk_hold_name(slot, "denied", counter);
    if (verb == SK_BATCH_ADD)
        sk_batch_counter(batch, verb, counter);
    sk_batch_element(batch, verb,
                     &(struct sk_batch_element){
                         .set = SK_TABLE_DENIED, .key = &key, .key_len = IFNAMSIZ, .counter = counter});
    for (int is_v6 = 0; is_v6 < families(slot); is_v6++)
        put_source(batch, verb, slot, is_v6);
    if (verb == SK_BATCH_REMOVE)
        sk_batch_counter(batch, verb, counter);
}

/* --- chains ------------------------------------------------------------------------------ */

static void put_line(struct sk_batch *batch, const struct sk_slot *slot, const struct sk_hold *hold,
                     const char *chain, const struct sk_line *line, struct sk_expr_scene scene)
{
    char granted[SK_HOLD_NAME_MAX];
    for (int is_v6 = 0; is_v6 < 2; is_v6++) {
        if (!sk_expr_applies(line, is_v6))
            continue;
        sk_hold_name(slot, is_v6 ? "granted6" : "granted4", granted);
        scene.granted = granted;
        scene.tenants = is_v6 ? SK_TABLE_TENANT6 : SK_TABLE_TENANT4;
        scene.tenant = hold->tenant;
        sk_batch_rule(batch, chain, sk_expr_rule(line, is_v6, &scene));
    }
}

static void put_lines(struct sk_batch *batch, const struct sk_slot *slot, const struct sk_hold *hold,
                      const char *kind, const struct sk_lines *lines, struct sk_expr_scene scene)
{
    char chain[SK_HOLD_NAME_MAX];
    sk_hold_name(slot, kind, chain);
    for (size_t i = 0; i < lines->count; i++)
        put_line(batch, slot, hold, chain, &lines->items[i], scene);
}

/* The way to a chain; taken away, not even the chain's last rule is asked. */
static void put_way(struct sk_batch *batch, enum sk_batch_verb verb, const struct sk_slot *slot,
                    const struct own_chain *own)
{
    struct key key = key_of(slot, NULL);
    char chain[SK_HOLD_NAME_MAX];
    sk_hold_name(slot, own->kind, chain);
    sk_batch_element(
        batch, verb,
        &(struct sk_batch_element){.set = own->map, .key = &key, .key_len = IFNAMSIZ, .chain = chain});
}

static void put_chains(struct sk_batch *batch, const struct sk_slot *slot)
{
    char chain[SK_HOLD_NAME_MAX];
    for (size_t i = 0; i < sk_array_len(own_chains); i++) {
        sk_hold_name(slot, own_chains[i].kind, chain);
        sk_batch_chain(batch, SK_BATCH_ADD, chain);
        sk_batch_flush_chain(batch, chain);
        put_way(batch, SK_BATCH_ADD, slot, &own_chains[i]);
    }
}

static void put_granted(struct sk_batch *batch, enum sk_batch_verb verb, const struct sk_slot *slot)
{
    char set[SK_HOLD_NAME_MAX];
    for (int is_v6 = 0; is_v6 < 2; is_v6++) {
        sk_hold_name(slot, is_v6 ? "granted6" : "granted4", set);
        /* Those whose time is over count until the kernel has swept. */
        sk_batch_set(batch, verb, set, is_v6, 2 * SK_GRANTS_MAX);
    }
}

static void flush_granted(struct sk_batch *batch, const struct sk_slot *slot)
{
    char set[SK_HOLD_NAME_MAX];
    for (int is_v6 = 0; is_v6 < 2; is_v6++) {
        sk_hold_name(slot, is_v6 ? "granted6" : "granted4", set);
        sk_batch_flush_set(batch, set);
    }
}

static void put_dns(struct sk_batch *batch, enum sk_batch_verb verb, const struct sk_slot *slot)
{
    struct key key = key_of(slot, NULL);
    sk_batch_element(batch, verb,
                     &(struct sk_batch_element){.set = SK_TABLE_DNS, .key = &key, .key_len = IFNAMSIZ});
}

static void put_tenant(struct sk_batch *batch, enum sk_batch_verb verb, const struct sk_slot *slot,
                       uint32_t tenant)
{
    for (int is_v6 = 0; is_v6 < families(slot); is_v6++)
        sk_batch_element(batch, verb,
                         &(struct sk_batch_element){.set = is_v6 ? SK_TABLE_TENANT6 : SK_TABLE_TENANT4,
                                                    .key = ip_of(slot, is_v6)->bytes,
                                                    .key_len = is_v6 ? 16 : 4,
                                                    .mark = &tenant});
}

/* What is not there cannot be removed, and the attempt would undo the rest: so it is added first. */
static void drop_dns(struct sk_batch *batch, const struct sk_slot *slot)
{
    put_dns(batch, SK_BATCH_ADD, slot);
    put_dns(batch, SK_BATCH_REMOVE, slot);
}

void sk_hold_grant(struct sk_batch *batch, const struct sk_slot *slot, const struct sk_hold *hold,
                   const struct sk_ip *ip, struct sk_duration lifetime)
{
    char set[SK_HOLD_NAME_MAX];
    struct sk_other_end end = {.ip = *ip, .protocol = IPPROTO_TCP, .port = 443};
    bool is_open = hold->rules.gated.count && sk_lines_allow(&hold->rules.world, &end);
    sk_hold_name(slot, ip->is_v6 ? "granted6" : "granted4", set);
    struct sk_batch_element element = {.set = set,
                                       .key = ip->bytes,
                                       .key_len = ip->is_v6 ? 16 : 4,
                                       .lifetime_ms = (uint64_t)sk_duration_ms(lifetime) + 1};
    /* One that is there keeps its old lifetime when it is added. */
    sk_batch_element(batch, SK_BATCH_ADD, &element);
    sk_batch_element(batch, SK_BATCH_REMOVE, &element);
    if (!is_open)
        sk_batch_element(batch, SK_BATCH_ADD, &element);
}

static void put_grants(struct sk_batch *batch, const struct sk_slot *slot, const struct sk_hold *next,
                       struct sk_instant now)
{
    for (size_t i = 0; i < next->grants.count; i++) {
        const struct sk_grant *grant = &next->grants.items[i];
        if (grant->until.ns > now.ns)
            sk_hold_grant(batch, slot, next, &grant->ip, sk_instant_diff(grant->until, now));
    }
}

/* What is not granted any more is taken with all, and the rest put back. Without slot->hold it is not known
 * what was granted for which name: lifetimes are short. */
static void put_names(struct sk_batch *batch, const struct sk_slot *slot, const struct sk_hold *next,
                      struct sk_instant now)
{
    put_granted(batch, SK_BATCH_ADD, slot);
    if (slot->hold)
        flush_granted(batch, slot);
    if (next->rules.names)
        put_grants(batch, slot, next, now);
    else
        put_granted(batch, SK_BATCH_REMOVE, slot);
}

/* Of an address whose tenant was another, or none that we know of; the map would refuse a second one. */
static void replace_tenant(struct sk_batch *batch, const struct sk_slot *slot, uint32_t tenant)
{
    if (slot->hold && slot->hold->tenant != tenant) {
        put_tenant(batch, SK_BATCH_ADD, slot, slot->hold->tenant);
        put_tenant(batch, SK_BATCH_REMOVE, slot, slot->hold->tenant);
    }
    put_tenant(batch, SK_BATCH_ADD, slot, tenant);
}

void sk_hold_replace(struct sk_batch *batch, const struct sk_slot *slot, const struct sk_hold *next,
                     struct sk_instant now)
{
    put_chains(batch, slot);
    put_names(batch, slot, next, now);
    replace_tenant(batch, slot, next->tenant);
    if (next->rules.asks_dns)
        put_dns(batch, SK_BATCH_ADD, slot);
    else
        drop_dns(batch, slot);
    put_lines(batch, slot, next, "world", &next->rules.world, (struct sk_expr_scene){0});
    put_lines(batch, slot, next, "peers", &next->rules.peers,
              (struct sk_expr_scene){.verdict = SK_TABLE_PASSED});
    put_lines(batch, slot, next, "gate", &next->rules.gated,
              (struct sk_expr_scene){.verdict = SK_TABLE_TO_GATE});
    put_lines(batch, slot, next, "ingress", &next->rules.ingress, (struct sk_expr_scene){.is_source = true});
    put_lines(batch, slot, next, "node", &next->rules.node, (struct sk_expr_scene){0});
}

/* --- the whole ------------------------------------------------------------------------------ */

void sk_hold_add(struct sk_batch *batch, const struct sk_slot *slot, struct sk_instant now)
{
    if (slot->is_closed)
        return;
    put_basics(batch, SK_BATCH_ADD, slot);
    if (slot->hold)
        sk_hold_replace(batch, slot, slot->hold, now);
}

void sk_hold_remove(struct sk_batch *batch, const struct sk_slot *slot)
{
    char chain[SK_HOLD_NAME_MAX];
    if (slot->is_closed)
        return;
    put_basics(batch, SK_BATCH_ADD, slot);
    put_chains(batch, slot);
    put_granted(batch, SK_BATCH_ADD, slot);
    drop_dns(batch, slot);
    if (slot->hold) {
        put_tenant(batch, SK_BATCH_ADD, slot, slot->hold->tenant);
        put_tenant(batch, SK_BATCH_REMOVE, slot, slot->hold->tenant);
    }
    for (size_t i = 0; i < sk_array_len(own_chains); i++) {
        put_way(batch, SK_BATCH_REMOVE, slot, &own_chains[i]);
        sk_hold_name(slot, own_chains[i].kind, chain);
        sk_batch_chain(batch, SK_BATCH_REMOVE, chain);
    }
    put_granted(batch, SK_BATCH_REMOVE, slot);
    put_basics(batch, SK_BATCH_REMOVE, slot);
}
