/* counts.c: what went through a sandbox's link, and what did not. */
#include "drivers/nftables/driver.h"
#include "drivers/nftables/hold.h"

#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

static int take_packets(const struct nlmsghdr *header, void *arg)
{
    struct nftnl_obj *counter = nftnl_obj_alloc();
    if (nftnl_obj_nlmsg_parse(header, counter) == 0)
        *(uint64_t *)arg = nftnl_obj_get_u64(counter, NFTNL_OBJ_CTR_PKTS);
    nftnl_obj_free(counter);
    return MNL_CB_OK;
}

static enum sk_code count_denied(struct sk_nftables *net, const struct sk_slot *slot, uint64_t *out_packets,
                                 struct sk_err *err)
{
    struct sk_message message = {0};
    char name[SK_HOLD_NAME_MAX];
    sk_hold_name(slot, "denied", name);
    struct nftnl_obj *counter = nftnl_obj_alloc();
    struct nlmsghdr *header =
        nftnl_nlmsg_build_hdr((char *)message.bytes, NFT_MSG_GETOBJ, NFPROTO_INET, 0, 0);
    nftnl_obj_set_str(counter, NFTNL_OBJ_TABLE, net->name);
    nftnl_obj_set_str(counter, NFTNL_OBJ_NAME, name);
    nftnl_obj_set_u32(counter, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
    nftnl_obj_nlmsg_build_payload(header, counter);
    nftnl_obj_free(counter);
    return sk_netlink_read(&net->netfilter, &message, take_packets, out_packets, "count denied packets", err);
}

enum sk_code sk_nftables_count(struct sk_nftables *net, const char *id, struct sk_network_counts *out_counts,
                               struct sk_err *err)
{
    const struct sk_slot *slot = sk_nftables_find(net, id);
    struct sk_link_traffic traffic = {0};
    uint64_t denied = 0;
    if (!slot)
        return sk_fail(err, SK_NOT_FOUND, "%.64s is not on the network", id);
    enum sk_code code = SK_OK;
    if (!slot->is_closed)
        code = sk_link_read_traffic(&net->slots.route, slot->link.name, &traffic, err);
    if (code == SK_OK && !slot->is_closed)
        code = count_denied(net, slot, &denied, err);
    if (code == SK_OK)
        *out_counts = (struct sk_network_counts){traffic.in_bytes, traffic.out_bytes, denied};
    return code;
}
