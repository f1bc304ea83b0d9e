#include "drivers/nftables/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

struct tuple {
    struct sk_ip source, destination;
    bool has_ips;
    uint8_t protocol;
    uint16_t source_port, destination_port;
};

/* As it stands in the kernel's answer, to name it when it is deleted. */
struct cut {
    bool is_v6;
    size_t len;
    uint8_t tuple[256];
};

struct search {
    bool (*cuts)(void *arg, const struct sk_connection *connection);
    void *arg;
    struct cut *found;
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

static uint16_t read_port(const struct nlattr *attr)
{
    uint16_t port = 0;
    if (mnl_attr_get_payload_len(attr) >= sizeof(port))
        memcpy(&port, mnl_attr_get_payload(attr), sizeof(port));
    return ntohs(port);
}

static int take_protocol(const struct nlattr *attr, void *arg)
{
    struct tuple *tuple = arg;
    size_t len = mnl_attr_get_payload_len(attr);
    if (mnl_attr_get_type(attr) == CTA_PROTO_NUM && len >= 1)
        tuple->protocol = mnl_attr_get_u8(attr);
    if (mnl_attr_get_type(attr) == CTA_PROTO_SRC_PORT)
        tuple->source_port = read_port(attr);
    if (mnl_attr_get_type(attr) == CTA_PROTO_DST_PORT)
        tuple->destination_port = read_port(attr);
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

static void note(struct search *search, const struct nlattr *tuple, bool is_v6)
{
    size_t len = mnl_attr_get_payload_len(tuple);
    if (len > sizeof(search->found->tuple))
        return; /* two addresses and two ports are far smaller */
    if (search->count == search->cap) {
        search->cap = search->cap ? search->cap * 2 : 16;
        search->found = sk_realloc(search->found, search->cap * sizeof(*search->found));
    }
    struct cut *cut = &search->found[search->count++];
    cut->is_v6 = is_v6;
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
    struct sk_connection connection = {.caller = there.source,
                                       .called = there.destination,
                                       .answerer = back.source,
                                       .protocol = there.protocol,
                                       .called_port = there.destination_port,
                                       .answerer_port = back.source_port};
    if (there.has_ips && back.has_ips && search->cuts(search->arg, &connection))
        note(search, entry.there, there.source.is_v6);
    return MNL_CB_OK;
}

/* --- asking ---------------------------------------------------------------------------- */

static void begin(struct sk_message *message, unsigned type, uint16_t flags, uint8_t family)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
    header->nlmsg_flags = flags;
    struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
    generic->nfgen_family = family;
    generic->version = NFNETLINK_V0;
}

/* The kernel's own filter is of no use: for IPv6, up to 6.18 at least, it leaves out just those that are
 * asked for (ctnetlink_filter_match_tuple takes equal addresses for different ones). */
static enum sk_code find(struct sk_netlink *netfilter, struct search *search, struct sk_err *err)
{
    struct sk_message message = {0};
    begin(&message, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
    return sk_netlink_read(netfilter, &message, look_at, search, "look for connections", err);
}

static enum sk_code cut(struct sk_netlink *netfilter, const struct cut *what, struct sk_err *err)
{
    struct sk_message message = {0};
    struct sk_err found = {0};
    begin(&message, IPCTNL_MSG_CT_DELETE, 0, what->is_v6 ? AF_INET6 : AF_INET);
    mnl_attr_put(&message.header, CTA_TUPLE_ORIG | NLA_F_NESTED, what->len, what->tuple);
    enum sk_code code = sk_netlink_ask(netfilter, &message, "cut a connection", &found);
    if (code == SK_OK || code == SK_NOT_FOUND)
        return SK_OK; /* it ended by itself */
    if (err)
        *err = found;
    return code;
}

enum sk_code sk_conntrack_cut(struct sk_netlink *netfilter,
                              bool (*cuts)(void *arg, const struct sk_connection *connection), void *arg,
                              struct sk_err *err)
{
    struct search search = {.cuts = cuts, .arg = arg};
    enum sk_code code = find(netfilter, &search, err);
    for (size_t i = 0; i < search.count && code == SK_OK; i++)
        code = cut(netfilter, &search.found[i], err);
    free(search.found);
    return code;
}
