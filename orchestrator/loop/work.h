/* work.h: something that blocks (files on a disk), done by a thread of a small
 * pool, answered on the loop.
 *
 * The pool is shared and small: one piece of work moves a bounded number of
 * bytes, and whoever has more to do asks again.
 *
 * In tests (tests/support/vloop.c) the work is done in the next turn. */
#ifndef SK_LOOP_WORK_H
#define SK_LOOP_WORK_H

#include "loop/done.h"

struct sk_work {
    /* On a thread of the pool: touches nothing but what it was given. Leaves
     * its error, if any, in work->err. */
    void (*run)(struct sk_work *work);
    struct sk_err err; /* SK_OK = done well */
    struct sk_done *done;
    struct sk_loop *loop;
    void *handle; /* the loop's */
};

/* `work`, zeroed before its first use, must stay where it is until done fires; it cannot be called back, so a
 * cancel does nothing. Its err is SK_OK when run begins. A loop is not freed before the answer (asserted).
 * Loop only. */
void sk_work_start(struct sk_loop *loop, struct sk_work *work, void (*run)(struct sk_work *work),
                   struct sk_done *done);

#endif
