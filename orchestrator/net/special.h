/* special.h: what addresses are for: the ranges of IANA's registries of
 * special-purpose addresses (iana-ipv4-special-registry,
 * iana-ipv6-special-registry; RFC 6890), and the places where clouds answer
 * questions about the machine. Pure; the only such table in the tree.
 *
 * IPv4 that stands in IPv6 (mapped, NAT64's well-known and local prefixes,
 * 6to4) is judged as IPv4. A network's own NAT64 prefix cannot be told from
 * any other network. */
#ifndef SK_NET_SPECIAL_H
#define SK_NET_SPECIAL_H

#include "net/ip.h"

enum sk_ip_kind {
    SK_IP_GLOBAL,   /* a host of the internet */
    SK_IP_PRIVATE,  /* RFC 1918, unique local, site-local */
    SK_IP_SHARED,   /* between a carrier and its customers (RFC 6598) */
    SK_IP_EXAMPLE,  /* documentation and benchmarks */
    SK_IP_LOOPBACK, /* below here: never a peer's address (sk_ip_kind_is_closed) */
    SK_IP_UNSPECIFIED,
    SK_IP_LINK_LOCAL,
    SK_IP_METADATA,
    SK_IP_MULTICAST,
    SK_IP_BROADCAST,
    SK_IP_TUNNEL, /* Teredo, 6to4's relays: their end cannot be told from the address */
    SK_IP_RESERVED,
};

enum sk_ip_kind sk_ip_kind_of(const struct sk_ip *ip);
/* "link-local" and so on; never NULL. */
const char *sk_ip_kind_name(enum sk_ip_kind kind);
/* Whether packets to such an address lead to no other host, or to one that must not be asked. */
bool sk_ip_kind_is_closed(enum sk_ip_kind kind);
/* Whether it is anything but a host of the internet; *out_name (may be NULL) is its kind's, static. */
bool sk_ip_is_special(const struct sk_ip *ip, const char **out_name);
/* The IPv4 address that stands in an IPv6 one; any other address itself. */
struct sk_ip sk_ip_inner(const struct sk_ip *ip);

/* The table itself, IPv4 and IPv6 as they stand in a packet: the first block that has an address says what it
 * is; the last of each family has every address. False behind the end. */
bool sk_ip_special_nth(size_t index, struct sk_cidr *out_block, enum sk_ip_kind *out_kind);

#endif
