#include "drivers/nftables/blocks.h"

void sk_blocks_fini(struct sk_blocks *blocks)
{
    free(blocks->items);
    *blocks = (struct sk_blocks){0};
}

void sk_blocks_add(struct sk_blocks *blocks, const struct sk_cidr *block)
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

bool sk_blocks_have(const struct sk_blocks *blocks, const struct sk_ip *ip)
{
    for (size_t i = 0; i < blocks->count; i++) {
        if (sk_cidr_has(&blocks->items[i], ip))
            return true;
    }
    return false;
}

void sk_blocks_write(const struct sk_blocks *blocks, const char *match, const char *verdict,
                     struct sk_buf *out)
{
    char text[SK_CIDR_TEXT_MAX];
    if (!blocks->count)
        return;
    (void)!sk_buf_printf(out, "  %s {", match);
    for (size_t i = 0; i < blocks->count; i++) {
        sk_cidr_print(&blocks->items[i], text);
        (void)!sk_buf_printf(out, "%s %s", i ? "," : "", text);
    }
    (void)!sk_buf_printf(out, " } %s\n", verdict);
}
