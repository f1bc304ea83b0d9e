#include "base/tree.h"
#include "loop/work.h"
#include "store/journal.h"

struct removal {
    struct sk_work work;
    struct sk_done worked, *done;
    char *path;
};

static void run_remove(struct sk_work *work)
{
    (void)!sk_tree_remove_flat(sk_container_of(work, struct removal, work)->path, &work->err);
}

static void removed(struct sk_done *worked, const struct sk_err *err)
{
    struct removal *r = sk_container_of(worked, struct removal, worked);
    struct sk_done *done = r->done;
    free(r->path);
    free(r);
    sk_done_fire(done, err);
}

void sk_journal_remove(struct sk_loop *loop, const char *path, struct sk_done *done)
{
    struct removal *r = sk_alloc(sizeof(*r));
    *r = (struct removal){.done = done, .path = sk_strdup(path)};
    sk_done_init(&r->worked, removed);
    sk_work_start(loop, &r->work, run_remove, &r->worked);
}
