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

/* "10.0.0.5/32", "10.0.0.5/32 tcp", "10.0.0.5/32 tcp 5000". */
struct sk_reachable_setting {
    struct sk_cidr cidr;
    uint8_t protocol; /* enum sk_net_protocol; 0 = every one */
    uint16_t port;    /* 0 = every one */
};

struct sk_reachable_settings {
    struct sk_reachable_setting *items;
    size_t len;
};

/* "192.0.2.53", "192.0.2.53:53", "2001:db8::53", "[2001:db8::53]:53". */
struct sk_resolver_address {
    struct sk_ip ip;
    uint16_t port;
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
bool sk_read_resolver(const char *text, struct sk_resolver_address *out_address);
bool sk_read_ip(const char *text, void *out_ip);
bool sk_read_ports(const char *text, void *out_port_settings);

bool sk_resolver_is_valid(const char *text);
/* 1 to 8 of a-z. */
bool sk_link_is_valid(const char *text);
/* A host name or an address, IPv6 in [ ]; no port. */
bool sk_host_is_valid(const char *text);
/* "example.com"; "" is valid. */
bool sk_domain_setting_is_valid(const char *text);
/* The same without "", or with "*." in front. */
bool sk_names_setting_is_valid(const char *text);

#endif
