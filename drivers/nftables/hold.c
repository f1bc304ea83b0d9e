#include "drivers/nftables/hold.h"

#include "drivers/nftables/table.h"

#include <string.h>

/* A link's name, and perhaps an address behind it. */
struct key {
    char link[IFNAMSIZ];
    uint8_t ip[16];
};

static struct key key_of(const struct sk_slot *slot, const struct sk_ip *ip)
{
    struct key key = {0};
    (void)snprintf(key.link, sizeof(key.link), "%s", slot->link.name);
    if (ip)
        memcpy(key.ip, ip->bytes, sizeof(key.ip));
    return key;
}

static void put_source(struct sk_batch *batch, enum sk_batch_verb verb, const struct sk_slot *slot,
                       bool is_v6)
{
    struct key key = key_of(slot, is_v6 ? &slot->link.ipv6 : &slot->link.ipv4);
    sk_batch_element(batch, verb,
                     &(struct sk_batch_element){.set = is_v6 ? SK_TABLE_SOURCE6 : SK_TABLE_SOURCE4,
                                                .key = &key,
                                                .key_len = is_v6 ? sizeof(key) : IFNAMSIZ + 4});
}

void sk_hold_name(const struct sk_slot *slot, const char *kind, char out[SK_HOLD_NAME_MAX])
{
    (void)snprintf(out, SK_HOLD_NAME_MAX, "%s_%u", kind, slot->number);
}

void sk_hold_add(struct sk_batch *batch, const struct sk_slot *slot)
{
    struct key key = key_of(slot, NULL);
    char counter[SK_HOLD_NAME_MAX];
    if (slot->is_closed)
        return;
    sk_hold_name(slot, "denied", counter);
    sk_batch_counter(batch, SK_BATCH_ADD, counter);
    sk_batch_element(batch, SK_BATCH_ADD,
                     &(struct sk_batch_element){
                         .set = SK_TABLE_DENIED, .key = &key, .key_len = IFNAMSIZ, .counter = counter});
    put_source(batch, SK_BATCH_ADD, slot, false);
    if (slot->link.has_ipv6)
        put_source(batch, SK_BATCH_ADD, slot, true);
}

void sk_hold_remove(struct sk_batch *batch, const struct sk_slot *slot)
{
    struct key key = key_of(slot, NULL);
    char counter[SK_HOLD_NAME_MAX];
    if (slot->is_closed)
        return;
    sk_hold_name(slot, "denied", counter);
    sk_hold_add(batch, slot); /* what is not there cannot be removed, and would undo the rest */
    sk_batch_element(batch, SK_BATCH_REMOVE,
                     &(struct sk_batch_element){.set = SK_TABLE_DENIED, .key = &key, .key_len = IFNAMSIZ});
    put_source(batch, SK_BATCH_REMOVE, slot, false);
    if (slot->link.has_ipv6)
        put_source(batch, SK_BATCH_REMOVE, slot, true);
    sk_batch_counter(batch, SK_BATCH_REMOVE, counter);
}
