/* places.c: who is where: slots made, given, taken back. */
#include "drivers/nftables/driver.h"

#define MAKE_TRIES 8 /* numbers whose namespace or link lives on are left out */

struct sk_slot *sk_nftables_find(const struct sk_nftables *net, const char *id)
{
    struct sk_map_node *node = sk_map_find(&net->by_id, id);
    return node ? sk_map_entry(node, struct sk_slot, by_id) : NULL;
}

static void keep(struct sk_nftables *net, struct sk_slot *slot)
{
    sk_list_append(&net->all, &slot->all);
    if (!slot->is_closed)
        net->by_number[slot->number] = slot;
}

static void let_go(struct sk_nftables *net, struct sk_slot *slot)
{
    sk_map_remove(&net->by_id, &slot->by_id);
    sk_list_remove(&slot->ready);
    sk_list_remove(&slot->all);
    sk_hold_free(sk_take(slot->hold));
    if (!slot->is_closed)
        net->by_number[slot->number] = NULL;
    sk_nftables_leave(net, slot);
}

static void write_added(struct sk_batch *batch, const void *what)
{
    sk_hold_add(batch, what, sk_clock_boot());
}

static void write_removed(struct sk_batch *batch, const void *what)
{
    sk_hold_remove(batch, what);
}

/* Nothing of the packet filter is put in force before the link is there, and nothing passes before that is.
 */
static enum sk_code furnish(struct sk_nftables *net, struct sk_slot *slot, struct sk_err *err)
{
    enum sk_code code = sk_slot_make(&net->slots, slot, err);
    if (code != SK_OK)
        return code;
    code = sk_nftables_push(net, write_added, slot, err);
    if (code != SK_OK)
        (void)!sk_slot_drop(slot, NULL);
    return code;
}

static bool take_number(struct sk_nftables *net, bool is_closed, uint32_t *out_number)
{
    if (!is_closed)
        return sk_pool_take(&net->pool, sk_clock_boot(), out_number);
    *out_number = net->next_closed++ % 1000000;
    return true;
}

static enum sk_code make(struct sk_nftables *net, bool is_closed, struct sk_slot **out_slot,
                         struct sk_err *err)
{
    struct sk_err last = {0};
    for (int tries = 0; tries < MAKE_TRIES; tries++) {
        uint32_t number;
        if (!take_number(net, is_closed, &number))
            return sk_fail(err, SK_RESOURCE_EXHAUSTED, "no address is free");
        struct sk_slot *slot = sk_slot_new(&net->slots, number, is_closed);
        enum sk_code code = furnish(net, slot, &last);
        if (code == SK_OK) {
            keep(net, slot);
            *out_slot = slot;
            return SK_OK;
        }
        sk_slot_free(slot);
        if (!is_closed)
            sk_pool_give(&net->pool, number, sk_clock_boot());
        if (code != SK_ALREADY_EXISTS)
            break;
    }
    if (err)
        *err = last;
    return last.code;
}

/* What cannot be removed from the packet filter keeps its address. */
static enum sk_code unmake(struct sk_nftables *net, struct sk_slot *slot, struct sk_err *err)
{
    enum sk_code code = sk_nftables_push(net, write_removed, slot, err);
    if (code == SK_OK)
        code = sk_slot_drop(slot, err);
    if (code == SK_OK)
        let_go(net, slot);
    return code;
}

enum sk_code sk_nftables_attach(struct sk_nftables *net, const char *id, bool closed,
                                struct sk_slot **out_slot, struct sk_err *err)
{
    struct sk_slot *slot = sk_nftables_find(net, id);
    struct sk_list *ready = slot || closed ? NULL : sk_list_pop(&net->ready);
    enum sk_code code = SK_OK;
    if (ready)
        slot = sk_list_entry(ready, struct sk_slot, ready);
    else if (!slot)
        code = make(net, closed, &slot, err);
    if (code == SK_OK && !slot->by_id.key) {
        code = sk_slot_assign(slot, id, err);
        if (code == SK_OK)
            sk_map_add(&net->by_id, &slot->by_id, slot->id);
        else if (unmake(net, slot, NULL) != SK_OK)
            sk_list_append(&net->ready, &slot->ready);
    }
    if (code == SK_OK)
        *out_slot = slot;
    return code;
}

enum sk_code sk_nftables_detach(struct sk_nftables *net, const char *id, struct sk_err *err)
{
    struct sk_slot *slot = sk_nftables_find(net, id);
    return slot ? unmake(net, slot, err) : SK_OK;
}

static bool make_ready(struct sk_nftables *net)
{
    size_t count = 0;
    struct sk_slot *slot = NULL;
    sk_list_each(&net->ready, node) count++;
    /* Without an address now there will be one when somebody asks. */
    if (count >= net->ready_wanted || make(net, false, &slot, NULL) != SK_OK || !slot)
        return false;
    sk_list_append(&net->ready, &slot->ready);
    return true;
}

bool sk_nftables_prepare(struct sk_nftables *net)
{
    if (make_ready(net))
        return true;
    sk_nftables_take_down(net, false);
    return false;
}

static void adopt(void *arg, struct sk_slot *slot_take)
{
    struct sk_nftables *net = arg;
    struct sk_slot *slot = slot_take;
    bool is_ours = slot->id[0] && !sk_nftables_find(net, slot->id);
    bool is_known = !slot->is_closed && !sk_pool_claim(&net->pool, slot->number);
    if (slot->has_left && is_known && slot->number < net->pool.count) {
        sk_slot_free(slot);
        return;
    }
    is_ours &= !is_known; /* the pool has become smaller */
    if (is_ours) {
        sk_map_add(&net->by_id, &slot->by_id, slot->id);
        keep(net, slot);
        slot->is_adopted = true;
        sk_hold_add(&net->batch, slot, sk_clock_boot());
        return;
    }
    sk_hold_remove(&net->batch, slot);
    (void)!sk_slot_drop(slot, NULL);
    sk_nftables_leave(net, slot);
}

/* Connections of sandboxes that went while nobody was looking. */

enum sk_code sk_nftables_adopt(struct sk_nftables *net, struct sk_err *err)
{
    enum sk_code code = sk_slots_find(&net->slots, adopt, net, err);
    if (code == SK_OK)
        code = sk_batch_send(&net->batch, &net->netfilter, err);
    return code == SK_OK ? sk_nftables_sweep(net, err) : code;
}

void sk_nftables_list(const struct sk_nftables *net, struct sk_litter_list *out)
{
    sk_list_each(&net->all, node)
    {
        const struct sk_slot *slot = sk_list_entry(node, struct sk_slot, all);
        if (slot->id[0])
            sk_litter_add(out, "network namespace", slot->id, false);
    }
}

void sk_nftables_forget(struct sk_nftables *net)
{
    struct sk_list *node;
    while ((node = sk_list_pop(&net->ready)))
        (void)!unmake(net, sk_list_entry(node, struct sk_slot, ready), NULL);
    sk_nftables_settle(net, true);
    sk_nftables_take_down(net, true);
    while ((node = sk_list_pop(&net->leaving)))
        sk_slot_free(sk_list_entry(node, struct sk_slot, all));
    while ((node = sk_list_pop(&net->all))) {
        struct sk_slot *slot = sk_list_entry(node, struct sk_slot, all);
        sk_map_remove(&net->by_id, &slot->by_id);
        sk_hold_free(slot->hold);
        sk_slot_free(slot);
    }
}
