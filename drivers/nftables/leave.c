/* leave.c: what becomes of slots that were dropped: their connections are
 * forgotten, then their numbers are free. A kernel that keeps a namespace for
 * what sockets still have to say keeps its link, too: so long as nobody takes
 * it down, which takes so long that it waits for a quiet moment. */
#include "drivers/nftables/driver.h"

#define PAUSE_MS 1001
/* Most links go by themselves within that time. */
#define KERNELS_TIME SK_SEC(1)
/* Not kept longer than that for want of a quiet moment. */
#define LONGEST SK_SEC(5)

/* Whoever waits to leave waits a second, so that many leave at once. */
void sk_nftables_leave(struct sk_nftables *net, struct sk_slot *slot_take)
{
    if (slot_take->is_closed) {
        sk_slot_free(slot_take);
        return;
    }
    slot_take->left = sk_clock_boot();
    if (sk_list_is_empty(&net->leaving))
        net->swept = slot_take->left;
    sk_list_append(&net->leaving, &slot_take->all);
}

static void part(struct sk_nftables *net, struct sk_slot *slot)
{
    sk_slot_forget(slot);
    if (slot->number < net->pool.count) /* it may have become smaller */
        sk_pool_give(&net->pool, slot->number, sk_clock_boot());
    sk_slot_free(slot);
}

/* Whoever has the address next must not be taken for the end of connections that were another's. */
void sk_nftables_settle(struct sk_nftables *net, bool urgent)
{
    struct sk_instant now = sk_clock_boot();
    struct sk_err err = {0};
    struct sk_list *node;
    if (sk_list_is_empty(&net->leaving) || (!urgent && now.ns < sk_instant_add(net->swept, SK_SEC(1)).ns))
        return;
    net->swept = now;
    if (sk_nftables_sweep(net, &err) != SK_OK) {
        sk_log_err(net->log, SK_WARN, "network.sweep_failed", &err);
        return;
    }
    while ((node = sk_list_pop(&net->leaving))) {
        struct sk_slot *slot = sk_list_entry(node, struct sk_slot, all);
        if (sk_link_is_there(&net->slots.route, slot->link.name))
            sk_list_append(&net->staying, &slot->all);
        else
            part(net, slot);
    }
}

/* They are in the order in which they left. */
static bool has_stayed(const struct sk_nftables *net, struct sk_duration duration)
{
    if (sk_list_is_empty(&net->staying))
        return false;
    const struct sk_slot *first = sk_list_entry(net->staying.next, struct sk_slot, all);
    return sk_instant_add(first->left, duration).ns <= sk_clock_boot().ns;
}

void sk_nftables_take_down(struct sk_nftables *net, bool urgent)
{
    struct sk_err err = {0};
    struct sk_list *node;
    if (!urgent && !has_stayed(net, KERNELS_TIME))
        return;
    sk_list_each(&net->staying, at)
        sk_link_mark(&net->slots.route, sk_list_entry(at, struct sk_slot, all)->link.name);
    if (!sk_list_is_empty(&net->staying) && sk_link_remove_marked(&net->slots.route, &err) != SK_OK)
        sk_log_err(net->log, SK_WARN, "network.links_stay", &err);
    while ((node = sk_list_pop(&net->staying)))
        part(net, sk_list_entry(node, struct sk_slot, all));
}

int sk_nftables_await_leaving(struct sk_nftables *net)
{
    if (has_stayed(net, LONGEST))
        sk_nftables_take_down(net, false);
    net->worker.hungry |= has_stayed(net, KERNELS_TIME);
    return sk_list_is_empty(&net->leaving) && sk_list_is_empty(&net->staying) ? -1 : PAUSE_MS;
}
