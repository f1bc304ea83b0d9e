#include "drivers/agent/folders.h"

#include "base/tree.h"
#include "loop/work.h"

struct chore {
    struct sk_work work;
    struct sk_done worked;
    struct sk_done *done;
    char *path; /* owned */
    struct sk_litter_list *out_list;
};

static void add(void *arg, const char *name)
{
    sk_litter_add(arg, "agent folder", name, false);
}

static void run_list(struct sk_work *work)
{
    struct chore *c = sk_container_of(work, struct chore, work);
    sk_tree_each_folder(c->path, add, c->out_list);
}

static void run_remove(struct sk_work *work)
{
    (void)!sk_tree_remove(sk_container_of(work, struct chore, work)->path, &work->err);
}

static void on_worked(struct sk_done *worked, const struct sk_err *err)
{
    struct chore *c = sk_container_of(worked, struct chore, worked);
    struct sk_done *done = c->done;

    free(c->path);
    free(c);
    sk_done_fire(done, err);
}

static void start(struct sk_loop *loop, char *path_take, struct sk_litter_list *out_list,
                  void (*run)(struct sk_work *work), struct sk_done *done)
{
    struct chore *c = sk_alloc(sizeof *c);

    *c = (struct chore){.path = path_take, .out_list = out_list, .done = done};
    sk_done_init(&c->worked, on_worked);
    sk_work_start(loop, &c->work, run, &c->worked);
}

void sk_folders_list(struct sk_loop *loop, const char *dir, struct sk_litter_list *out_list,
                     struct sk_done *done)
{
    *out_list = (struct sk_litter_list){0};
    start(loop, sk_strdup(dir), out_list, run_list, done);
}

void sk_folders_remove(struct sk_loop *loop, const char *dir, const char *name, struct sk_done *done)
{
    start(loop, sk_printf("%s/%s", dir, name), NULL, run_remove, done);
}
