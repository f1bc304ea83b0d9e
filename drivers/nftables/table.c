#include "drivers/nftables/table.h"

#include "drivers/nftables/reasons.h"

#include <assert.h>
#include <nftables/libnftables.h>
#include <string.h>

#define TEXT_MAX ((size_t)4 << 20)

/* $N: the table's name. $L: links of sandboxes. $4, $6: the pools, $a, $b: their gateways. $p: the gate's
 * port. */
static const char declare[] =
    "table inet $N {\n"
    " map " SK_TABLE_EGRESS " { type ifname : verdict; }\n"
    " map " SK_TABLE_PEERS " { type ifname : verdict; }\n"
    " map " SK_TABLE_INGRESS " { type ifname : verdict; }\n"
    " map " SK_TABLE_NODE " { type ifname : verdict; }\n"
    " map " SK_TABLE_GATE " { type ifname : verdict; }\n"
    " map " SK_TABLE_DENIED " { type ifname : counter; }\n"
    " map " SK_TABLE_TENANT4 " { type ipv4_addr : mark; }\n"
    " map " SK_TABLE_TENANT6 " { type ipv6_addr : mark; }\n"
    " set " SK_TABLE_SOURCE4 " { type ifname . ipv4_addr; }\n"
    " set " SK_TABLE_SOURCE6 " { type ifname . ipv6_addr; }\n"
    " set " SK_TABLE_DNS " { type ifname; }\n"
    /* What was sampled lately, so that one sandbox cannot hide the others' denials. */
    " set sampled { type ifname; flags dynamic,timeout; timeout 1m; size 65535; }\n"
    " chain prerouting { type filter hook prerouting priority raw; policy accept; }\n"
    " chain answers { type filter hook output priority raw; policy accept; }\n"
    " chain steer { type nat hook prerouting priority dstnat; policy accept; }\n"
    " chain input { type filter hook input priority filter; policy accept; }\n"
    " chain forward { type filter hook forward priority filter; policy accept; }\n"
    " chain output { type filter hook output priority filter; policy accept; }\n"
    " chain postrouting { type nat hook postrouting priority srcnat; policy accept; }\n";

static const char *const hooks[] = {"prerouting", "answers", "steer",      "input",
                                    "forward",    "output",  "postrouting"};
static const char *const chains[] = {
    "sent",   "known",   "outward",   "reachable", "own",   "to_peer",        SK_TABLE_PASSED,
    "inward", "to_node", "from_node", "gated",     "named", SK_TABLE_TO_GATE,
};

static const char from_sandboxes[] =
    " chain prerouting {\n"
    /* Before connections are looked up, or a sandbox could speak in another's. */
    "  iifname \"$L*\" goto sent\n"
    /* Somebody outside who sends as a sandbox. */
    "  iifname != \"lo\" ip saddr $4 drop\n"
    "?  iifname != \"lo\" ip6 saddr $6 drop\n"
    " }\n"
    " chain sent {\n"
    /* A kernel's own small talk with neighbours that are not there: nothing that anybody tried. */
    "  ip6 daddr ff02::/16 icmpv6 type { mld-listener-report, mld2-listener-report, nd-router-solicit, "
    "nd-neighbor-solicit } drop\n"
    "  ip protocol igmp drop\n"
    "  iifname . ip saddr @" SK_TABLE_SOURCE4 " goto known\n"
    "  iifname . ip6 saddr @" SK_TABLE_SOURCE6 " goto known\n"
    "  goto deny_spoofed\n"
    " }\n"
    /* Questions for names are too many to be remembered as connections. */
    " chain known {\n"
    "  ip daddr $a udp dport 53 notrack\n"
    "?  ip6 daddr $b udp dport 53 notrack\n"
    " }\n"
    " chain answers {\n"
    "  oifname \"$L*\" ip saddr $a udp sport 53 notrack\n"
    "?  oifname \"$L*\" ip6 saddr $b udp sport 53 notrack\n"
    " }\n"
    " chain input { iifname \"$L*\" goto to_node; }\n"
    /* What is for a sandbox that ended has no link to go by, and must not leave by another. */
    " chain output {\n"
    "  oifname \"$L*\" goto from_node\n"
    "  oifname != \"lo\" ip daddr $4 drop\n"
    "?  oifname != \"lo\" ip6 daddr $6 drop\n"
    " }\n"
    " chain forward {\n"
    "  iifname \"$L*\" goto outward\n"
    "  oifname \"$L*\" goto inward\n"
    "  ip daddr $4 drop\n"
    "?  ip6 daddr $6 drop\n"
    " }\n"
    " chain own { iifname vmap @" SK_TABLE_EGRESS "; goto deny_egress; }\n"
    " chain to_peer { iifname vmap @" SK_TABLE_PEERS "; goto deny_peer; }\n"
    " chain " SK_TABLE_PASSED " { goto inward; }\n"
    " chain inward {\n"
    "  ct state established,related accept\n"
    "  ct state invalid drop\n"
    "  oifname vmap @" SK_TABLE_INGRESS "\n"
    "  goto deny_ingress\n"
    " }\n"
    " chain postrouting {\n"
    "  ip saddr $4 oifname != { \"$L*\", \"lo\" } masquerade\n"
    " }\n";

