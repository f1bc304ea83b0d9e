/* link.h: a sandbox's link: a pair of veth, routed, without a bridge and
 * without address resolution: each end knows the other's hardware address for
 * good. Blocking; the worker's thread. */
#ifndef SK_NFTABLES_LINK_H
#define SK_NFTABLES_LINK_H

#include "drivers/nftables/netlink.h"
#include "net/ip.h"

#include <net/if.h>

/* What the two ends are told. */
struct sk_link {
    char name[IFNAMSIZ]; /* the host's end; the sandbox's is eth0 */
    uint32_t mtu;        /* 0 = the kernel's choice */
    struct sk_ip ipv4, gateway4;
    struct sk_ip ipv6, gateway6;
    bool has_ipv6;
};

/* Makes the pair, the far end in the namespace `ns` where `inside` is a socket; addresses, routes and
 * neighbours on both. Errors: SK_ALREADY_EXISTS (the name; nothing is touched). What fails half way goes with
 * the namespace. */
SK_MUST_CHECK enum sk_code sk_link_make(struct sk_netlink *host, struct sk_netlink *inside, int ns,
                                        const struct sk_link *link, struct sk_err *err);
/* Its index; links are those of the socket's namespace. */
SK_MUST_CHECK enum sk_code sk_link_find(struct sk_netlink *netlink, const char *name, int *out_index,
                                        struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_link_up(struct sk_netlink *netlink, const char *name, struct sk_err *err);
/* An address of its own, alone, on that link; one that is there is fine. */
SK_MUST_CHECK enum sk_code sk_link_add_address(struct sk_netlink *netlink, const char *name,
                                               const struct sk_ip *ip, struct sk_err *err);

bool sk_link_is_there(struct sk_netlink *netlink, const char *name);
/* Marks a link, if it is there, as one of those that sk_link_remove_marked takes down: all at once, since it
 * takes tens of milliseconds for one or for many. */
void sk_link_mark(struct sk_netlink *netlink, const char *name);
SK_MUST_CHECK enum sk_code sk_link_remove_marked(struct sk_netlink *netlink, struct sk_err *err);

struct sk_link_traffic {
    uint64_t in_bytes, out_bytes; /* as the host's end sees them */
};
SK_MUST_CHECK enum sk_code sk_link_read_traffic(struct sk_netlink *netlink, const char *name,
                                                struct sk_link_traffic *out, struct sk_err *err);

#endif
