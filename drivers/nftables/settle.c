#include "drivers/nftables/settle.h"

#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES    2000 /* no more than a few, but on a machine that is very busy */
#define PAUSE_US 1000

/* A link that was brought up drops what is sent until a work queue has looked at it; whoever asks for its
 * state has it looked at there and then (linkwatch_sync_dev). */
static void look(struct sk_netlink *netlink, const char *name)
{
    struct ethtool_value question = {.cmd = ETHTOOL_GLINK};
    struct ifreq request = {.ifr_data = (char *)&question};
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    (void)ioctl(mnl_socket_get_fd(netlink->socket), SIOCETHTOOL, &request);
}

static int take_type(const struct nlmsghdr *header, void *arg)
{
    const struct rtmsg *route = mnl_nlmsg_get_payload(header);
    *(int *)arg = route->rtm_type;
    return MNL_CB_OK;
}

/* Whether packets to that address are taken in there. */
static bool is_local(struct sk_netlink *netlink, const struct sk_ip *ip)
{
    struct sk_message message = {0};
    int type = RTN_UNSPEC;
    struct nlmsghdr *header = mnl_nlmsg_put_header(&message);
    header->nlmsg_type = RTM_GETROUTE;
    struct rtmsg *route = mnl_nlmsg_put_extra_header(header, sizeof(*route));
    route->rtm_family = AF_INET6;
    route->rtm_dst_len = 128;
    mnl_attr_put(header, RTA_DST, 16, ip->bytes);
    (void)!sk_netlink_read(netlink, &message, take_type, &type, "find a route", NULL);
    return type == RTN_LOCAL;
}

void sk_settle(struct sk_netlink *host, struct sk_netlink *inside, const struct sk_link *link)
{
    look(host, link->name);
    look(inside, "eth0");
    /* An IPv6 address sends at once, but receives when a work queue has found that there is no need to ask
     * whether it is another's, too. */
    for (int tries = 0; link->has_ipv6 && tries < TRIES && !is_local(inside, &link->ipv6); tries++)
        (void)usleep(PAUSE_US);
}