/* The last of them: what a connection that was cut has left on the node's side. */
static const char from_node[] =
    " chain from_node {\n"
    "  ct state established,related accept\n"
    "  ct state untracked ip saddr $a udp sport 53 accept\n"
    "?  ct state untracked ip6 saddr $b udp sport 53 accept\n"
    "  icmp type { destination-unreachable, time-exceeded } accept\n"
    "  icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, mld-listener-query, "
    "mld-listener-report, mld2-listener-report, nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
    "nd-neighbor-advert } accept\n"
    "  ct state invalid drop\n"
    "  tcp flags & (fin | syn | rst | ack) != syn drop\n"
    "  oifname vmap @" SK_TABLE_NODE "\n"
    "  goto deny_ingress\n"
    " }\n";

static const char begin_outward[] = " chain outward {\n"
                                    "  oifname != \"$L*\" ip daddr $4 ct state established,related drop\n"
                                    "?  oifname != \"$L*\" ip6 daddr $6 ct state established,related drop\n"
                                    "  ct state established,related accept\n"
                                    "  ct state invalid drop\n";
static const char outward_to_peers[] = "  oifname \"$L*\" goto to_peer\n"
                                       "  ip daddr $4 goto deny_peer\n"
                                       "?  ip6 daddr $6 goto deny_peer\n"
                                       "  jump reachable\n";

static const char begin_to_node[] = " chain to_node {\n"
                                    "  ct state established,related accept\n"
                                    "  ct state invalid drop\n";
static const char dns_to_node[] =
    "  iifname @" SK_TABLE_DNS " ip daddr $a meta l4proto { tcp, udp } th dport 53 accept\n"
    "?  iifname @" SK_TABLE_DNS " ip6 daddr $b meta l4proto { tcp, udp } th dport 53 accept\n";
static const char gate_to_node[] =
    "  ip daddr $a tcp dport $p ct status dnat ct original proto-dst 443 accept\n"
    "?  ip6 daddr $b tcp dport $p ct status dnat ct original proto-dst 443 accept\n";
/* Whatever the config excepts, nobody comes to these in another way. */
static const char end_to_node[] =
    "  ip daddr $a meta l4proto { tcp, udp } th dport { 53, $p } goto deny_node\n"
    "?  ip6 daddr $b meta l4proto { tcp, udp } th dport { 53, $p } goto deny_node\n"
    "  jump reachable\n"
    "  goto deny_node\n"
    " }\n";

/* Beginnings of connections alone: what was cut in the middle must not come back there. */
static const char steer[] =
    " chain steer {\n"
    "  iifname \"$L*\" tcp flags & (fin | syn | rst | ack) == syn tcp dport 443 fib daddr type != local "
    "goto gated\n"
    " }\n"
    " chain named { iifname vmap @" SK_TABLE_GATE "; }\n"
    " chain " SK_TABLE_TO_GATE " {\n"
    "  meta nfproto ipv4 meta l4proto tcp dnat ip to $a:$p\n"
    "?  meta nfproto ipv6 meta l4proto tcp dnat ip6 to [$b]:$p\n"
    " }\n"
    " chain gated {\n"
    "  ip daddr $4 return\n"
    "?  ip6 daddr $6 return\n";

static void put_word(struct sk_buf *out, const struct sk_table *table, char mark)
{
    char text[SK_CIDR_TEXT_MAX] = "";
    const char *value = text;
    if (mark == '4' || mark == '6')
        sk_cidr_print(mark == '6' ? &table->ipv6 : &table->ipv4, text);
    if (mark == 'a' || mark == 'b')
        sk_ip_print(mark == 'b' ? &table->gateway6 : &table->gateway4, text);
    if (mark == 'p')
        (void)snprintf(text, sizeof(text), "%u", table->gate_port ? table->gate_port : 53u);
    if (mark == 'N' || mark == 'L')
        value = mark == 'N' ? table->name : table->link_prefix;
    (void)!sk_buf_append(out, value, strlen(value));
}

