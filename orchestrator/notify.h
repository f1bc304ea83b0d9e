/* notify.h: what the service manager is told (sd_notify(3)): one datagram to
 * the socket that NOTIFY_SOCKET names; nothing when it names none. */
#ifndef SK_NOTIFY_H
#define SK_NOTIFY_H

#include "loop/loop.h"

/* "READY=1", "STOPPING=1" and so on. */
void sk_notify(const char *state);

/* New settings are being read, until the next "READY=1". */
void sk_notify_reloading(void);

/* Feeds the manager's watchdog, if it has one for us, from the loop: when the
 * loop hangs, the manager notices. A zeroed one is stopped.
 * After READY=1, no sooner: a manager begins to count with that, or with the
 * first WATCHDOG=1, and steps of the start may block (the kernel loads what
 * the packet filter needs). */
struct sk_watchdog {
    struct sk_timer timer;
    struct sk_loop *loop;
    struct sk_duration every;
};
void sk_watchdog_start(struct sk_watchdog *watchdog, struct sk_loop *loop);
void sk_watchdog_stop(struct sk_watchdog *watchdog);

#endif
