/* failpoint.h: the daemon's death at a named point, for tests.
 *
 * A point is "flow.step:side": a step of an op (loop/op.h) or a moment that
 * other code names. Side is before or after a step, undo or undone for the
 * walk back. In builds with SK_FAILPOINTS the environment variable
 * SANDKEEP_FAILPOINT says what is to happen, read once, when the loop is made:
 *
 *   flow.step:side[:n[:stop]]   SIGKILL (or SIGSTOP) the n-th time it is passed
 *   list                        a log line for every point that is passed
 *
 * Other builds hold none of this. Threads: loop only. */
#ifndef SK_LOOP_FAILPOINT_H
#define SK_LOOP_FAILPOINT_H

#include "loop/loop.h"

#define SK_BEFORE "before"
#define SK_AFTER  "after"
#define SK_UNDO   "undo"
#define SK_UNDONE "undone"

struct sk_failpoint;

/* The loop's own, or NULL. */
struct sk_failpoint *sk_loop_failpoint(const struct sk_loop *loop);

#ifdef SK_FAILPOINTS

/* Heap; one owner. NULL without a wish; one that cannot be read ends the process. */
struct sk_failpoint *sk_failpoint_from_environment(void);
void sk_failpoint_free(struct sk_failpoint *failpoint);

/* flow may be NULL: then nothing happens. */
void sk_failpoint_pass(struct sk_loop *loop, const char *flow, const char *step, const char *side);

#else

static inline struct sk_failpoint *sk_failpoint_from_environment(void)
{
    return NULL;
}

static inline void sk_failpoint_free(struct sk_failpoint *failpoint)
{
    (void)failpoint;
}

static inline void sk_failpoint_pass(struct sk_loop *loop, const char *flow, const char *step,
                                     const char *side)
{
    (void)loop;
    (void)flow;
    (void)step;
    (void)side;
}

#endif

#endif
