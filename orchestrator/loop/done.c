#include "loop/done.h"

#include <assert.h>

void sk_done_init(struct sk_done *done, void (*fn)(struct sk_done *done, const struct sk_err *err))
{
    *done = (struct sk_done){.fn = fn};
}

void sk_done_fire(struct sk_done *done, const struct sk_err *err)
{
    assert(done->fn);                             /* fires once */
    assert(!sk_list_is_linked(&done->task.link)); /* and not as well as later */
    assert(!err || err->code != SK_OK);
    void (*fn)(struct sk_done *, const struct sk_err *) = done->fn;
    done->fn = NULL;
    done->cancel = NULL;
    done->callee = NULL;
    fn(done, err);
}

static void fire_later(struct sk_task *task)
{
    struct sk_done *done = sk_container_of(task, struct sk_done, task);
    struct sk_err err = done->later; /* a copy: *done may be freed while it is read */
    sk_done_fire(done, err.code == SK_OK ? NULL : &err);
}

void sk_done_later(struct sk_loop *loop, struct sk_done *done, const struct sk_err *err)
{
    assert(done->fn && !sk_list_is_linked(&done->task.link));
    assert(!err || err->code != SK_OK);
    done->later = err ? *err : (struct sk_err){0};
    done->cancel = NULL;
    done->callee = NULL;
    sk_loop_defer(loop, &done->task, fire_later);
}

void sk_done_cancel(struct sk_done *done)
{
    void (*cancel)(struct sk_done *) = done->cancel;
    done->cancel = NULL; /* asked once is enough */
    if (cancel)
        cancel(done);
}
