#include "drivers/nftables/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

/* What the kernel compares when it is asked for some connections only: the tuple's source address. */
#define FILTER_SOURCE 1u

struct tuple {
    struct sk_ip source, destination;
    bool has_ips;
    uint8_t protocol;
    uint16_t port;
};

/* As it stands in the kernel's answer, to name it when it is deleted. */
struct cut {
    size_t len;
    uint8_t tuple[256];
};

struct search {
    struct sk_ip ip;
    bool outgoing;
    bool (*keeps)(void *arg, const struct sk_connection *connection);
    void *arg;
    struct cut *cuts;
    size_t count, cap;
};

/* --- reading ------------------------------------------------------------------------- */

static struct sk_ip read_ip(const struct nlattr *attr, bool is_v6)
{
    struct sk_ip none = {0};
    bool whole = mnl_attr_get_payload_len(attr) == (is_v6 ? 16 : 4);
    return whole ? sk_ip_from_bytes(mnl_attr_get_payload(attr), is_v6) : none;
}

static int take_ip(const struct nlattr *attr, void *arg)
{
    struct tuple *tuple = arg;
    uint16_t type = mnl_attr_get_type(attr);
    bool is_v6 = type == CTA_IP_V6_SRC || type == CTA_IP_V6_DST;
    if (type == CTA_IP_V4_SRC || type == CTA_IP_V6_SRC)
        tuple->source = read_ip(attr, is_v6);
    if (type == CTA_IP_V4_DST || type == CTA_IP_V6_DST)
        tuple->destination = read_ip(attr, is_v6);
    tuple->has_ips = true;
    return MNL_CB_OK;
}

static int take_protocol(const struct nlattr *attr, void *arg)
{
    struct tuple *tuple = arg;
    size_t len = mnl_attr_get_payload_len(attr);
    if (mnl_attr_get_type(attr) == CTA_PROTO_NUM && len >= 1)
        tuple->protocol = mnl_attr_get_u8(attr);
    if (mnl_attr_get_type(attr) == CTA_PROTO_DST_PORT && len >= 2) {
        const uint8_t *bytes = mnl_attr_get_payload(attr);
        tuple->port = (uint16_t)(bytes[0] << 8 | bytes[1]);
    }
    return MNL_CB_OK;
}

static int take_part(const struct nlattr *attr, void *arg)
{
    if (mnl_attr_get_type(attr) == CTA_TUPLE_IP)
        return mnl_attr_parse_nested(attr, take_ip, arg);
    if (mnl_attr_get_type(attr) == CTA_TUPLE_PROTO)
        return mnl_attr_parse_nested(attr, take_protocol, arg);
    return MNL_CB_OK;
}

struct entry {
    const struct nlattr *there, *back;
};

static int take_tuples(const struct nlattr *attr, void *arg)
{
    struct entry *entry = arg;
    if (mnl_attr_get_type(attr) == CTA_TUPLE_ORIG)
        entry->there = attr;
    if (mnl_attr_get_type(attr) == CTA_TUPLE_REPLY)
        entry->back = attr;
    return MNL_CB_OK;
}

static void note(struct search *search, const struct nlattr *tuple)
{
    size_t len = mnl_attr_get_payload_len(tuple);
    if (len > sizeof(search->cuts->tuple))
        return; /* two addresses and two ports are far smaller */
    if (search->count == search->cap) {
        search->cap = search->cap ? search->cap * 2 : 16;
        search->cuts = sk_realloc(search->cuts, search->cap * sizeof(*search->cuts));
    }
    struct cut *cut = &search->cuts[search->count++];
    cut->len = len;
    memcpy(cut->tuple, mnl_attr_get_payload(tuple), len);
}

