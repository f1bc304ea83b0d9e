/* ip.h: addresses and blocks of addresses, IPv4 and IPv6. Pure.
 *
 * IPv4 in IPv6 clothes (::ffff:0:0/96, RFC 4291 section 2.5.5.2) is IPv4 here:
 * every constructor unwraps it, so that no rule can be told one thing in two
 * ways. */
#ifndef SK_NET_IP_H
#define SK_NET_IP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SK_IP_TEXT_MAX   46 /* INET6_ADDRSTRLEN */
#define SK_CIDR_TEXT_MAX 50

struct sk_ip {
    bool is_v6;
    uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest 0 */
};

struct sk_cidr {
    struct sk_ip base; /* bits behind the prefix are 0 */
    uint8_t prefix;    /* of base's own family: 0-32 or 0-128 */
};

/* "192.0.2.1", "2001:db8::1"; no zone, no brackets. Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_ip_parse(const char *text, struct sk_ip *out_ip, struct sk_err *err);
/* 4 or 16 bytes as they stand in a packet. */
struct sk_ip sk_ip_from_bytes(const uint8_t *bytes, bool is_v6);
void sk_ip_print(const struct sk_ip *ip, char out[SK_IP_TEXT_MAX]);
bool sk_ip_equal(const struct sk_ip *a, const struct sk_ip *b);

/* "192.0.2.0/24"; an address alone is its /32 or /128. Errors: SK_INVALID_ARGUMENT (also for bits behind the
 * prefix). */
SK_MUST_CHECK enum sk_code sk_cidr_parse(const char *text, struct sk_cidr *out_cidr, struct sk_err *err);
void sk_cidr_print(const struct sk_cidr *cidr, char out[SK_CIDR_TEXT_MAX]);
bool sk_cidr_has(const struct sk_cidr *cidr, const struct sk_ip *ip);
/* Whether all of `inner` lies in `outer`. */
bool sk_cidr_covers(const struct sk_cidr *outer, const struct sk_cidr *inner);
/* The address `index` places after the base; false when it lies outside. */
bool sk_cidr_nth(const struct sk_cidr *cidr, uint64_t index, struct sk_ip *out_ip);
/* First and last address of it. */
void sk_cidr_bounds(const struct sk_cidr *cidr, struct sk_ip *out_first, struct sk_ip *out_last);

#endif
