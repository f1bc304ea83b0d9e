#include "drivers/nftables/platform.h"

#include "net/special.h"

#include <string.h>

/* The IPv6 block in which that IPv4 block stands behind `lead`. */
static void add_behind(struct sk_blocks *v6, const uint8_t *lead, size_t lead_len, const struct sk_cidr *v4)
{
    struct sk_cidr block = {.base = {.is_v6 = true}, .prefix = (uint8_t)(lead_len * 8 + v4->prefix)};
    memcpy(block.base.bytes, lead, lead_len);
    memcpy(block.base.bytes + lead_len, v4->base.bytes, 4);
    sk_blocks_add(v6, &block);
}

static void add_clothed(struct sk_platform *platform, const struct sk_cidr *v4)
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xFF, 0x9B}, to4[2] = {0x20, 0x02};
    add_behind(&platform->v6, nat64, sizeof(nat64), v4);
    add_behind(&platform->v6, to4, sizeof(to4), v4);
}

static void add_any(struct sk_platform *platform, const struct sk_cidr *block)
{
    if (block->base.is_v6) {
        sk_blocks_add(&platform->v6, block);
        return;
    }
    sk_blocks_add(&platform->v4, block);
    add_clothed(platform, block);
}

/* The special addresses: those that are closed, and, of IPv6, whatever is neither said to be open nor IPv4
 * behind a prefix. A prefix of NAT64 for local use says nothing of where its IPv4 address stands: all of it
 * stays closed. */
static void sort_special(struct sk_platform *platform)
{
    static const struct sk_cidr nat64 = {{true, {0x00, 0x64, 0xFF, 0x9B}}, 96};
    struct sk_cidr block;
    enum sk_ip_kind kind;
    sk_blocks_add(&platform->open6, &nat64);
    for (size_t i = 0; sk_ip_special_nth(i, &block, &kind); i++) {
        if (sk_ip_kind_is_closed(kind) && block.prefix)
            add_any(platform, &block);
        else if (block.base.is_v6 && block.prefix)
            sk_blocks_add(&platform->open6, &block);
    }
}

void sk_platform_init(struct sk_platform *platform, const struct sk_cidr *forbidden, size_t forbidden_count,
                      const struct sk_cidr *pool4)
{
    *platform = (struct sk_platform){0};
    sort_special(platform);
    for (size_t i = 0; i < forbidden_count; i++)
        add_any(platform, &forbidden[i]);
    add_clothed(platform, pool4);
}

void sk_platform_fini(struct sk_platform *platform)
{
    sk_blocks_fini(&platform->v4);
    sk_blocks_fini(&platform->v6);
    sk_blocks_fini(&platform->open6);
}

bool sk_platform_has(const struct sk_platform *platform, const struct sk_ip *ip)
{
    if (!ip->is_v6)
        return sk_blocks_have(&platform->v4, ip);
    return sk_blocks_have(&platform->v6, ip) || !sk_blocks_have(&platform->open6, ip);
}

void sk_platform_write(const struct sk_platform *platform, const char *verdict, struct sk_buf *out)
{
    sk_blocks_write(&platform->v4, "ip daddr", verdict, out);
    sk_blocks_write(&platform->v6, "ip6 daddr", verdict, out);
    sk_blocks_write(&platform->open6, "ip6 daddr !=", verdict, out);
}
