/* network_kinds.h: what a configuration says of networks: blocks of addresses,
 * resolvers, ports, names; and how they are written. Pure. */
#ifndef SK_CONFIG_NETWORK_KINDS_H
#define SK_CONFIG_NETWORK_KINDS_H

#include "net/policy.h"

#include <stddef.h>

struct sk_cidr_settings {
    struct sk_cidr *items;
    size_t len;
};

/* "10.0.0.5/32": every port of it; "10.0.0.5/32 tcp 5000", "10.0.0.0/24 udp 53-54": these. */
struct sk_reachable_setting {
    struct sk_cidr cidr;
    bool has_ports;
    struct sk_net_ports ports;
};

struct sk_reachable_settings {
    struct sk_reachable_setting *items;
    size_t len;
};

/* "192.0.2.53", "192.0.2.53:53", "2001:db8::53", "[2001:db8::53]:53". */
struct sk_resolver_setting {
    struct sk_ip ip;
    uint16_t port;
};

struct sk_resolver_settings {
    struct sk_resolver_setting *items;
    size_t len;
};

/* "20000-20999", "20000"; "" is 0 to 0: none. */
struct sk_port_settings {
    uint16_t first, last;
};

/* Each reads one text to `out`, of the type in its name; false leaves *out undefined. */
bool sk_read_pool4(const char *text, void *out_cidr);
bool sk_read_pool6(const char *text, void *out_cidr); /* "" = prefix 0 */
bool sk_read_cidr(const char *text, void *out_cidr);
bool sk_read_reachable(const char *text, void *out_reachable_setting);
bool sk_read_resolver(const char *text, void *out_resolver_setting);
bool sk_read_ip(const char *text, void *out_ip);
bool sk_read_ports(const char *text, void *out_port_settings);

/* 1 to 8 of a-z. */
bool sk_link_is_valid(const char *text);
/* A host name or an address, IPv6 in [ ]; no port. */
bool sk_host_is_valid(const char *text);
/* "example.com"; "" is valid. */
bool sk_domain_setting_is_valid(const char *text);
/* The same without "", or with "*." in front. */
bool sk_names_setting_is_valid(const char *text);

#endif
