/* table.h: the part of our nf_tables table that is the same whatever sandboxes
 * there are: hooks, reasons to deny, and the maps that lead to what is each
 * sandbox's own. Loaded as text, all at once. Blocking; the worker's thread. */
#ifndef SK_NFTABLES_TABLE_H
#define SK_NFTABLES_TABLE_H

#include "base/buf.h"
#include "drivers/nftables/platform.h"
#include "drivers/nftables/reachable.h"
#include "net/ip.h"

#include <stdbool.h>

/* The maps and sets that each sandbox has elements in; keys are names of the host's ends of links (16 bytes,
 * NULs behind), addresses, or both one after the other. */
#define SK_TABLE_EGRESS  "egress"  /* link -> chain: packets from it to the world */
#define SK_TABLE_PEERS   "peers"   /* link -> chain: packets from it to other sandboxes */
#define SK_TABLE_INGRESS "ingress" /* link -> chain: packets to it from elsewhere than the node */
#define SK_TABLE_NODE    "node"    /* link -> chain: packets to it from the node */
#define SK_TABLE_GATE    "gate"    /* link -> chain: HTTPS from it that may lead to the gate */
#define SK_TABLE_DENIED  "denied"  /* link -> counter */
#define SK_TABLE_SOURCE4 "source4" /* link and address: who may send as whom */
#define SK_TABLE_SOURCE6 "source6"
#define SK_TABLE_TENANT4 "tenant4" /* address -> number of its tenant */
#define SK_TABLE_TENANT6 "tenant6"
#define SK_TABLE_DNS     "dns"     /* links that may ask the gateway for names */
#define SK_TABLE_PASSED  "passed"  /* the chain that ends a sandbox's own rules for its peers */
#define SK_TABLE_TO_GATE "to_gate" /* the chain in which packets are sent there */

struct sk_table {
    const char *name, *link_prefix;
    struct sk_cidr ipv4, ipv6; /* pools; ipv6.prefix 0 = none */
    struct sk_ip gateway4, gateway6;
    bool masquerade_ipv6;
    const struct sk_platform *platform;
    struct sk_reachable reachable;
    uint16_t gate_port;       /* 0 = there is no gate */
    uint32_t connections_max; /* 0 = any number */
    uint16_t log_group;
};

/* The text that nft reads. Pure. `anew`: a table that is there is removed first, with all that is in it; else
 * what sandboxes have in it stays, but for their tenants' numbers, which are the driver's own of each start.
 */
void sk_table_write(const struct sk_table *table, bool anew, struct sk_buf *out);
/* Commands of nft, as one transaction. Errors: SK_INTERNAL with what nft says of it. */
SK_MUST_CHECK enum sk_code sk_table_run(const char *text, struct sk_err *err);
/* Puts it in force. Errors: SK_INTERNAL with what nft says of it. */
SK_MUST_CHECK enum sk_code sk_table_load(const struct sk_table *table, bool anew, struct sk_err *err);

#endif
