/* wait.h: runs the loop until an asynchronous call has answered, for tests
 * on the real loop. Everything is recorded in callbacks and judged by the
 * test's own body. */
#ifndef SK_TEST_WAIT_H
#define SK_TEST_WAIT_H

#include "loop/done.h"

#include <stdio.h>

struct sk_wait {
    struct sk_done done; /* hand this to the call */
    struct sk_loop *loop;
    struct sk_timer timer;
    bool fired, timed_out;
    struct sk_err err; /* code SK_OK = success */
};

static inline void sk_wait_fired(struct sk_done *done, const struct sk_err *err)
{
    struct sk_wait *w = sk_container_of(done, struct sk_wait, done);
    w->fired = true;
    if (err)
        w->err = *err;
    sk_loop_stop(w->loop);
}

static inline void sk_wait_timed_out(struct sk_timer *timer)
{
    struct sk_wait *w = sk_container_of(timer, struct sk_wait, timer);
    w->timed_out = true;
    sk_loop_stop(w->loop);
}

static inline void sk_wait_init(struct sk_wait *w, struct sk_loop *loop)
{
    *w = (struct sk_wait){.loop = loop};
    sk_done_init(&w->done, sk_wait_fired);
}

/* Until *flag, or `limit` has passed; tells which. */
static inline bool sk_wait_until(struct sk_loop *loop, const bool *flag, struct sk_duration limit)
{
    struct sk_wait w = {.loop = loop};
    sk_timer_start(loop, &w.timer, sk_instant_add(sk_loop_now(loop), limit), sk_wait_timed_out);
    while (!*flag && !w.timed_out)
        sk_loop_run(loop);
    sk_timer_stop(loop, &w.timer);
    return *flag;
}

/* The code the call ended with; SK_INTERNAL if it answered inside the call or not in a minute. */
static inline enum sk_code sk_wait(struct sk_wait *w)
{
    if (w->fired) {
        fprintf(stderr, "done fired inside the call\n");
        return SK_INTERNAL;
    }
    if (!sk_wait_until(w->loop, &w->fired, SK_SEC(60))) {
        fprintf(stderr, "no answer within a minute\n");
        abort(); /* the call still knows a struct on our stack */
    }
    if (w->err.code != SK_OK)
        fprintf(stderr, "  (%s: %s)\n", sk_code_name(w->err.code), w->err.text);
    return w->err.code;
}

#endif
