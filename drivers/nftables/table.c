#include "drivers/nftables/table.h"

#include "drivers/nftables/platform.h"

#include <assert.h>
#include <nftables/libnftables.h>
#include <string.h>

#define TEXT_MAX ((size_t)4 << 20)

/* $N: the table's name. $L: links of sandboxes. */
static const char declare[] =
    "table inet $N {\n"
    " map " SK_TABLE_EGRESS " { type ifname : verdict; }\n"
    " map " SK_TABLE_PEERS " { type ifname : verdict; }\n"
    " map " SK_TABLE_INGRESS " { type ifname : verdict; }\n"
    " map " SK_TABLE_DENIED " { type ifname : counter; }\n"
    " map " SK_TABLE_TENANT4 " { type ipv4_addr : mark; }\n"
    " map " SK_TABLE_TENANT6 " { type ipv6_addr : mark; }\n"
    " set " SK_TABLE_SOURCE4 " { type ifname . ipv4_addr; }\n"
    " set " SK_TABLE_SOURCE6 " { type ifname . ipv6_addr; }\n"
    " set " SK_TABLE_DNS " { type ifname; }\n"
    /* What was sampled lately, so that one sandbox cannot hide the others' denials. */
    " set sampled { type ifname; flags dynamic,timeout; timeout 1m; size 65535; }\n"
    " chain prerouting { type filter hook prerouting priority raw; policy accept; }\n"
    " chain input { type filter hook input priority filter; policy accept; }\n"
    " chain forward { type filter hook forward priority filter; policy accept; }\n"
    " chain postrouting { type nat hook postrouting priority srcnat; policy accept; }\n"
    " chain sent { }\n chain outward { }\n chain to_peer { }\n chain " SK_TABLE_PASSED " { }\n"
    " chain inward { }\n chain to_node { }\n"
    " chain deny_spoofed { }\n chain deny_platform { }\n chain deny_peer { }\n"
    " chain deny_egress { }\n chain deny_node { }\n chain deny_ingress { }\n"
    "}\n";

static const char *const chains[] = {
    "prerouting", "input",         "forward",   "postrouting",  "sent",         "outward",
    "to_peer",    SK_TABLE_PASSED, "inward",    "to_node",      "deny_spoofed", "deny_platform",
    "deny_peer",  "deny_egress",   "deny_node", "deny_ingress",
};

static const char fixed[] =
    "table inet $N {\n"
    /* Before connections are looked up, or a sandbox could speak in another's. */
    " chain prerouting {\n"
    "  iifname \"$L*\" goto sent\n"
    "  iifname != \"lo\" ip saddr $4 drop\n"
    " }\n"
    " chain sent {\n"
    /* A kernel's own small talk with neighbours that are not there: nothing that anybody tried. */
    "  ip6 daddr ff02::/16 icmpv6 type { mld-listener-report, mld2-listener-report, nd-router-solicit, "
    "nd-neighbor-solicit } drop\n"
    "  ip protocol igmp drop\n"
    "  iifname . ip saddr @" SK_TABLE_SOURCE4 " accept\n"
    "  iifname . ip6 saddr @" SK_TABLE_SOURCE6 " accept\n"
    "  goto deny_spoofed\n"
    " }\n"
    " chain input { iifname \"$L*\" goto to_node; }\n"
    " chain forward {\n"
    "  iifname \"$L*\" goto outward\n"
    "  oifname \"$L*\" goto inward\n"
    " }\n"
    " chain outward {\n"
    "  ct state established,related accept\n"
    "  ct state invalid drop\n"
    "  oifname \"$L*\" goto to_peer\n"
    "  ip daddr $4 goto deny_peer\n";

static const char rest[] = "  iifname vmap @" SK_TABLE_EGRESS "\n"
                           "  goto deny_egress\n"
                           " }\n"
                           " chain to_peer { iifname vmap @" SK_TABLE_PEERS "; goto deny_peer; }\n"
                           " chain " SK_TABLE_PASSED " { goto inward; }\n"
                           " chain inward {\n"
                           "  ct state established,related accept\n"
                           "  ct state invalid drop\n"
                           "  oifname vmap @" SK_TABLE_INGRESS "\n"
                           "  goto deny_ingress\n"
                           " }\n";

/* The text with its marks replaced; a literal's own words only. */
static void put(struct sk_buf *out, const struct sk_table *table, const char *text)
{
    char pool[SK_CIDR_TEXT_MAX];
    for (const char *at = text; *at; at++) {
        if (*at != '$') {
            (void)!sk_buf_append(out, at, 1);
            continue;
        }
        sk_cidr_print(*++at == '6' ? &table->ipv6 : &table->ipv4, pool);
        const char *value = *at == 'N' ? table->name : *at == 'L' ? table->link_prefix : pool;
        (void)!sk_buf_append(out, value, strlen(value));
    }
}

