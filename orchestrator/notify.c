#include "notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

void sk_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    SK_AUTO_FD int fd = -1;

    if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                      (const struct sockaddr *)&address,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

void sk_notify_reloading(void)
{
    char state[64];
    struct timespec now;

    /* The clock is the one that sd_notify(3) wants, whatever the loop counts in. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    sk_notify(state);
}

/* Microseconds, or 0: none, or meant for another process. */
static int64_t watchdog_usec(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    int64_t value;

    if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
        return 0;
    errno = 0;
    value = strtoll(usec, NULL, 10);
    return errno || value < 1000 || value > INT64_MAX / 1000 ? 0 : value;
}

static void feed(struct sk_timer *timer)
{
    struct sk_watchdog *w = sk_container_of(timer, struct sk_watchdog, timer);

    sk_notify("WATCHDOG=1");
    sk_timer_start(w->loop, &w->timer, sk_instant_add(sk_loop_now(w->loop), w->every), feed);
}

void sk_watchdog_start(struct sk_watchdog *watchdog, struct sk_loop *loop)
{
    int64_t usec = watchdog_usec();

    if (!usec)
        return;
    watchdog->loop = loop;
    watchdog->every = SK_NS(usec * 1000 / 2);
    feed(&watchdog->timer);
}

void sk_watchdog_stop(struct sk_watchdog *watchdog)
{
    if (watchdog->loop)
        sk_timer_stop(watchdog->loop, &watchdog->timer);
}
