#include "drivers/agent/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG          16
#define STRANGERS_A_TURN 8
#define PAUSE            SK_MSEC(50)

enum sk_code sk_listener_open(struct sk_listener *listener, struct sk_loop *loop, const char *path,
                              struct sk_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *listener = (struct sk_listener){.loop = loop, .fd = -1};
    if (strlen(path) >= sizeof address.sun_path)
        return sk_fail(err, SK_INVALID_ARGUMENT, "socket path %s is too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    SK_AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, errno, "make a socket");
    if (unlink(path) < 0 && errno != ENOENT)
        return sk_fail_sys(err, SK_INTERNAL, errno, "remove %s", path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "bind %s", path);
    if (chmod(path, 0600) < 0 || listen(fd, BACKLOG) < 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "listen on %s", path);
    listener->fd = sk_take_fd(&fd);
    return SK_OK;
}

static bool is_process(int fd, int pid)
{
    struct ucred who;
    socklen_t len = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.pid == pid;
}

static void on_pause_over(struct sk_timer *timer)
{
    struct sk_listener *listener = sk_container_of(timer, struct sk_listener, pause);
    sk_watch_set(listener->watch, SK_READABLE);
}

static void rest_awhile(struct sk_listener *listener)
{
    sk_watch_set(listener->watch, 0);
    sk_timer_start(listener->loop, &listener->pause, sk_instant_add(sk_loop_now(listener->loop), PAUSE),
                   on_pause_over);
}

static void on_connections(void *arg, unsigned events)
{
    struct sk_listener *listener = arg;
    (void)events;
    for (int i = 0; i < STRANGERS_A_TURN; i++) {
        SK_AUTO_FD int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
            return;
        if (fd < 0)
            break; /* no descriptors left: later there may be */
        if (!is_process(fd, listener->pid))
            continue;
        sk_listener_close(listener);
        listener->on_peer(listener, sk_take_fd(&fd));
        return;
    }
    rest_awhile(listener);
}

enum sk_code sk_listener_accept(struct sk_listener *listener, int pid,
                                void (*on_peer)(struct sk_listener *listener, int fd_take),
                                struct sk_err *err)
{
    listener->pid = pid;
    listener->on_peer = on_peer;
    enum sk_code code =
        sk_watch_open(listener->loop, listener->fd, on_connections, listener, &listener->watch, err);
    if (code == SK_OK)
        sk_watch_set(listener->watch, SK_READABLE);
    return code;
}

void sk_listener_rest(struct sk_listener *listener)
{
    if (!listener->watch)
        return;
    sk_timer_stop(listener->loop, &listener->pause);
    sk_watch_close(listener->watch);
    listener->watch = NULL;
}

void sk_listener_close(struct sk_listener *listener)
{
    sk_listener_rest(listener);
    sk_close_fd(&listener->fd);
}
