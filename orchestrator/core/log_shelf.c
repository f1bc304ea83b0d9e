#include "core/log_shelf.h"

#include "base/tree.h"
#include "core/node_impl.h"
#include "loop/work.h"
#include "store/journal.h"

#include <stdio.h>

struct drop {
    struct sk_node *node;
    struct sk_done done;
    char id[SK_ID_MAX + 1];
};

struct listing {
    struct sk_node *node;
    struct sk_work work;
    struct sk_litter_list *out_list;
    struct sk_done listed;
    struct sk_done *done;
};

char *sk_log_shelf_path(const struct sk_node *node, const char *id)
{
    return sk_printf("%s/%s", node->config.log_dir, id);
}

void sk_log_shelf_remove(struct sk_node *node, const char *id, struct sk_done *done)
{
    SK_AUTO_FREE char *path = sk_log_shelf_path(node, id);

    sk_journal_remove(node->loop, path, done);
}

static void on_dropped(struct sk_done *done, const struct sk_err *err)
{
    struct drop *d = sk_container_of(done, struct drop, done);
    struct sk_node *node = d->node;

    if (err)
        sk_log_err(node->log, SK_WARN, "log.not_removed", err, SK_STR("sandbox", d->id));
    free(d);
    sk_node_unhold(node);
}

void sk_log_shelf_drop(struct sk_node *node, const char *id)
{
    struct drop *d = sk_alloc(sizeof(*d));

    d->node = node;
    (void)snprintf(d->id, sizeof(d->id), "%s", id);
    sk_node_hold(node);
    sk_done_init(&d->done, on_dropped);
    sk_log_shelf_remove(node, id, &d->done);
}

/* --- what nobody owns ------------------------------------------------------ */

static void add(void *arg, const char *name)
{
    sk_litter_add(arg, "log folder", name, false);
}

static void run_list(struct sk_work *work)
{
    struct listing *l = sk_container_of(work, struct listing, work);
    sk_tree_each_folder(l->node->config.log_dir, add, l->out_list);
}

static void on_listed(struct sk_done *listed, const struct sk_err *err)
{
    struct listing *l = sk_container_of(listed, struct listing, listed);
    struct sk_done *done = l->done;

    free(l);
    sk_done_fire(done, err);
}

void sk_log_shelf_list(struct sk_node *node, struct sk_litter_list *out_list, struct sk_done *done)
{
    struct listing *l = sk_alloc(sizeof(*l));

    *out_list = (struct sk_litter_list){0};
    *l = (struct listing){.node = node, .out_list = out_list, .done = done};
    sk_done_init(&l->listed, on_listed);
    sk_work_start(node->loop, &l->work, run_list, &l->listed);
}
