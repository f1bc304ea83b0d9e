/* inside.c: what is made in the namespace that was joined, by a thread of its own: the caller's stays where
 * it is. */
#include "drivers/cni/cni.h"

#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

struct wish {
    const char *netns;
    int family, type;
    int fd, sys;
};

static void *make(void *arg)
{
    struct wish *wish = arg;
    SK_AUTO_FD int ns = open(wish->netns, O_RDONLY | O_CLOEXEC);
    wish->fd = ns >= 0 && setns(ns, CLONE_NEWNET) == 0 ? socket(wish->family, wish->type, 0) : -1;
    wish->sys = errno;
    return NULL;
}

int sk_cni_socket(const struct sk_cni_place *place, int family, int type)
{
    struct wish wish = {.netns = place->netns, .family = family, .type = type};
    pthread_t thread;
    int sys = pthread_create(&thread, NULL, make, &wish);
    if (sys) {
        errno = sys;
        return -1;
    }
    (void)pthread_join(thread, NULL);
    errno = wish.sys;
    return wish.fd;
}
