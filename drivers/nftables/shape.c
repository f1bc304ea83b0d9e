#include "drivers/nftables/shape.h"

#include "drivers/nftables/link.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

/* A hundredth of a second at full speed, but room for a few packets. */
static uint32_t burst_of(uint64_t bytes, uint32_t mtu)
{
    uint64_t burst = bytes / 100, least = 2 * (uint64_t)(mtu ? mtu : 1500) + 16384;
    burst = burst > least ? burst : least;
    return burst < UINT32_MAX / 4 ? (uint32_t)burst : UINT32_MAX / 4;
}

/* What waits longer than a twentieth of a second is dropped. */
static uint32_t queue_of(uint64_t bytes, uint32_t burst)
{
    uint64_t queue = bytes / 20 + burst;
    return queue < UINT32_MAX / 2 ? (uint32_t)queue : UINT32_MAX / 2;
}

static void put_bucket(struct nlmsghdr *header, uint64_t bits, uint32_t mtu)
{
    uint64_t bytes = bits / 8 ? bits / 8 : 1;
    uint32_t burst = burst_of(bytes, mtu);
    struct tc_tbf_qopt bucket = {
        .rate = {.linklayer = TC_LINKLAYER_ETHERNET,
                 .rate = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX},
        .limit = queue_of(bytes, burst),
    };
    mnl_attr_put_strz(header, TCA_KIND, "tbf");
    struct nlattr *options = mnl_attr_nest_start(header, TCA_OPTIONS);
    mnl_attr_put(header, TCA_TBF_PARMS, sizeof(bucket), &bucket);
    mnl_attr_put_u32(header, TCA_TBF_BURST, burst);
    if (bytes >= UINT32_MAX)
        mnl_attr_put_u64(header, TCA_TBF_RATE64, bytes);
    mnl_attr_nest_end(header, options);
}

enum sk_code sk_shape_link(struct sk_netlink *netlink, const char *name, uint64_t bits, uint32_t mtu,
                           struct sk_err *err)
{
    struct sk_message message = {0};
    int index = 0;
    enum sk_code code = sk_link_find(netlink, name, &index, err);
    if (code != SK_OK)
        return code;
    struct nlmsghdr *header = mnl_nlmsg_put_header(&message);
    header->nlmsg_type = RTM_NEWQDISC;
    header->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
    struct tcmsg *scheduler = mnl_nlmsg_put_extra_header(header, sizeof(*scheduler));
    scheduler->tcm_family = AF_UNSPEC;
    scheduler->tcm_ifindex = index;
    scheduler->tcm_parent = TC_H_ROOT;
    put_bucket(header, bits, mtu);
    return sk_netlink_ask(netlink, &message, "limit a link's speed", err);
}
