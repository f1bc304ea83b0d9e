#include "drivers/nftables/expr.h"

#include <assert.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* The kernel asserts nothing about names it does not know; we do. */
static struct nftnl_expr *add(struct nftnl_rule *rule, const char *name)
{
    struct nftnl_expr *expr = nftnl_expr_alloc(name);
    assert(expr);
    nftnl_rule_add_expr(rule, expr);
    return expr;
}

static void put_meta(struct nftnl_rule *rule, uint32_t key)
{
    struct nftnl_expr *expr = add(rule, "meta");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void put_compare(struct nftnl_rule *rule, uint32_t reg, uint32_t op, const void *data, uint32_t len)
{
    struct nftnl_expr *expr = add(rule, "cmp");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, reg);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, op);
    nftnl_expr_set_data(expr, NFTNL_EXPR_CMP_DATA, data, len);
}

static void put_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset, uint32_t len)
{
    struct nftnl_expr *expr = add(rule, "payload");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, len);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

/* The other end's address into the first register. */
static void put_address(struct nftnl_rule *rule, bool is_v6, bool is_source)
{
    uint8_t family = is_v6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
    put_meta(rule, NFT_META_NFPROTO);
    put_compare(rule, NFT_REG_1, NFT_CMP_EQ, &family, 1);
    if (is_v6)
        put_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, is_source ? 8 : 24, 16);
    else
        put_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, is_source ? 12 : 16, 4);
}

/* Of the address in the first register, which stays. */
static void put_block(struct nftnl_rule *rule, const struct sk_cidr *block, uint32_t op)
{
    static const uint8_t zero[16];
    uint32_t len = block->base.is_v6 ? 16 : 4;
    uint8_t mask[16] = {0};
    for (unsigned bit = 0; bit < block->prefix; bit++)
        mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    struct nftnl_expr *expr = add(rule, "bitwise");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, NFT_REG_2);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, len);
    nftnl_expr_set_data(expr, NFTNL_EXPR_BITWISE_MASK, mask, len);
    nftnl_expr_set_data(expr, NFTNL_EXPR_BITWISE_XOR, zero, len);
    put_compare(rule, NFT_REG_2, op, block->base.bytes, len);
}

static void put_blocks(struct nftnl_rule *rule, const struct sk_line *line)
{
    put_block(rule, &line->block, NFT_CMP_EQ);
    for (size_t i = 0; i < line->except_count; i++) {
        if (line->except[i].base.is_v6 == line->block.base.is_v6)
            put_block(rule, &line->except[i], NFT_CMP_NEQ);
    }
}

/* Of the address in the first register. */
static struct nftnl_expr *put_lookup(struct nftnl_rule *rule, const char *set)
{
    struct nftnl_expr *expr = add(rule, "lookup");
    nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, set);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
    return expr;
}

static void put_tenant(struct nftnl_rule *rule, const struct sk_expr_scene *scene)
{
    nftnl_expr_set_u32(put_lookup(rule, scene->tenants), NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
    put_compare(rule, NFT_REG_1, NFT_CMP_EQ, &scene->tenant, sizeof(scene->tenant));
}

static void put_ports(struct nftnl_rule *rule, const struct sk_line *line)
{
    uint8_t first[2] = {(uint8_t)(line->first >> 8), (uint8_t)line->first};
    uint8_t last[2] = {(uint8_t)(line->last >> 8), (uint8_t)line->last};
    if (!line->protocol)
        return;
    put_meta(rule, NFT_META_L4PROTO);
    put_compare(rule, NFT_REG_1, NFT_CMP_EQ, &line->protocol, 1);
    if (!line->first)
        return;
    put_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
    put_compare(rule, NFT_REG_1, NFT_CMP_GTE, first, 2);
    put_compare(rule, NFT_REG_1, NFT_CMP_LTE, last, 2);
}

static void put_verdict(struct nftnl_rule *rule, const char *chain)
{
    struct nftnl_expr *expr = add(rule, "immediate");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, chain ? (uint32_t)NFT_GOTO : NF_ACCEPT);
    if (chain)
        nftnl_expr_set_str(expr, NFTNL_EXPR_IMM_CHAIN, chain);
}

bool sk_expr_applies(const struct sk_line *line, bool is_v6)
{
    if (line->peer == SK_LINE_BLOCK)
        return line->block.base.is_v6 == is_v6;
    return line->peer != SK_LINE_ANY || !is_v6;
}

struct nftnl_rule *sk_expr_rule(const struct sk_line *line, bool is_v6, const struct sk_expr_scene *scene)
{
    struct nftnl_rule *rule = nftnl_rule_alloc();
    if (line->peer != SK_LINE_ANY)
        put_address(rule, is_v6, scene->is_source);
    if (line->peer == SK_LINE_BLOCK)
        put_blocks(rule, line);
    if (line->peer == SK_LINE_GRANTED)
        (void)put_lookup(rule, scene->granted);
    if (line->peer == SK_LINE_TENANT)
        put_tenant(rule, scene);
    put_ports(rule, line);
    put_verdict(rule, scene->verdict);
    return rule;
}
