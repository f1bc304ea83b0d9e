/* nftables.h: a network of its own for each sandbox by Linux' own means:
 * namespaces, routed pairs of veth, and one nf_tables table.
 *
 * All of it belongs to one namespace, which is the node's unless the options say otherwise. It
 * turns on forwarding there (net.ipv4.ip_forward; with IPv6 also
 * net.ipv6.conf.all.forwarding, with which a kernel stops to listen to router
 * advertisements on links whose accept_ra is not 2), puts a gateway address of
 * each pool on loopback, and leaves both as they are when it is closed:
 * sandboxes live on without a daemon, and so do their rules. */
#ifndef SK_NFTABLES_NFTABLES_H
#define SK_NFTABLES_NFTABLES_H

#include "base/log.h"
#include "drivers/network.h"

/* Addresses that are closed to all sandboxes (the node's, forbidden ones, those that belong to no host), but
 * not there: a sandbox's own rules decide. Other sandboxes' addresses are no such. */
struct sk_nftables_exception {
    struct sk_cidr block;
    uint8_t protocol; /* IP protocol number; 0 = every one, and every port */
    uint16_t port;    /* 0 = every port */
};

/* Copied. */
struct sk_nftables_options {
    const char *run_dir; /* namespaces are pinned in <run_dir>/net */
    const char *netns;   /* path of the network namespace that stands for the node; NULL = the caller's */
    /* Of the table (of family inet), and of the host's ends of links, before a number: at most 8 lower-case
     * letters; only one driver of that name on a machine. */
    const char *name;
    struct sk_cidr ipv4, ipv6;       /* pools; ipv6.prefix 0 = no IPv6 */
    bool masquerade_ipv6;            /* the pool's addresses mean nothing outside */
    uint32_t mtu;                    /* 0 = the kernel's choice */
    size_t ready_slots;              /* made ahead */
    struct sk_duration rest;         /* of an address between two sandboxes */
    const struct sk_cidr *forbidden; /* no sandbox reaches them, whatever its rules say */
    size_t forbidden_count;
    const struct sk_nftables_exception *reachable;
    size_t reachable_count;
    /* Of the gateway addresses: where somebody looks at the names in HTTPS to granted addresses, and sends it
     * on (SO_ORIGINAL_DST) or not; 0 = nobody does, the address is enough. */
    uint16_t gate_port;
    uint32_t connections_max; /* of one sandbox, at a time; 0 = no limit */
    uint64_t bandwidth_bits;  /* a second, each way; 0 = no limit. Links that are there keep theirs */
    uint16_t log_group;       /* of NFLOG, for denied packets; nobody else's */
};

struct sk_nftables;

/* Blocks, for start-up. Sandboxes of an earlier daemon keep their places and rules. Heap. Errors:
 * SK_INVALID_ARGUMENT (pools), SK_PERMISSION_DENIED, else by cause. */
SK_MUST_CHECK enum sk_code sk_nftables_open(struct sk_loop *loop, const struct sk_log *log,
                                            const struct sk_nftables_options *options,
                                            struct sk_nftables **out_network, struct sk_err *err);
/* Frees; calls under way are answered first. Nothing is taken down but what was only made ahead. */
void sk_nftables_close(struct sk_nftables *network, struct sk_done *done);
struct sk_network *sk_nftables_base(struct sk_nftables *network);
/* Where sandboxes ask for names: an address of the node that they see. False = no such family. */
bool sk_nftables_gateway(const struct sk_nftables *network, bool is_v6, struct sk_ip *out_ip);

#endif
