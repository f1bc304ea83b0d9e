/* vwork.c: the virtual loop's end of work.h: no thread; what blocks is done in
 * the next turn, so that every run of a test is the same. */
#include "loop/work.h"

#include <assert.h>

struct turn {
    struct sk_task task;
    struct sk_work *work;
};

static void on_turn(struct sk_task *task)
{
    struct turn *turn = sk_container_of(task, struct turn, task);
    struct sk_work *work = turn->work;

    free(turn);
    work->handle = NULL;
    work->run(work);
    struct sk_err err = work->err; /* a copy: *work may be freed while it is read */
    sk_done_fire(work->done, err.code == SK_OK ? NULL : &err);
}

void sk_work_start(struct sk_loop *loop, struct sk_work *work, void (*run)(struct sk_work *work),
                   struct sk_done *done)
{
    struct turn *turn = sk_alloc(sizeof(*turn));

    assert(!work->handle); /* one thing at a time */
    *work = (struct sk_work){.run = run, .done = done, .loop = loop, .handle = turn};
    turn->work = work;
    sk_loop_defer(loop, &turn->task, on_turn);
}
