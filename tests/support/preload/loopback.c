/* loopback.c: preloaded into the daemon of a test's node on the machine's own network, lets it reach no
 * address but this machine's loopback, and ask nobody for names: whatever a test leads it to, it stays here.
 * Programs that the daemon starts are let be: they reach sandboxes. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_daemon(void)
{
    return strcmp(program_invocation_short_name, "sandkeepd") == 0;
}

static bool is_outside(const struct sockaddr *to)
{
    if (!is_daemon())
        return false;
    if (to->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)to)->sin_addr.s_addr) >> 24 != 127;
    if (to->sa_family == AF_INET6)
        return !IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)to)->sin6_addr);
    return false;
}

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    if (is_outside(to)) {
        errno = ENETUNREACH;
        return -1;
    }
    return (int)syscall(SYS_connect, fd, to, len);
}

static bool needs_no_server(const char *host)
{
    struct in6_addr address;
    return !host || strcmp(host, "localhost") == 0 || inet_pton(AF_INET, host, &address) == 1 ||
           inet_pton(AF_INET6, host, &address) == 1;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;

    if (is_daemon() && !needs_no_server(host))
        return EAI_NONAME;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(host, service, hints, out);
}