/* The text with its marks replaced; a literal's own words only. "?": that line only with IPv6. */
static void put(struct sk_buf *out, const struct sk_table *table, const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '$')
            put_word(out, table, *++at);
        else if (*at == '?' && !table->ipv6.prefix)
            at = strchr(at, '\n');
        else if (*at != '?')
            (void)!sk_buf_append(out, at, 1);
    }
}

/* --- reasons to deny ----------------------------------------------------------------------- */

/* The counter of the sandbox, a sample for whoever listens, and the end. */
static void put_denials(struct sk_buf *out, unsigned group)
{
    const char *reason;
    for (size_t i = 0; (reason = sk_reason_nth(i)); i++) {
        const char *key = sk_reason_is_inward(reason) ? "oifname" : "iifname";
        (void)!sk_buf_printf(out,
                             " chain deny_%s {\n  counter name %s map @" SK_TABLE_DENIED "\n"
                             "  update @sampled { %s limit rate 5/second burst 10 packets } "
                             "log prefix \"%s\" group %u snaplen 80\n  drop\n }\n",
                             reason, key, key, reason, group);
    }
}

/* --- chains -------------------------------------------------------------------------------- */

/* Of the new connections of a link; the set counts on with the ceiling that it was made with. */
static void put_ceiling(struct sk_buf *out, const struct sk_table *table)
{
    uint32_t max = table->connections_max;
    if (max)
        (void)!sk_buf_printf(out,
                             "  ct state new add @connections_%u { iifname ct count over %u } "
                             "goto deny_connections\n",
                             max, max);
}

static void put_outward(struct sk_buf *out, const struct sk_table *table)
{
    put(out, table, begin_outward);
    put_ceiling(out, table);
    put(out, table, outward_to_peers);
    sk_platform_write(table->platform, "goto deny_platform", out);
    put(out, table, "  goto own\n }\n chain reachable {\n");
    sk_reachable_write(&table->reachable, "goto own", out);
    put(out, table, " }\n");
}

static void put_to_node(struct sk_buf *out, const struct sk_table *table)
{
    put(out, table, begin_to_node);
    put_ceiling(out, table);
    put(out, table, dns_to_node);
    if (table->gate_port)
        put(out, table, gate_to_node);
    put(out, table, end_to_node);
}

static void put_gate(struct sk_buf *out, const struct sk_table *table)
{
    if (!table->gate_port)
        return;
    put(out, table, steer);
    sk_reachable_write(&table->reachable, "goto named", out);
    sk_platform_write(table->platform, "return", out);
    put(out, table, "  goto named\n }\n");
}

static void put_declared(struct sk_buf *out, const struct sk_table *table)
{
    const char *reason;
    put(out, table, declare);
    for (size_t i = 0; i < sk_array_len(chains); i++)
        (void)!sk_buf_printf(out, " chain %s { }\n", chains[i]);
    for (size_t i = 0; (reason = sk_reason_nth(i)); i++)
        (void)!sk_buf_printf(out, " chain deny_%s { }\n", reason);
    if (table->connections_max)
        (void)!sk_buf_printf(out, " set connections_%u { type ifname; flags dynamic; size 65535; }\n",
                             table->connections_max);
    put(out, table, "}\n");
}

static void put_flushed(struct sk_buf *out, const struct sk_table *table)
{
    const char *reason;
    for (size_t i = 0; i < sk_array_len(hooks); i++)
        (void)!sk_buf_printf(out, "flush chain inet %s %s\n", table->name, hooks[i]);
    for (size_t i = 0; i < sk_array_len(chains); i++)
        (void)!sk_buf_printf(out, "flush chain inet %s %s\n", table->name, chains[i]);
    for (size_t i = 0; (reason = sk_reason_nth(i)); i++)
        (void)!sk_buf_printf(out, "flush chain inet %s deny_%s\n", table->name, reason);
    put(out, table, "flush map inet $N " SK_TABLE_TENANT4 "\nflush map inet $N " SK_TABLE_TENANT6 "\n");
}

void sk_table_write(const struct sk_table *table, bool anew, struct sk_buf *out)
{
    if (anew)
        put(out, table, "add table inet $N\ndelete table inet $N\n");
    put_declared(out, table);
    put_flushed(out, table);
    put(out, table, "table inet $N {\n");
    put(out, table, from_sandboxes);
    put(out, table, from_node);
    put_outward(out, table);
    put_to_node(out, table);
    put_gate(out, table);
    put_denials(out, table->log_group);
    put(out, table, "}\n");
    if (table->ipv6.prefix && table->masquerade_ipv6)
        put(out, table,
            "add rule inet $N postrouting ip6 saddr $6 oifname != { \"$L*\", \"lo\" } masquerade\n");
}

enum sk_code sk_table_run(const char *text, struct sk_err *err)
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
    return sk_table_run(text, err);
}