static int look_at(const struct nlmsghdr *header, void *arg)
{
    struct search *search = arg;
    struct entry entry = {0};
    struct tuple there = {0}, back = {0};
    if (mnl_attr_parse(header, sizeof(struct nfgenmsg), take_tuples, &entry) < 0 || !entry.there ||
        !entry.back)
        return MNL_CB_OK;
    (void)mnl_attr_parse_nested(entry.there, take_part, &there);
    (void)mnl_attr_parse_nested(entry.back, take_part, &back);
    const struct sk_ip *own = search->outgoing ? &there.source : &back.source;
    if (!there.has_ips || !back.has_ips || !sk_ip_equal(own, &search->ip))
        return MNL_CB_OK;
    /* What the address was called by, or called; of a service behind another port: its own. */
    struct sk_connection connection = {.is_outgoing = search->outgoing,
                                       .other = search->outgoing ? there.destination : there.source,
                                       .protocol = there.protocol,
                                       .port = there.port};
    if (!search->keeps || !search->keeps(search->arg, &connection))
        note(search, entry.there);
    return MNL_CB_OK;
}

/* --- asking ---------------------------------------------------------------------------- */

static void begin(struct sk_message *message, unsigned type, uint16_t flags, bool is_v6)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
    header->nlmsg_flags = flags;
    struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
    generic->nfgen_family = is_v6 ? AF_INET6 : AF_INET;
    generic->version = NFNETLINK_V0;
}

/* Look_at judges them all the same. */
static void put_filter(struct nlmsghdr *header, const struct search *search)
{
    struct nlattr *tuple = mnl_attr_nest_start(header, search->outgoing ? CTA_TUPLE_ORIG : CTA_TUPLE_REPLY);
    struct nlattr *ip = mnl_attr_nest_start(header, CTA_TUPLE_IP);
    mnl_attr_put(header, CTA_IP_V4_SRC, 4, search->ip.bytes);
    mnl_attr_nest_end(header, ip);
    mnl_attr_nest_end(header, tuple);
    struct nlattr *filter = mnl_attr_nest_start(header, CTA_FILTER);
    mnl_attr_put_u32(header, CTA_FILTER_ORIG_FLAGS, search->outgoing ? FILTER_SOURCE : 0);
    mnl_attr_put_u32(header, CTA_FILTER_REPLY_FLAGS, search->outgoing ? 0 : FILTER_SOURCE);
    mnl_attr_nest_end(header, filter);
}

/* Of IPv6, kernels up to 6.18 at least leave out just those that are asked for
 * (ctnetlink_filter_match_tuple takes equal addresses for different ones): all are looked at. */
static enum sk_code find(struct sk_netlink *netfilter, struct search *search, struct sk_err *err)
{
    struct sk_message message = {0};
    begin(&message, IPCTNL_MSG_CT_GET, NLM_F_DUMP, search->ip.is_v6);
    if (!search->ip.is_v6)
        put_filter(&message.header, search);
    return sk_netlink_read(netfilter, &message, look_at, search, "look for connections", err);
}

static enum sk_code cut(struct sk_netlink *netfilter, const struct cut *what, bool is_v6, struct sk_err *err)
{
    struct sk_message message = {0};
    struct sk_err found = {0};
    begin(&message, IPCTNL_MSG_CT_DELETE, 0, is_v6);
    mnl_attr_put(&message.header, CTA_TUPLE_ORIG | NLA_F_NESTED, what->len, what->tuple);
    enum sk_code code = sk_netlink_ask(netfilter, &message, "cut a connection", &found);
    if (code == SK_OK || code == SK_NOT_FOUND)
        return SK_OK; /* it ended by itself */
    if (err)
        *err = found;
    return code;
}

enum sk_code sk_conntrack_cut(struct sk_netlink *netfilter, const struct sk_ip *ip,
                              bool (*keeps)(void *arg, const struct sk_connection *connection), void *arg,
                              struct sk_err *err)
{
    enum sk_code code = SK_OK;
    for (int outgoing = 0; outgoing < 2 && code == SK_OK; outgoing++) {
        struct search search = {.ip = *ip, .outgoing = outgoing, .keeps = keeps, .arg = arg};
        code = find(netfilter, &search, err);
        for (size_t i = 0; i < search.count && code == SK_OK; i++)
            code = cut(netfilter, &search.cuts[i], ip->is_v6, err);
        free(search.cuts);
    }
    return code;
}
