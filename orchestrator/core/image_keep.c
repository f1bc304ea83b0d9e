#include "core/images_impl.h"

#include "core/sandbox_impl.h"

#include <string.h>

#define LOOK_EVERY SK_SEC(600)
#define LOOK_SOON  SK_SEC(5)
#define FULL       100 /* percent; also: never */

struct sk_keep_item {
    const char *name; /* in the rows */
    int64_t used_s;
};

static struct sk_node *node_of(const struct sk_image_keep *k)
{
    return k->images->node;
}

static int64_t now_s(const struct sk_image_keep *k)
{
    return sk_loop_wall(node_of(k)->loop).ns / 1000000000;
}

static bool minds_disk(const struct sk_image_keep *k)
{
    unsigned high = k->images->config.high_percent;
    return high > 0 && high < FULL;
}

static bool has_work(const struct sk_image_keep *k)
{
    return minds_disk(k) || k->images->config.unused.ns > 0;
}

static void on_timer(struct sk_timer *timer);

static void look_in(struct sk_image_keep *k, struct sk_duration after)
{
    struct sk_loop *loop = node_of(k)->loop;
    struct sk_instant at = sk_instant_add(sk_loop_now(loop), after);

    if (!node_of(k)->stopping && (!k->timer.slot || at.ns < k->timer.at.ns))
        sk_timer_start(loop, &k->timer, at, on_timer);
}

static void end_round(struct sk_image_keep *k)
{
    struct sk_node *node = node_of(k);

    k->busy = false;
    free(sk_take(k->items));
    sk_image_rows_fini(&k->rows);
    look_in(k, LOOK_EVERY);
    sk_node_unhold(node);
}

static void fail_round(struct sk_image_keep *k, const struct sk_err *err)
{
    if (!node_of(k)->away && !node_of(k)->stopping)
        sk_log_err(node_of(k)->log, SK_WARN, "image.collection_failed", err);
    end_round(k);
}

/* --- who may go ----------------------------------------------------------------------- */

struct name_set {
    struct sk_map map;
    struct sk_arena arena;
};

static void collect_used(struct sk_image_keep *k, struct name_set *used)
{
    char name[SK_REFERENCE_MAX];

    sk_map_init(&used->map);
    sk_list_each(&node_of(k)->live, link)
    {
        const struct sk_sandbox *s = sk_list_entry(link, struct sk_sandbox, live);
        if (sk_reference_normalise(s->record->spec.image, name, NULL) != SK_OK ||
            sk_map_find(&used->map, name))
            continue;
        sk_map_add(&used->map, sk_arena_alloc(&used->arena, sizeof(struct sk_map_node)),
                   sk_arena_strdup(&used->arena, name));
    }
}

static void name_set_fini(struct name_set *set)
{
    struct sk_map_node *node;

    while ((node = sk_map_any(&set->map)))
        sk_map_remove(&set->map, node);
    sk_map_fini(&set->map);
    sk_arena_fini(&set->arena);
}

/* A clock that was set back must not make an image the youngest for ever. */
static int64_t last_use(const struct sk_image_keep *k, const struct sk_image_row *row)
{
    int64_t last = sk_image_uses_last(&k->images->uses, row->name);

    last = row->used_s > last ? row->used_s : last;
    last = row->created_s > last ? row->created_s : last;
    return last < now_s(k) ? last : now_s(k);
}

static bool may_go(const struct sk_image_keep *k, const char *name)
{
    const struct sk_images *images = k->images;

    return !sk_image_prepull_has(&images->prepull, name) && !sk_pull_is_under_way(images, name) &&
           !sk_image_patterns_find(images->config.pinned, name);
}

static int by_use(const void *a, const void *b)
{
    const struct sk_keep_item *x = a, *y = b;
    return x->used_s != y->used_s ? (x->used_s < y->used_s ? -1 : 1) : strcmp(x->name, y->name);
}

static void choose(struct sk_image_keep *k)
{
    SK_CLEANUP(name_set_fini) struct name_set used = {0};

    collect_used(k, &used);
    k->items = sk_alloc((k->rows.len + 1) * sizeof(k->items[0]));
    k->count = k->at = 0;
    for (size_t i = 0; i < k->rows.len; i++) {
        const struct sk_image_row *row = &k->rows.items[i];
        if (strlen(row->name) >= SK_REFERENCE_MAX)
            continue; /* nobody can have asked us for it */
        if (sk_map_find(&used.map, row->name))
            sk_image_uses_note(&k->images->uses, row->name);
        else if (may_go(k, row->name))
            k->items[k->count++] = (struct sk_keep_item){row->name, last_use(k, row)};
    }
    qsort(k->items, k->count, sizeof(k->items[0]), by_use);
}

