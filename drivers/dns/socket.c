#include "drivers/dns/socket.h"

#include <errno.h>
#include <netinet/in.h>

static bool set(int fd, int level, int name)
{
    const int on = 1;
    return setsockopt(fd, level, name, &on, sizeof(on)) == 0;
}

/* Connections of an earlier daemon do not keep us from the port; another daemon does. */
static bool prepare(int fd, bool is_v6, int type)
{
    if (is_v6 && (!set(fd, IPPROTO_IPV6, IPV6_V6ONLY) || !set(fd, IPPROTO_IPV6, IPV6_FREEBIND)))
        return false;
    return (is_v6 || set(fd, IPPROTO_IP, IP_FREEBIND)) &&
           (type == SOCK_DGRAM || set(fd, SOL_SOCKET, SO_REUSEADDR));
}

static int make(const struct sk_dns_options *options, int family, int type)
{
    if (options->make_socket)
        return options->make_socket(options->make_socket_arg, family, type);
    return socket(family, type, 0);
}

enum sk_code sk_dns_socket_bind(const struct sk_dns_options *options, const struct sk_dns_peer *at, int type,
                                int *out_fd, struct sk_err *err)
{
    struct sockaddr_storage address;
    socklen_t len = sk_dns_peer_address(at, &address);
    SK_AUTO_FD int fd = make(options, address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 || !prepare(fd, at->ip.is_v6, type) || bind(fd, (const struct sockaddr *)&address, len)) {
        int sys = errno;
        char text[SK_IP_TEXT_MAX];
        sk_ip_print(&at->ip, text);
        return sk_fail_sys(err, sk_code_from_errno(sys), sys, "listen for DNS on %s port %u (%s)", text,
                           at->port, type == SOCK_STREAM ? "TCP" : "UDP");
    }
    *out_fd = sk_take_fd(&fd);
    return SK_OK;
}
