/* done.h: a completion: how every asynchronous call answers.
 *
 * The caller owns the struct, usually a field of its own context, sets `fn`
 * with sk_done_init and passes it on. It fires exactly once, never inside the
 * call that took it. The callee may set `cancel` while the work is under way;
 * cancelling is a request: the callee still answers, once. */
#ifndef SK_LOOP_DONE_H
#define SK_LOOP_DONE_H

#include "loop/loop.h"

struct sk_done {
    /* err is NULL on success, else borrowed for the call. */
    void (*fn)(struct sk_done *done, const struct sk_err *err);

    /* The callee's, while the work is under way. */
    void (*cancel)(struct sk_done *done);
    void *callee;

    /* For sk_done_later. */
    struct sk_task task;
    struct sk_err later;
};

void sk_done_init(struct sk_done *done, void (*fn)(struct sk_done *done, const struct sk_err *err));

/* Fires now; only from a callback of the loop, never inside the call that took `done`. */
void sk_done_fire(struct sk_done *done, const struct sk_err *err);
/* Fires in the next turn; err is copied (NULL = success). */
void sk_done_later(struct sk_loop *loop, struct sk_done *done, const struct sk_err *err);
/* Asks the callee to give up; harmless when it set no cancel or has answered. */
void sk_done_cancel(struct sk_done *done);

#endif