/* The counter of the sandbox, a sample for whoever listens, and the end. */
static void put_denials(struct sk_buf *out, unsigned group)
{
    static const char *const reasons[] = {"spoofed", "platform", "peer", "egress", "node", "ingress"};
    for (size_t i = 0; i < sk_array_len(reasons); i++) {
        const char *key = strcmp(reasons[i], "ingress") == 0 ? "oifname" : "iifname";
        (void)!sk_buf_printf(out,
                             " chain deny_%s {\n  counter name %s map @" SK_TABLE_DENIED "\n"
                             "  update @sampled { %s limit rate 5/second burst 10 packets } "
                             "log prefix \"%s\" group %u snaplen 80\n  drop\n }\n",
                             reasons[i], key, key, reasons[i], group);
    }
}

/* Somebody outside who sends as a sandbox. */
static void put_strangers(struct sk_buf *out, const struct sk_table *table)
{
    put(out, table, "add rule inet $N prerouting iifname != { \"$L*\", \"lo\" } ip saddr $4 drop\n");
    if (table->ipv6.prefix)
        put(out, table, "add rule inet $N prerouting iifname != { \"$L*\", \"lo\" } ip6 saddr $6 drop\n");
}

static void put_to_node(struct sk_buf *out, const struct sk_table *table)
{
    const struct sk_ip *gateways[] = {&table->gateway4, &table->gateway6};
    (void)!sk_buf_printf(
        out, " chain to_node {\n  ct state established,related accept\n  ct state invalid drop\n");
    for (size_t i = 0; i < (table->ipv6.prefix ? 2 : 1); i++) {
        char text[SK_IP_TEXT_MAX];
        sk_ip_print(gateways[i], text);
        (void)!sk_buf_printf(
            out, "  iifname @" SK_TABLE_DNS " %s daddr %s meta l4proto { tcp, udp } th dport 53 accept\n",
            i ? "ip6" : "ip", text);
    }
    (void)!sk_buf_printf(out, "  goto deny_node\n }\n");
}

static void put_masquerade(struct sk_buf *out, const struct sk_table *table)
{
    put(out, table, " chain postrouting {\n  ip saddr $4 oifname != { \"$L*\", \"lo\" } masquerade\n");
    if (table->ipv6.prefix && table->masquerade_ipv6)
        put(out, table, "  ip6 saddr $6 oifname != { \"$L*\", \"lo\" } masquerade\n");
    put(out, table, " }\n");
}

void sk_table_write(const struct sk_table *table, bool anew, struct sk_buf *out)
{
    if (anew)
        put(out, table, "add table inet $N\ndelete table inet $N\n");
    put(out, table, declare);
    for (size_t i = 0; i < sk_array_len(chains); i++)
        (void)!sk_buf_printf(out, "flush chain inet %s %s\n", table->name, chains[i]);
    put(out, table, "flush map inet $N " SK_TABLE_TENANT4 "\nflush map inet $N " SK_TABLE_TENANT6 "\n");
    put_strangers(out, table);
    put(out, table, fixed);
    if (table->ipv6.prefix)
        put(out, table, "  ip6 daddr $6 goto deny_peer\n");
    sk_platform_write(table->forbidden, table->forbidden_count, "goto deny_platform", out);
    put(out, table, rest);
    put_to_node(out, table);
    put_masquerade(out, table);
    put_denials(out, table->log_group);
    (void)!sk_buf_printf(out, "}\n");
}

static enum sk_code run(const char *text, struct sk_err *err)
{
    struct nft_ctx *context = nft_ctx_new(NFT_CTX_DEFAULT);
    if (!context)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "open nftables");
    (void)nft_ctx_buffer_output(context);
    (void)nft_ctx_buffer_error(context);
    enum sk_code code = SK_OK;
    if (nft_run_cmd_from_buffer(context, text) != 0) {
        const char *said = nft_ctx_get_error_buffer(context);
        code = sk_fail(err, SK_INTERNAL, "load the packet filter: %.180s", said ? said : "");
    }
    nft_ctx_free(context);
    return code;
}

enum sk_code sk_table_load(const struct sk_table *table, bool anew, struct sk_err *err)
{
    struct sk_buf out;
    sk_buf_init(&out, TEXT_MAX);
    sk_table_write(table, anew, &out);
    assert(out.len < TEXT_MAX);
    SK_AUTO_FREE char *text = sk_buf_take_text(&out);
    return run(text, err);
}
