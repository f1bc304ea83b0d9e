#include "drivers/nftables/netlink.h"

#include <assert.h>
#include <errno.h>

enum sk_code sk_netlink_open(struct sk_netlink *netlink, int bus, uint32_t groups, struct sk_err *err)
{
    assert(!netlink->socket);
    struct mnl_socket *opened = mnl_socket_open2(bus, SOCK_CLOEXEC);
    if (!opened)
        return sk_fail_sys(err, SK_INTERNAL, errno, "open a netlink socket");
    if (mnl_socket_bind(opened, groups, MNL_SOCKET_AUTOPID) < 0) {
        int sys = errno;
        (void)mnl_socket_close(opened);
        return sk_fail_sys(err, SK_INTERNAL, sys, "bind a netlink socket");
    }
    netlink->socket = opened;
    return SK_OK;
}

void sk_netlink_close(struct sk_netlink *netlink)
{
    if (netlink->socket)
        (void)mnl_socket_close(netlink->socket);
    netlink->socket = NULL;
}

/* Answers until the one that ends them; -1 with errno. */
static int receive(struct sk_netlink *netlink, uint32_t seq, mnl_cb_t each, void *arg)
{
    unsigned port = mnl_socket_get_portid(netlink->socket);
    _Alignas(struct nlmsghdr) uint8_t bytes[16384];
    for (;;) {
        ssize_t len = mnl_socket_recvfrom(netlink->socket, bytes, sizeof(bytes));
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return -1;
        int went = mnl_cb_run(bytes, (size_t)len, seq, port, each, arg);
        if (went <= MNL_CB_STOP)
            return went;
    }
}

enum sk_code sk_netlink_read(struct sk_netlink *netlink, struct sk_message *message, mnl_cb_t each, void *arg,
                             const char *what, struct sk_err *err)
{
    uint32_t seq = ++netlink->seq;
    message->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    message->header.nlmsg_seq = seq;
    assert(message->header.nlmsg_len <= sizeof(*message));
    if (mnl_socket_sendto(netlink->socket, message, message->header.nlmsg_len) < 0 ||
        receive(netlink, seq, each, arg) < 0) {
        int sys = errno;
        return sk_fail_sys(err, sk_code_from_errno(sys), sys, "%s", what);
    }
    return SK_OK;
}

enum sk_code sk_netlink_ask(struct sk_netlink *netlink, struct sk_message *message, const char *what,
                            struct sk_err *err)
{
    return sk_netlink_read(netlink, message, NULL, NULL, what, err);
}
