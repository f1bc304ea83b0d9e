#include "drivers/fake/image_impl.h"

#include <assert.h>

static const char *const PATH_ENV[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", NULL};
static const char *const SHELL_CMD[] = {"/bin/sh", NULL};

#define DISK_TOTAL (INT64_C(100) << 30)

static void call(struct sk_fake_images *images, const char *name, const struct sk_fake_call *how,
                 struct sk_done *done)
{
    sk_fake_call(&images->calls, name, how, done);
}

static enum sk_code not_here(const char *name, struct sk_err *err)
{
    return sk_fail(err, SK_NOT_FOUND, "image %s is not on this node", name);
}

/* Calls may be answered long after the text that came with them has gone. */
static void drop_id(struct sk_fake_call *c)
{
    free((char *)(uintptr_t)c->id);
}

static void call_on_name(struct sk_image_driver *base, const char *name, struct sk_fake_call *how,
                         const char *what, struct sk_done *done)
{
    how->target = sk_fake_images_of(base);
    how->id = sk_strdup(name);
    how->drop = drop_id;
    call(how->target, what, how, done);
}

/* --- looking ------------------------------------------------------------------------ */

static enum sk_code find(struct sk_fake_call *c, struct sk_err *err)
{
    const struct sk_fake_images *images = c->target;
    const struct sk_fake_entry *entry;
    char name[SK_REFERENCE_MAX];
    enum sk_code code = sk_reference_normalise(c->id, name, err);

    if (code != SK_OK)
        return code;
    entry = sk_fake_entry_find(&images->local, name);
    if (!entry)
        return not_here(name, err);
    *(struct sk_image **)c->out = sk_fake_entry_describe(entry);
    return SK_OK;
}

static void op_find(struct sk_image_driver *base, const char *name, struct sk_image **out_image,
                    struct sk_done *done)
{
    struct sk_fake_call how = {.out = out_image, .asks = true, .effect = find};
    call_on_name(base, name, &how, "image.find", done);
}

static enum sk_code list(struct sk_fake_call *c, struct sk_err *err)
{
    const struct sk_fake_images *images = c->target;
    struct sk_image_rows *out = c->out;
    size_t count = 0;

    (void)err;
    sk_list_each(&images->local, link) count++;
    out->items = sk_arena_alloc(&out->arena, (count + 1) * sizeof(out->items[0]));
    sk_list_each(&images->local, at) sk_fake_entry_row(sk_list_entry(at, struct sk_fake_entry, link),
                                                       &out->arena, &out->items[out->len++]);
    return SK_OK;
}

static void op_list(struct sk_image_driver *base, struct sk_image_rows *out, struct sk_done *done)
{
    struct sk_fake_images *images = sk_fake_images_of(base);
    const struct sk_fake_call how = {.target = images, .out = out, .asks = true, .effect = list};

    *out = (struct sk_image_rows){0};
    call(images, "image.list", &how, done);
}

static enum sk_code inspect(struct sk_fake_call *c, struct sk_err *err)
{
    const struct sk_fake_images *images = c->target;
    const struct sk_fake_entry *entry = sk_fake_entry_find(&images->local, c->id);
    struct sk_image_rows *out = c->out;

    if (!entry)
        return not_here(c->id, err);
    out->items = sk_arena_alloc(&out->arena, sizeof(out->items[0]));
    out->len = 1;
    sk_fake_entry_row(entry, &out->arena, out->items);
    return SK_OK;
}

static void op_inspect(struct sk_image_driver *base, const char *name, struct sk_image_rows *out_row,
                       struct sk_done *done)
{
    struct sk_fake_call how = {.out = out_row, .asks = true, .effect = inspect};

    *out_row = (struct sk_image_rows){0};
    call_on_name(base, name, &how, "image.inspect", done);
}

/* --- keeping -------------------------------------------------------------------------- */

static enum sk_code remove_name(struct sk_fake_call *c, struct sk_err *err)
{
    struct sk_fake_images *images = c->target;

    (void)err;
    sk_fake_entry_remove(sk_fake_entry_find(&images->local, c->id));
    return SK_OK;
}

static void op_remove(struct sk_image_driver *base, const char *name, struct sk_done *done)
{
    struct sk_fake_call how = {.effect = remove_name};
    call_on_name(base, name, &how, "image.remove", done);
}

struct touch {
    char *name;
    int64_t now_s;
};

static enum sk_code touch(struct sk_fake_call *c, struct sk_err *err)
{
    const struct touch *args = c->args;
    const struct sk_fake_images *images = c->target;
    struct sk_fake_entry *entry = sk_fake_entry_find(&images->local, args->name);

    (void)err;
    if (entry)
        entry->used_s = args->now_s;
    return SK_OK;
}

static void drop_touch(struct sk_fake_call *c)
{
    struct touch *args = (void *)(uintptr_t)c->args;

    free(args->name);
    free(args);
}

static void op_touch(struct sk_image_driver *base, const char *name, int64_t now_s, struct sk_done *done)
{
    const struct touch args = {.name = sk_strdup(name), .now_s = now_s};
    const struct sk_fake_call how = {.target = sk_fake_images_of(base),
                                     .args = sk_memdup(&args, sizeof(args)),
                                     .effect = touch,
                                     .drop = drop_touch};
    call(how.target, "image.touch", &how, done);
}

static enum sk_code disk(struct sk_fake_call *c, struct sk_err *err)
{
    const struct sk_fake_images *images = c->target;
    struct sk_disk_room *out = c->out;

    (void)err;
    *out = (struct sk_disk_room){images->disk_total, images->disk_total - images->disk_other};
    sk_list_each(&images->local, link) out->free_bytes -=
        sk_list_entry(link, struct sk_fake_entry, link)->image.bytes;
    return SK_OK;
}

static void op_disk(struct sk_image_driver *base, struct sk_disk_room *out, struct sk_done *done)
{
    struct sk_fake_images *images = sk_fake_images_of(base);
    const struct sk_fake_call how = {.target = images, .out = out, .asks = true, .effect = disk};

    call(images, "image.disk", &how, done);
}

/* --- litter ---------------------------------------------------------------------------- */

static enum sk_code list_litter(struct sk_fake_call *c, struct sk_err *err)
{
    const struct sk_fake_images *images = c->target;

    (void)err;
    for (size_t i = 0; i < images->litter.len; i++)
        sk_litter_add(c->out, images->litter.items[i].kind, images->litter.items[i].name, true);
    return SK_OK;
}

static void op_list_litter(struct sk_image_driver *base, struct sk_litter_list *out, struct sk_done *done)
{
    struct sk_fake_images *images = sk_fake_images_of(base);
    const struct sk_fake_call how = {.target = images, .out = out, .asks = true, .effect = list_litter};

    call(images, "image.list_litter", &how, done);
}

static enum sk_code remove_litter(struct sk_fake_call *c, struct sk_err *err)
{
    struct sk_fake_images *images = c->target;
    struct sk_litter_list *litter = &images->litter;

    (void)err;
    for (size_t i = 0; i < litter->len; i++) {
        if (strcmp(litter->items[i].name, c->id) != 0)
            continue;
        litter->items[i] = litter->items[--litter->len];
        break;
    }
    return SK_OK;
}

static void op_remove_litter(struct sk_image_driver *base, const struct sk_litter *litter,
                             struct sk_done *done)
{
    struct sk_fake_call how = {.effect = remove_litter};
    call_on_name(base, litter->name, &how, "image.remove_litter", done);
}

static const struct sk_image_ops ops = {
    .find = op_find,
    .pull = sk_fake_pull,
    .list = op_list,
    .inspect = op_inspect,
    .remove = op_remove,
    .touch = op_touch,
    .disk = op_disk,
    .import_open = sk_fake_import_open,
    .import_blob = sk_fake_import_blob,
    .import_write = sk_fake_import_write,
    .import_commit = sk_fake_import_commit,
    .import_finish = sk_fake_import_finish,
    .import_close = sk_fake_import_close,
    .list_litter = op_list_litter,
    .remove_litter = op_remove_litter,
};

/* --- life --------------------------------------------------------------------------------- */

struct sk_fake_images *sk_fake_images_new(struct sk_loop *loop)
{
    struct sk_fake_images *images = sk_alloc(sizeof(*images));

    images->base.ops = &ops;
    images->disk_total = DISK_TOTAL;
    sk_list_init(&images->local);
    sk_list_init(&images->remote);
    sk_list_init(&images->pulls);
    sk_fake_calls_init(&images->calls, loop);
    sk_fake_images_add(
        images,
        &(struct sk_fake_image){.name = "docker.io/library/python:3.11", .cmd = SHELL_CMD, .env = PATH_ENV});
    sk_fake_images_add(images, &(struct sk_fake_image){
                                   .name = "docker.io/library/alpine:3", .cmd = SHELL_CMD, .env = PATH_ENV});
    return images;
}

static void drop_all(struct sk_list *entries)
{
    sk_list_each(entries, link) sk_fake_entry_remove(sk_list_entry(link, struct sk_fake_entry, link));
}

void sk_fake_images_free(struct sk_fake_images *images)
{
    if (!images)
        return;
    assert(sk_list_is_empty(&images->pulls));
    sk_fake_calls_fini(&images->calls);
    drop_all(&images->local);
    drop_all(&images->remote);
    free(images->litter.items);
    free(images);
}

struct sk_image_driver *sk_fake_images_base(struct sk_fake_images *images)
{
    return &images->base;
}

struct sk_fake_calls *sk_fake_images_calls(struct sk_fake_images *images)
{
    return &images->calls;
}

/* --- what tests make happen ------------------------------------------------------------------ */

void sk_fake_images_add(struct sk_fake_images *images, const struct sk_fake_image *image)
{
    struct sk_fake_entry *entry = sk_fake_entry_put(&images->local, image);

    entry->created_s = sk_loop_wall(images->calls.loop).ns / 1000000000;
}

void sk_fake_images_publish(struct sk_fake_images *images, const struct sk_fake_image *image)
{
    (void)sk_fake_entry_put(&images->remote, image);
}

void sk_fake_images_cut(struct sk_fake_images *images, bool cut)
{
    images->cut = cut;
}

void sk_fake_images_pace(struct sk_fake_images *images, struct sk_duration layer)
{
    images->pace = layer;
}

void sk_fake_images_set_disk(struct sk_fake_images *images, int64_t total, int64_t other)
{
    images->disk_total = total;
    images->disk_other = other;
}

void sk_fake_images_litter(struct sk_fake_images *images, const char *kind, const char *name)
{
    sk_litter_add(&images->litter, kind, name, true);
}

bool sk_fake_images_has(const struct sk_fake_images *images, const char *name)
{
    return sk_fake_entry_find(&images->local, name);
}

int64_t sk_fake_images_used_s(const struct sk_fake_images *images, const char *name)
{
    const struct sk_fake_entry *entry = sk_fake_entry_find(&images->local, name);
    return entry ? entry->used_s : -1;
}

void sk_fake_images_set_used_s(struct sk_fake_images *images, const char *name, int64_t used_s)
{
    struct sk_fake_entry *entry = sk_fake_entry_find(&images->local, name);

    assert(entry);
    entry->used_s = entry->created_s = used_s;
}

size_t sk_fake_images_pulls(const struct sk_fake_images *images)
{
    return images->pull_count;
}

size_t sk_fake_images_pulling(const struct sk_fake_images *images)
{
    size_t count = 0;

    sk_list_each(&images->pulls, link) count++;
    return count;
}

size_t sk_fake_images_litter_count(const struct sk_fake_images *images)
{
    return images->litter.len;
}
