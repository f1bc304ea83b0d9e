#include "core/stay.h"

#include "core/drain_impl.h"

enum sk_code sk_stay_begin(struct sk_node *node, struct sk_stay *stay, enum sk_stay_kind kind,
                           void (*cut)(struct sk_stay *stay), struct sk_err *err)
{
    if (kind != SK_STAY_BRIEF && sk_drain_refuses_streams(node, err))
        return SK_UNAVAILABLE;
    *stay = (struct sk_stay){.kind = kind, .cut = cut, .node = node};
    sk_list_append(&node->stays, &stay->link);
    return SK_OK;
}

void sk_stay_become(struct sk_stay *stay, enum sk_stay_kind kind)
{
    stay->kind = kind;
    if (stay->node)
        sk_drain_look(stay->node);
}

void sk_stay_end(struct sk_stay *stay)
{
    if (!sk_list_is_linked(&stay->link))
        return;
    sk_list_remove(&stay->link);
    sk_drain_look(stay->node);
}

void sk_stay_why(const struct sk_stay *stay, struct sk_err *out_err)
{
    if (!sk_drain_refuses(stay->node, out_err))
        sk_node_stopping_err(out_err); /* the drain that cut it has been taken back */
}

size_t sk_stays_count(const struct sk_node *node, enum sk_stay_kind kind)
{
    size_t count = 0;

    sk_list_each(&node->stays, link) count += sk_list_entry(link, struct sk_stay, link)->kind == kind;
    return count;
}

size_t sk_stays_streams(const struct sk_node *node)
{
    return sk_stays_count(node, SK_STAY_WORK) + sk_stays_count(node, SK_STAY_ENDLESS);
}

/* One that ends takes only itself out of the list. */
void sk_stays_cut(struct sk_node *node, enum sk_stay_kind most)
{
    sk_list_each(&node->stays, link)
    {
        struct sk_stay *stay = sk_list_entry(link, struct sk_stay, link);
        if (stay->is_cut || !stay->cut || stay->kind > most)
            continue;
        stay->is_cut = true;
        stay->cut(stay);
    }
}
