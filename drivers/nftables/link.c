#include "drivers/nftables/link.h"

#include "drivers/nftables/settle.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The same on every link: nobody but its two ends ever sees them. Locally administered. */
static const uint8_t host_mac[6] = {0x02, 0x53, 0x4b, 0, 0, 1};
static const uint8_t guest_mac[6] = {0x02, 0x53, 0x4b, 0, 0, 2};
/* The host's end of every link, as its sandbox sees it: a neighbour that is known for good. The host does not
 * have that address: whatever it sends anywhere by IPv6, it would look through those of all links. */
static const struct sk_ip router6 = {.is_v6 = true, .bytes = {0xFE, 0x80, [15] = 1}};

/* The group of links that are to go: a number of ours, which nobody else will think of. */
#define LEFT_GROUP 0x534b4c54u

static unsigned char family_of(const struct sk_ip *ip)
{
    return ip->is_v6 ? AF_INET6 : AF_INET;
}

static size_t size_of(const struct sk_ip *ip)
{
    return ip->is_v6 ? 16 : 4;
}

static void put_ip(struct sk_message *message, uint16_t type, const struct sk_ip *ip)
{
    mnl_attr_put(&message->header, type, size_of(ip), ip->bytes);
}

static void *begin(struct sk_message *message, uint16_t type, uint16_t flags, size_t extra)
{
    *message = (struct sk_message){0};
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    header->nlmsg_type = type;
    header->nlmsg_flags = flags;
    return mnl_nlmsg_put_extra_header(header, extra);
}

/* --- links -------------------------------------------------------------------------- */

static void put_pair(struct nlmsghdr *header, int ns, const struct sk_link *link)
{
    struct nlattr *info = mnl_attr_nest_start(header, IFLA_LINKINFO);
    mnl_attr_put_str(header, IFLA_INFO_KIND, "veth");
    struct nlattr *data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
    struct nlattr *peer = mnl_attr_nest_start(header, VETH_INFO_PEER);
    (void)mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(header, IFLA_IFNAME, "eth0");
    mnl_attr_put(header, IFLA_ADDRESS, sizeof(guest_mac), guest_mac);
    mnl_attr_put_u32(header, IFLA_NET_NS_FD, (uint32_t)ns);
    if (link->mtu)
        mnl_attr_put_u32(header, IFLA_MTU, link->mtu);
    mnl_attr_nest_end(header, peer);
    mnl_attr_nest_end(header, data);
    mnl_attr_nest_end(header, info);
}

