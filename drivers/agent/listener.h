/* listener.h: the socket a guest connects to, open until it has.
 *
 * Every process in the sandbox that is root can connect as well; the kernel
 * tells who is who, and strangers are turned away. */
#ifndef SK_AGENT_LISTENER_H
#define SK_AGENT_LISTENER_H

#include "loop/loop.h"

struct sk_listener {
    struct sk_loop *loop;
    int fd; /* -1 when closed */
    struct sk_watch *watch;
    struct sk_timer pause; /* after a rush of strangers */
    int pid;
    /* The one who was waited for. The listener is closed before. */
    void (*on_peer)(struct sk_listener *listener, int fd_take);
};

/* Binds at `path`, replacing a socket that an earlier daemon left there. */
SK_MUST_CHECK enum sk_code sk_listener_open(struct sk_listener *listener, struct sk_loop *loop,
                                            const char *path, struct sk_err *err);
/* Waits for host process `pid`. */
SK_MUST_CHECK enum sk_code sk_listener_accept(struct sk_listener *listener, int pid,
                                              void (*on_peer)(struct sk_listener *listener, int fd_take),
                                              struct sk_err *err);
/* Stops waiting; connections queue up in the kernel. Harmless when not waiting. */
void sk_listener_rest(struct sk_listener *listener);
/* Harmless twice, or on a struct with fd -1. The path stays. */
void sk_listener_close(struct sk_listener *listener);

#endif
