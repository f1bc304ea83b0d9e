#include "loop/work.h"

#include "loop/uv_loop.h"

#include <assert.h>

static void on_thread(uv_work_t *request)
{
    struct sk_work *work = request->data;

    work->run(work);
}

static void on_answer(uv_work_t *request, int status)
{
    struct sk_work *work = request->data;

    (void)status;                  /* tells of uv_cancel, which nobody calls */
    struct sk_err err = work->err; /* a copy: *work may be freed while it is read */
    free(request);
    work->handle = NULL;
    sk_loop_unhold(work->loop);
    sk_loop_tick(work->loop);
    sk_done_fire(work->done, err.code == SK_OK ? NULL : &err);
}

void sk_work_start(struct sk_loop *loop, struct sk_work *work, void (*run)(struct sk_work *work),
                   struct sk_done *done)
{
    uv_work_t *request = sk_alloc(sizeof(*request));

    assert(!work->handle); /* one thing at a time */
    *work = (struct sk_work){.run = run, .done = done, .loop = loop, .handle = request};
    request->data = work;
    sk_loop_hold(loop);
    int failed = uv_queue_work(sk_loop_uv(loop), request, on_thread, on_answer);
    assert(!failed); /* only a missing function is refused */
    (void)failed;
}
