#include "drivers/nftables/reachable.h"

#include "drivers/nftables/blocks.h"

static bool is_for(const struct sk_nftables_exception *item, uint8_t protocol, uint16_t port)
{
    return !item->protocol || (item->protocol == protocol && (!item->port || item->port == port));
}

bool sk_reachable_has(const struct sk_reachable *reachable, const struct sk_ip *ip, uint8_t protocol,
                      uint16_t port)
{
    for (size_t i = 0; i < reachable->count; i++) {
        if (is_for(&reachable->items[i], protocol, port) && sk_cidr_has(&reachable->items[i].block, ip))
            return true;
    }
    return false;
}

static bool is_alike(const struct sk_nftables_exception *a, const struct sk_nftables_exception *b)
{
    return a->protocol == b->protocol && (!a->protocol || a->port == b->port);
}

/* Those of one protocol and port make one rule a family. */
static void write_alike(const struct sk_reachable *reachable, const struct sk_nftables_exception *model,
                        const char *verdict, struct sk_buf *out)
{
    struct sk_blocks v4 = {0}, v6 = {0};
    char ending[128], ports[32] = "", protocol[32] = "";
    for (size_t i = 0; i < reachable->count; i++) {
        const struct sk_nftables_exception *item = &reachable->items[i];
        if (is_alike(item, model))
            sk_blocks_add(item->block.base.is_v6 ? &v6 : &v4, &item->block);
    }
    if (model->protocol)
        (void)snprintf(protocol, sizeof(protocol), "meta l4proto %u ", model->protocol);
    if (model->protocol && model->port)
        (void)snprintf(ports, sizeof(ports), "th dport %u ", model->port);
    (void)snprintf(ending, sizeof(ending), "%s%s%.60s", protocol, ports, verdict);
    sk_blocks_write(&v4, "ip daddr", ending, out);
    sk_blocks_write(&v6, "ip6 daddr", ending, out);
    sk_blocks_fini(&v4);
    sk_blocks_fini(&v6);
}

void sk_reachable_write(const struct sk_reachable *reachable, const char *verdict, struct sk_buf *out)
{
    for (size_t i = 0; i < reachable->count; i++) {
        bool is_first = true;
        for (size_t j = 0; j < i; j++)
            is_first &= !is_alike(&reachable->items[j], &reachable->items[i]);
        if (is_first)
            write_alike(reachable, &reachable->items[i], verdict, out);
    }
}