/* --- a round ---------------------------------------------------------------------------- */

static void go_on(struct sk_image_keep *k);

static void on_removed(struct sk_done *done, const struct sk_err *err)
{
    struct sk_image_keep *k = sk_container_of(done, struct sk_image_keep, done);
    const char *name = k->items[k->at++].name;

    /* NOT_FOUND, FAILED_PRECONDITION: somebody was faster. */
    if (err && err->code != SK_NOT_FOUND && err->code != SK_FAILED_PRECONDITION) {
        fail_round(k, err);
        return;
    }
    if (!err)
        sk_log(node_of(k)->log, SK_INFO, "image.collected", SK_STR("image", name),
               SK_STR("why", k->draining ? "the disk is full" : "unused"));
    go_on(k);
}

static void remove_next(struct sk_image_keep *k)
{
    sk_done_init(&k->done, on_removed);
    sk_images_remove(k->images, k->items[k->at].name, &k->done);
}

static int used_percent(const struct sk_disk_room *disk)
{
    if (disk->total_bytes <= 0)
        return 0;
    return (int)(FULL - (double)disk->free_bytes * FULL / (double)disk->total_bytes);
}

static void tell_full(struct sk_image_keep *k)
{
    if (!k->told_full)
        sk_log(node_of(k)->log, SK_WARN, "image.disk_full", SK_INT("percent", used_percent(&k->disk)),
               SK_STR("advice", "all images left are in use, pinned or pre-pulled"));
    k->told_full = true;
}

static void on_disk(struct sk_done *done, const struct sk_err *err)
{
    struct sk_image_keep *k = sk_container_of(done, struct sk_image_keep, done);
    const struct sk_images_config *config = &k->images->config;

    if (err && err->code == SK_UNIMPLEMENTED) {
        end_round(k); /* nobody knows which disk that is */
        return;
    }
    if (err) {
        fail_round(k, err);
        return;
    }
    k->draining = used_percent(&k->disk) > (int)(k->draining ? config->low_percent : config->high_percent);
    if (!k->draining)
        k->told_full = false;
    if (k->draining && k->at < k->count && !node_of(k)->stopping) {
        remove_next(k);
        return;
    }
    if (k->draining)
        tell_full(k);
    k->draining = false;
    end_round(k);
}

static bool is_aged(const struct sk_image_keep *k)
{
    int64_t unused_s = k->images->config.unused.ns / 1000000000;
    return unused_s > 0 && k->at < k->count && now_s(k) - k->items[k->at].used_s >= unused_s;
}

/* The least recently used are first, so those past their time are too. */
static void go_on(struct sk_image_keep *k)
{
    struct sk_image_driver *driver = k->images->driver;

    if (node_of(k)->stopping || (!is_aged(k) && !minds_disk(k))) {
        end_round(k);
    } else if (is_aged(k)) {
        remove_next(k);
    } else {
        sk_done_init(&k->done, on_disk);
        driver->ops->disk(driver, &k->disk, &k->done);
    }
}

static void on_listed(struct sk_done *done, const struct sk_err *err)
{
    struct sk_image_keep *k = sk_container_of(done, struct sk_image_keep, done);

    if (err) {
        fail_round(k, err);
        return;
    }
    choose(k);
    go_on(k);
}

static void look(struct sk_image_keep *k)
{
    struct sk_image_driver *driver = k->images->driver;

    if (k->busy)
        return; /* the round under way looks at the disk last */
    k->busy = true;
    k->draining = false;
    sk_node_hold(node_of(k));
    sk_done_init(&k->done, on_listed);
    driver->ops->list(driver, &k->rows, &k->done);
}

static void on_timer(struct sk_timer *timer)
{
    look(sk_container_of(timer, struct sk_image_keep, timer));
}

/* --- life --------------------------------------------------------------------------------- */

void sk_image_keep_init(struct sk_image_keep *k, struct sk_images *images)
{
    k->images = images;
}

void sk_image_keep_fini(struct sk_image_keep *k)
{
    sk_image_rows_fini(&k->rows);
}

void sk_image_keep_start(struct sk_image_keep *k)
{
    k->started = has_work(k);
    if (k->started)
        look(k);
}

void sk_image_keep_stop(struct sk_image_keep *k)
{
    sk_timer_stop(node_of(k)->loop, &k->timer);
    if (k->busy)
        sk_done_cancel(&k->done);
}

void sk_image_keep_soon(struct sk_image_keep *k)
{
    if (k->started && minds_disk(k))
        look_in(k, LOOK_SOON);
}