static enum sk_code make_pair(struct sk_netlink *host, int ns, const struct sk_link *link, struct sk_err *err)
{
    struct sk_message message;
    (void)begin(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(&message.header, IFLA_IFNAME, link->name);
    mnl_attr_put(&message.header, IFLA_ADDRESS, sizeof(host_mac), host_mac);
    if (link->mtu)
        mnl_attr_put_u32(&message.header, IFLA_MTU, link->mtu);
    put_pair(&message.header, ns, link);
    return sk_netlink_ask(host, &message, "make a pair of links", err);
}

/* Addresses that the kernel makes of hardware addresses would be the same for all. Before the link is up. */
static enum sk_code set_no_autoconf(struct sk_netlink *netlink, const char *name, struct sk_err *err)
{
    struct sk_message message;
    (void)begin(&message, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(&message.header, IFLA_IFNAME, name);
    struct nlattr *spec = mnl_attr_nest_start(&message.header, IFLA_AF_SPEC);
    struct nlattr *inet6 = mnl_attr_nest_start(&message.header, AF_INET6);
    mnl_attr_put_u8(&message.header, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(&message.header, inet6);
    mnl_attr_nest_end(&message.header, spec);
    struct sk_err found = {0};
    enum sk_code code = sk_netlink_ask(netlink, &message, "keep a link from making addresses", &found);
    if (code == SK_OK || found.sys == EAFNOSUPPORT)
        return SK_OK; /* a kernel without IPv6 makes none */
    return sk_fail_sys(err, code, found.sys, "keep a link from making addresses");
}

enum sk_code sk_link_up(struct sk_netlink *netlink, const char *name, struct sk_err *err)
{
    struct sk_message message;
    struct ifinfomsg *info = begin(&message, RTM_NEWLINK, 0, sizeof(*info));
    info->ifi_flags = info->ifi_change = IFF_UP;
    mnl_attr_put_strz(&message.header, IFLA_IFNAME, name);
    return sk_netlink_ask(netlink, &message, "bring a link up", err);
}

/* 0 = no such link. Sockets know their namespace; if_nametoindex would ask the thread's. */
static int take_index(const struct nlmsghdr *header, void *arg)
{
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
    *(int *)arg = info->ifi_index;
    return MNL_CB_OK;
}

enum sk_code sk_link_find(struct sk_netlink *netlink, const char *name, int *out_index, struct sk_err *err)
{
    struct sk_message message;
    (void)begin(&message, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(&message.header, IFLA_IFNAME, name);
    return sk_netlink_read(netlink, &message, take_index, out_index, "find a link", err);
}

/* --- addresses, routes, neighbours ----------------------------------------------------- */

static enum sk_code add_address(struct sk_netlink *netlink, int index, const struct sk_ip *ip,
                                struct sk_err *err)
{
    struct sk_message message;
    struct ifaddrmsg *address = begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*address));
    address->ifa_family = family_of(ip);
    address->ifa_prefixlen = (unsigned char)(size_of(ip) * 8);
    address->ifa_index = (unsigned)index;
    address->ifa_flags = ip->is_v6 ? IFA_F_NODAD : 0;
    put_ip(&message, IFA_LOCAL, ip);
    put_ip(&message, IFA_ADDRESS, ip);
    return sk_netlink_ask(netlink, &message, "add an address", err);
}

enum sk_code sk_link_add_address(struct sk_netlink *netlink, const char *name, const struct sk_ip *ip,
                                 struct sk_err *err)
{
    int index = 0;
    enum sk_code code = sk_link_find(netlink, name, &index, err);
    return code == SK_OK ? add_address(netlink, index, ip, err) : code;
}

static enum sk_code add_neighbour(struct sk_netlink *netlink, int index, const struct sk_ip *ip,
                                  const uint8_t mac[6], struct sk_err *err)
{
    struct sk_message message;
    struct ndmsg *entry = begin(&message, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*entry));
    entry->ndm_family = family_of(ip);
    entry->ndm_ifindex = index;
    entry->ndm_state = NUD_PERMANENT;
    put_ip(&message, NDA_DST, ip);
    mnl_attr_put(&message.header, NDA_LLADDR, 6, mac);
    return sk_netlink_ask(netlink, &message, "add a neighbour", err);
}

/* To `to` (NULL = everywhere) by `gateway` (NULL = straight), from `source` (NULL = as it comes). */
static enum sk_code add_route(struct sk_netlink *netlink, int index, const struct sk_ip *to,
                              const struct sk_ip *gateway, const struct sk_ip *source, struct sk_err *err)
{
    struct sk_message message;
    struct rtmsg *route = begin(&message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*route));
    bool is_v6 = to ? to->is_v6 : gateway && gateway->is_v6;
    route->rtm_family = is_v6 ? AF_INET6 : AF_INET;
    route->rtm_dst_len = to ? (unsigned char)(size_of(to) * 8) : 0;
    route->rtm_table = RT_TABLE_MAIN;
    route->rtm_protocol = RTPROT_STATIC;
    route->rtm_scope = to && !is_v6 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    route->rtm_type = RTN_UNICAST;
    route->rtm_flags = gateway ? RTNH_F_ONLINK : 0;
    if (to)
        put_ip(&message, RTA_DST, to);
    if (gateway)
        put_ip(&message, RTA_GATEWAY, gateway);
    if (source)
        put_ip(&message, RTA_PREFSRC, source);
    mnl_attr_put_u32(&message.header, RTA_OIF, (uint32_t)index);
    return sk_netlink_ask(netlink, &message, "add a route", err);
}

/* --- the two ends ------------------------------------------------------------------------ */

static enum sk_code begin_end(struct sk_netlink *netlink, const char *name, int *out_index,
                              struct sk_err *err)
{
    enum sk_code code = set_no_autoconf(netlink, name, err);
    if (code == SK_OK)
        code = sk_link_up(netlink, name, err);
    return code == SK_OK ? sk_link_find(netlink, name, out_index, err) : code;
}

