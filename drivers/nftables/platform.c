#include "drivers/nftables/platform.h"

#include "net/special.h"

#include <string.h>

/* Blocks of one family, none of them within another. */
struct blocks {
    struct sk_cidr *items;
    size_t count;
};

static void add(struct blocks *blocks, const struct sk_cidr *block)
{
    for (size_t i = 0; i < blocks->count; i++) {
        if (sk_cidr_covers(&blocks->items[i], block))
            return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < blocks->count; i++) {
        if (!sk_cidr_covers(block, &blocks->items[i]))
            blocks->items[kept++] = blocks->items[i];
    }
    blocks->items = sk_realloc(blocks->items, (kept + 1) * sizeof(*block));
    blocks->items[kept++] = *block;
    blocks->count = kept;
}

/* The IPv6 block in which that IPv4 block stands behind `lead`. */
static void add_clothed(struct blocks *v6, const uint8_t *lead, size_t lead_len, const struct sk_cidr *v4)
{
    struct sk_cidr block = {.base = {.is_v6 = true}, .prefix = (uint8_t)(lead_len * 8 + v4->prefix)};
    memcpy(block.base.bytes, lead, lead_len);
    memcpy(block.base.bytes + lead_len, v4->base.bytes, 4);
    add(v6, &block);
}

static void add_any(struct blocks *v4, struct blocks *v6, const struct sk_cidr *block)
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xFF, 0x9B}, to4[2] = {0x20, 0x02};
    if (block->base.is_v6) {
        add(v6, block);
        return;
    }
    add(v4, block);
    add_clothed(v6, nat64, sizeof(nat64), block);
    add_clothed(v6, to4, sizeof(to4), block);
}

static void write_blocks(const struct blocks *blocks, const char *match, const char *verdict,
                         struct sk_buf *out)
{
    char text[SK_CIDR_TEXT_MAX];
    (void)!sk_buf_printf(out, "  %s {", match);
    for (size_t i = 0; i < blocks->count; i++) {
        sk_cidr_print(&blocks->items[i], text);
        (void)!sk_buf_printf(out, "%s %s", i ? "," : "", text);
    }
    (void)!sk_buf_printf(out, " } %s\n", verdict);
}

/* The special addresses: those that are closed, and, of IPv6, whatever is neither said to be open nor IPv4
 * behind a prefix. A prefix of NAT64 for local use says nothing of where its IPv4 address stands: all of it
 * stays closed. */
static void sort_special(struct blocks *v4, struct blocks *v6, struct blocks *open6)
{
    static const struct sk_cidr nat64 = {{true, {0x00, 0x64, 0xFF, 0x9B}}, 96};
    struct sk_cidr block;
    enum sk_ip_kind kind;
    add(open6, &nat64);
    for (size_t i = 0; sk_ip_special_nth(i, &block, &kind); i++) {
        if (sk_ip_kind_is_closed(kind) && block.prefix)
            add_any(v4, v6, &block);
        else if (block.base.is_v6 && block.prefix)
            add(open6, &block);
    }
}

void sk_platform_write(const struct sk_cidr *forbidden, size_t forbidden_count, const char *verdict,
                       struct sk_buf *out)
{
    struct blocks v4 = {0}, v6 = {0}, open6 = {0};
    sort_special(&v4, &v6, &open6);
    for (size_t i = 0; i < forbidden_count; i++)
        add_any(&v4, &v6, &forbidden[i]);
    write_blocks(&v4, "ip daddr", verdict, out);
    write_blocks(&v6, "ip6 daddr", verdict, out);
    write_blocks(&open6, "ip6 daddr !=", verdict, out);
    free(v4.items);
    free(v6.items);
    free(open6.items);
}
