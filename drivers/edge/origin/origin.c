/* origin.c: a library loaded into HAProxy in front of libc: where a connection
 * was going before the packet filter changed its destination. HAProxy asks the
 * kernel for that itself, but with IPv4 alone; here the address of an IPv6
 * socket's own end is the one before, as it is there with IPv4. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ORIGINAL_DESTINATION 80 /* IP6T_SO_ORIGINAL_DST */

int getsockname(int fd, __SOCKADDR_ARG address, socklen_t *restrict len)
{
    struct sockaddr_in6 before;
    socklen_t room = *len, size = sizeof(before);
    if (syscall(SYS_getsockname, fd, address.__sockaddr__, len) < 0)
        return -1;
    if (room < sizeof(before) || *len != sizeof(before) || address.__sockaddr__->sa_family != AF_INET6)
        return 0;
    if (getsockopt(fd, IPPROTO_IPV6, ORIGINAL_DESTINATION, &before, &size) == 0 && size == sizeof(before))
        memcpy(address.__sockaddr_in6__, &before, sizeof(before));
    return 0;
}