static enum sk_code settle_host(struct sk_netlink *host, const struct sk_link *link, struct sk_err *err)
{
    int index = 0;
    enum sk_code code = begin_end(host, link->name, &index, err);
    if (code == SK_OK)
        code = add_route(host, index, &link->ipv4, NULL, &link->gateway4, err);
    if (code == SK_OK)
        code = add_neighbour(host, index, &link->ipv4, guest_mac, err);
    if (code == SK_OK && link->has_ipv6)
        code = add_route(host, index, &link->ipv6, NULL, &link->gateway6, err);
    if (code == SK_OK && link->has_ipv6)
        code = add_neighbour(host, index, &link->ipv6, guest_mac, err);
    return code;
}

static enum sk_code settle_guest(struct sk_netlink *inside, const struct sk_link *link, struct sk_err *err)
{
    int index = 0;
    enum sk_code code = begin_end(inside, "eth0", &index, err);
    if (code == SK_OK)
        code = add_address(inside, index, &link->ipv4, err);
    if (code == SK_OK)
        code = add_neighbour(inside, index, &link->gateway4, host_mac, err);
    if (code == SK_OK)
        code = add_route(inside, index, NULL, &link->gateway4, NULL, err);
    if (code == SK_OK && link->has_ipv6)
        code = add_address(inside, index, &link->ipv6, err);
    if (code == SK_OK && link->has_ipv6)
        code = add_neighbour(inside, index, &router6, host_mac, err);
    if (code == SK_OK && link->has_ipv6)
        code = add_route(inside, index, NULL, &router6, NULL, err);
    return code;
}

enum sk_code sk_link_make(struct sk_netlink *host, struct sk_netlink *inside, int ns,
                          const struct sk_link *link, struct sk_err *err)
{
    enum sk_code code = make_pair(host, ns, link, err);
    if (code == SK_OK)
        code = settle_guest(inside, link, err);
    if (code == SK_OK)
        code = settle_host(host, link, err);
    if (code == SK_OK)
        sk_settle(host, inside, link);
    return code;
}

/* --- taking down --------------------------------------------------------------------------- */

/* Asked without netlink: it does not wait for whoever changes links at the moment. */
bool sk_link_is_there(struct sk_netlink *netlink, const char *name)
{
    struct ifreq request = {0};
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    return ioctl(mnl_socket_get_fd(netlink->socket), SIOCGIFINDEX, &request) == 0;
}

void sk_link_mark(struct sk_netlink *netlink, const char *name)
{
    struct sk_message message;
    (void)begin(&message, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(&message.header, IFLA_IFNAME, name);
    mnl_attr_put_u32(&message.header, IFLA_GROUP, LEFT_GROUP);
    (void)!sk_netlink_ask(netlink, &message, "mark a link", NULL);
}

enum sk_code sk_link_remove_marked(struct sk_netlink *netlink, struct sk_err *err)
{
    struct sk_message message;
    struct sk_err found = {0};
    (void)begin(&message, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
    mnl_attr_put_u32(&message.header, IFLA_GROUP, LEFT_GROUP);
    enum sk_code code = sk_netlink_ask(netlink, &message, "take links down", &found);
    if (code == SK_OK || found.sys == ENODEV)
        return SK_OK;
    if (err)
        *err = found;
    return code;
}

/* --- what went through --------------------------------------------------------------------- */

static int take_stats(const struct nlattr *attr, void *arg)
{
    struct rtnl_link_stats64 *stats = arg;
    size_t len = mnl_attr_get_payload_len(attr);
    if (mnl_attr_get_type(attr) == IFLA_STATS64)
        memcpy(stats, mnl_attr_get_payload(attr), len < sizeof(*stats) ? len : sizeof(*stats));
    return MNL_CB_OK;
}

static int take_traffic(const struct nlmsghdr *header, void *arg)
{
    struct sk_link_traffic *traffic = arg;
    struct rtnl_link_stats64 stats = {0};
    (void)mnl_attr_parse(header, sizeof(struct ifinfomsg), take_stats, &stats);
    *traffic = (struct sk_link_traffic){stats.rx_bytes, stats.tx_bytes};
    return MNL_CB_OK;
}

enum sk_code sk_link_read_traffic(struct sk_netlink *netlink, const char *name, struct sk_link_traffic *out,
                                  struct sk_err *err)
{
    struct sk_message message;
    (void)begin(&message, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(&message.header, IFLA_IFNAME, name);
    return sk_netlink_read(netlink, &message, take_traffic, out, "count a link's traffic", err);
}
