/* accept.c: stands in front of libc's accept4, for the gRPC library's sake.
 *
 * Its listener never listens again after an accept that failed for a reason
 * which it does not know; descriptors that have run out are one. So anybody
 * who can connect could make the daemon deaf, without a key, by connecting
 * often enough. Here such failures become what the listener understands, and
 * connections may not take the descriptors that sandboxes need. */
#include "rpc/accept.h"

#include "base/own.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Other kinds of sockets are accepted from by code that knows what it does. */
static bool is_stream(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

/* Numbers are given out from below: this one tells how many are in use. */
static bool is_one_too_many(int fd)
{
    struct rlimit files;
    return getrlimit(RLIMIT_NOFILE, &files) == 0 && (rlim_t)fd >= files.rlim_cur / 4 * 3;
}

/* EAGAIN: the next connection tries again. EINTR: this one is lost, the next may be waiting already. */
static int understood(int sys)
{
    switch (sys) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
        return EAGAIN;
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ENOPROTOOPT:
        return EINTR;
    default:
        return sys;
    }
}

int accept4(int listener, struct sockaddr *restrict address, socklen_t *restrict len, int flags)
{
    int fd = (int)syscall(SYS_accept4, listener, address, len, flags);
    int sys = errno;

    if ((fd >= 0 && !is_one_too_many(fd)) || !is_stream(listener)) {
        errno = sys;
        return fd;
    }
    sys = fd < 0 ? understood(sys) : EINTR;
    sk_close_fd(&fd);
    errno = sys;
    return -1;
}

static int (*const own)(int, struct sockaddr *restrict, socklen_t *restrict, int) = accept4;

bool sk_accept_stands_in(void)
{
    return dlsym(RTLD_DEFAULT, "accept4") == (void *)own;
}
