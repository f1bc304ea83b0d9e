#include "core/log_shelf.h"

#include "core/node_impl.h"
#include "loop/work.h"
#include "store/journal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* So many names are looked at in one go; the rest waits for the next start. */
#define NAMES_MAX 100000

struct drop {
    struct sk_node *node;
    struct sk_done done;
    char id[SK_ID_MAX + 1];
};

struct tidy {
    struct sk_node *node;
    struct sk_work work;
    struct sk_done done;
    char *path;
    char **names;
    size_t len, at;
    struct sk_done removed;
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

/* --- at the start ---------------------------------------------------------- */

static void list_names(struct sk_work *work)
{
    struct tidy *t = sk_container_of(work, struct tidy, work);
    DIR *dir = opendir(t->path);
    const struct dirent *entry;

    if (!dir) {
        (void)sk_fail_sys(&work->err, SK_INTERNAL, errno, "open %s", t->path);
        return;
    }
    t->names = sk_alloc(NAMES_MAX * sizeof(t->names[0]));
    while (t->len < NAMES_MAX && (entry = readdir(dir))) {
        if (sk_id_is_valid(entry->d_name))
            t->names[t->len++] = sk_strdup(entry->d_name);
    }
    (void)closedir(dir);
}

static void finish(struct tidy *t)
{
    struct sk_node *node = t->node;

    for (size_t i = 0; i < t->len; i++)
        free(t->names[i]);
    free(t->names);
    free(t->path);
    free(t);
    sk_node_unhold(node);
}

static void drop_next(struct tidy *t);

static void on_removed(struct sk_done *done, const struct sk_err *err)
{
    struct tidy *t = sk_container_of(done, struct tidy, removed);

    if (err)
        sk_log_err(t->node->log, SK_WARN, "log.not_removed", err, SK_STR("sandbox", t->names[t->at]));
    else
        sk_log(t->node->log, SK_INFO, "log.removed", SK_STR("sandbox", t->names[t->at]));
    t->at++;
    drop_next(t);
}

/* One after the other: there may be many, and others wait for the disk. */
static void drop_next(struct tidy *t)
{
    while (t->at < t->len && sk_node_find_any(t->node, t->names[t->at]))
        t->at++;
    if (t->at == t->len || t->node->stopping) {
        finish(t);
        return;
    }
    sk_done_init(&t->removed, on_removed);
    sk_log_shelf_remove(t->node, t->names[t->at], &t->removed);
}

static void on_listed(struct sk_done *done, const struct sk_err *err)
{
    struct tidy *t = sk_container_of(done, struct tidy, done);

    if (err)
        sk_log_err(t->node->log, SK_WARN, "log.not_listed", err);
    drop_next(t);
}

void sk_log_shelf_tidy(struct sk_node *node)
{
    struct tidy *t = sk_alloc(sizeof(*t));

    t->node = node;
    t->path = sk_strdup(node->config.log_dir);
    sk_node_hold(node);
    sk_done_init(&t->done, on_listed);
    sk_work_start(node->loop, &t->work, list_names, &t->done);
}
