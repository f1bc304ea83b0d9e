/* loop.h: the event loop: time, timers, deferred tasks, descriptors, hand-off
 * from other threads. The only code in the daemon that sees libuv is loop.c;
 * tests link tests/support/vloop.c instead, which runs on a virtual clock.
 *
 * Thread: everything here belongs to the loop thread, sk_loop_post() and
 * sk_loop_stop() alone excepted. Callbacks never run inside the call that
 * asked for them. Nothing called from the loop may block. */
#ifndef SK_LOOP_LOOP_H
#define SK_LOOP_LOOP_H

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"

struct sk_loop;

/* Heap; one owner. Makes the process ignore SIGPIPE. Errors: SK_INTERNAL when
 * the system has no descriptors left. */
SK_MUST_CHECK enum sk_code sk_loop_new(struct sk_loop **out_loop, struct sk_err *err);
/* Must be empty: no timer, task or watch left (asserted). NULL is fine. */
void sk_loop_free(struct sk_loop *loop);
/* Runs until sk_loop_stop(). Tasks that are queued when it stops stay queued. */
void sk_loop_run(struct sk_loop *loop);
/* Any thread. Makes sk_loop_run return at the end of the current turn. */
void sk_loop_stop(struct sk_loop *loop);

/* The time when the loop last had something to report; it stands still while
 * one report (posts, tasks, timers or one descriptor) is dealt with. */
struct sk_instant sk_loop_now(const struct sk_loop *loop);
struct sk_wall sk_loop_wall(const struct sk_loop *loop);

/* --- tasks: run soon, in the order queued ------------------------------- */
struct sk_task {
    void (*fn)(struct sk_task *task);
    struct sk_list link; /* the loop's */
};

/* Queues `task` for the next turn; queuing a queued task does nothing. */
void sk_loop_defer(struct sk_loop *loop, struct sk_task *task, void (*fn)(struct sk_task *task));
/* Takes a deferred task back; harmless if it is not queued. */
void sk_loop_undefer(struct sk_task *task);

/* A task handed over from another thread. */
struct sk_post {
    void (*fn)(struct sk_post *post);
    struct sk_post *next; /* the loop's */
};
/* Any thread. Order is kept per sender. `post` must stay alive until fn runs;
 * the loop until every sender's call has returned. */
void sk_loop_post(struct sk_loop *loop, struct sk_post *post, void (*fn)(struct sk_post *post));

/* --- timers --------------------------------------------------------------- */
struct sk_timer {
    void (*fn)(struct sk_timer *timer);
    struct sk_instant at;
    size_t slot; /* the heap's: index + 1, 0 = not running */
};

/* (Re)starts; fires once, never before `at`. A zeroed timer is stopped. */
void sk_timer_start(struct sk_loop *loop, struct sk_timer *timer, struct sk_instant at,
                    void (*fn)(struct sk_timer *timer));
/* Harmless if not running. */
void sk_timer_stop(struct sk_loop *loop, struct sk_timer *timer);

/* --- descriptors ---------------------------------------------------------- */
enum { SK_READABLE = 1, SK_WRITABLE = 2 };

struct sk_watch;
/* Watches `fd` (borrowed; made non-blocking; stays open until sk_watch_close). Level-triggered;
 * `events` starts at 0 = silent. Hang-up and error count as both events; only
 * those that were asked for are reported.
 * One watch per descriptor number. */
SK_MUST_CHECK enum sk_code sk_watch_open(struct sk_loop *loop, int fd, void (*fn)(void *arg, unsigned events),
                                         void *arg, struct sk_watch **out_watch, struct sk_err *err);
void sk_watch_set(struct sk_watch *watch, unsigned events);
/* No callback afterwards, not even one already under way; the descriptor may
 * be closed at once. NULL is fine. */
void sk_watch_close(struct sk_watch *watch);

/* --- signals (process signals, for main) ------------------------------------ */
struct sk_signal;
SK_MUST_CHECK enum sk_code sk_signal_open(struct sk_loop *loop, int signo, void (*fn)(void *arg, int signo),
                                          void *arg, struct sk_signal **out_signal, struct sk_err *err);
void sk_signal_close(struct sk_signal *signal);

#endif
