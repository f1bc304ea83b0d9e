/* handed.c: stands in front of libc's bind and shutdown, for the gRPC library's sake.
 *
 * The service manager may hold the listening sockets, so that a client which connects while the daemon is
 * being replaced waits instead of being refused. gRPC core has no way to take over a listening socket: it can
 * be given connections, but not with TLS. So here, where it would bind a socket of its own to an address that
 * one of the manager's has, its descriptor becomes another name of that one. And when gRPC lets go of it, it
 * must not be shut down: it goes on to listen for the next daemon.
 *
 * What was handed over stands in the environment and begins at descriptor 3; there is no other state. Sockets
 * of files are left out: gRPC removes the file before it binds. */
#include "rpc/handed.h"

#include "base/own.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST     3
#define COUNT_MAX 64

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* --- what there is ------------------------------------------------------------ */

static int number(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    long value = text ? strtol(text, &end, 10) : 0;

    return text && end != text && !*end && value > 0 && value <= INT_MAX ? (int)value : 0;
}

static int count(void)
{
    int n = number("LISTEN_PID") == getpid() ? number("LISTEN_FDS") : 0;
    return n < COUNT_MAX ? n : COUNT_MAX;
}

static bool is_listening(int fd)
{
    int listens = 0, type = 0;
    socklen_t len = sizeof(listens);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 || !listens)
        return false;
    len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

static bool is_same_socket(int a, int b)
{
    struct stat of_a, of_b;
    return fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 && of_a.st_ino == of_b.st_ino &&
           of_a.st_dev == of_b.st_dev;
}

/* --- addresses: gRPC writes those of IPv4 as IPv6 where it can ------------------- */

static bool normalise(const struct sockaddr *address, socklen_t len, struct sockaddr_in6 *out)
{
    const struct sockaddr_in *four = (const void *)address;

    *out = (struct sockaddr_in6){.sin6_family = AF_INET6};
    if (address->sa_family == AF_INET6 && len >= sizeof(*out)) {
        memcpy(out, address, sizeof(*out));
    } else if (address->sa_family == AF_INET && len >= sizeof(*four)) {
        out->sin6_port = four->sin_port;
        if (four->sin_addr.s_addr != htonl(INADDR_ANY)) {
            out->sin6_addr.s6_addr[10] = out->sin6_addr.s6_addr[11] = 0xff;
            memcpy(&out->sin6_addr.s6_addr[12], &four->sin_addr, 4);
        }
    } else {
        return false;
    }
    return true;
}

static bool is_at(int fd, const struct sockaddr_in6 *wanted)
{
    union address own = {.six = {0}};
    socklen_t len = sizeof(own);
    struct sockaddr_in6 address;

    return is_listening(fd) && getsockname(fd, &own.any, &len) == 0 && normalise(&own.any, len, &address) &&
           address.sin6_port == wanted->sin6_port &&
           memcmp(&address.sin6_addr, &wanted->sin6_addr, sizeof(address.sin6_addr)) == 0;
}

/* The one that listens there, or -1. */
static int find(const struct sockaddr *address, socklen_t len)
{
    struct sockaddr_in6 wanted;
    int n = count();

    if (n == 0 || !normalise(address, len, &wanted))
        return -1;
    for (int fd = FIRST; fd < FIRST + n; fd++)
        if (is_at(fd, &wanted))
            return fd;
    return -1;
}

/* --- in libc's place --------------------------------------------------------------- */

/* What gRPC asked of its own socket; connections have it from the one that they are accepted from. */
static void copy_options(int from, int to)
{
    static const int options[] = {TCP_NODELAY, TCP_USER_TIMEOUT};

    for (size_t i = 0; i < sk_array_len(options); i++) {
        int value = 0;
        socklen_t len = sizeof(value);
        if (getsockopt(from, IPPROTO_TCP, options[i], &value, &len) == 0)
            (void)setsockopt(to, IPPROTO_TCP, options[i], &value, len);
    }
}

static int take(int fd, int handed)
{
    int flags = fcntl(handed, F_GETFL);

    if (flags < 0 || fcntl(handed, F_SETFL, flags | O_NONBLOCK) != 0)
        return -1;
    copy_options(fd, handed);
    return dup3(handed, fd, O_CLOEXEC) < 0 ? -1 : 0;
}

int bind(int fd, const struct sockaddr *address, socklen_t len)
{
    int type = 0, handed;
    socklen_t type_len = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM &&
        (handed = find(address, len)) >= 0)
        return take(fd, handed);
    return (int)syscall(SYS_bind, fd, address, len);
}

int shutdown(int fd, int how)
{
    int n = count();

    for (int handed = FIRST; handed < FIRST + n; handed++)
        if (is_same_socket(fd, handed))
            return 0;
    return (int)syscall(SYS_shutdown, fd, how);
}

static int (*const ours)(int, const struct sockaddr *, socklen_t) = bind;

/* --- for the daemon ------------------------------------------------------------------ */

int sk_handed_settle(void)
{
    int n = count();

    for (int fd = FIRST; fd < FIRST + n; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return n;
}

static void print(int fd, char out[INET6_ADDRSTRLEN + 16])
{
    union address own = {.six = {0}};
    socklen_t len = sizeof(own);
    struct sockaddr_in6 address = {0};
    char text[INET6_ADDRSTRLEN] = "?";

    if (getsockname(fd, &own.any, &len) == 0 && normalise(&own.any, len, &address)) {
        bool is_four = own.any.sa_family == AF_INET;
        (void)inet_ntop(own.any.sa_family, is_four ? (void *)&own.four.sin_addr : (void *)&own.six.sin6_addr,
                        text, sizeof(text));
    }
    (void)snprintf(out, INET6_ADDRSTRLEN + 16, "[%s]:%u", text, ntohs(address.sin6_port));
}

/* Adopted ones have been made non-blocking. */
static bool is_taken(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return is_listening(fd) && flags >= 0 && (flags & O_NONBLOCK);
}

void sk_handed_tell(const struct sk_log *log)
{
    int n = count();
    char address[INET6_ADDRSTRLEN + 16];

    if (n > 0 && dlsym(RTLD_DEFAULT, "bind") != (void *)ours)
        sk_log(log, SK_WARN, "rpc.bind_not_guarded");
    for (int fd = FIRST; fd < FIRST + n; fd++) {
        print(fd, address);
        if (is_taken(fd))
            sk_log(log, SK_INFO, "rpc.socket_taken", SK_STR("address", address));
        else
            sk_log(log, SK_WARN, "rpc.socket_unused", SK_STR("address", address),
                   SK_STR("advice", "the service manager holds it, and \"listen\" does not name it"));
    }
}
