#include "drivers/fake/content_impl.h"

#include <assert.h>
#include <string.h>

struct sk_fake_content *sk_fake_content_of(struct sk_content *base)
{
    return sk_container_of(base, struct sk_fake_content, base);
}

struct sk_fake_ask *sk_fake_ask_new(struct sk_fake_content *fake, const char *lease, const char *key)
{
    struct sk_fake_ask *ask = sk_alloc(sizeof(*ask));

    ask->fake = fake;
    ask->lease = sk_arena_strdup(&ask->arena, lease);
    ask->key = sk_arena_strdup(&ask->arena, key);
    return ask;
}

static void drop(struct sk_fake_call *call)
{
    struct sk_fake_ask *ask = (struct sk_fake_ask *)call->args;

    sk_fake_ahead_free(ask->ahead);
    sk_arena_fini(&ask->arena);
    free(ask);
}

void sk_fake_ask_start(struct sk_fake_ask *ask_take, const char *name, const struct sk_fake_call *call,
                       struct sk_done *done)
{
    struct sk_fake_call made = *call;

    made.args = ask_take;
    made.drop = drop;
    sk_fake_call(&ask_take->fake->calls, name, &made, done);
}

/* --- leases --------------------------------------------------------------------- */

static enum sk_code hold(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    struct sk_fake_thing *lease = sk_fake_shelf_put(&ask->fake->shelf, SK_FAKE_LEASE, ask->key);

    (void)err;
    lease->is_used = true;
    lease->until.ns = sk_loop_wall(ask->fake->calls.loop).ns + SK_FAKE_LASTS.ns;
    return SK_OK;
}

static void op_hold(struct sk_content *base, const char *lease, struct sk_done *done)
{
    sk_fake_ask_start(sk_fake_ask_new(sk_fake_content_of(base), NULL, lease), "content.hold",
                      &(struct sk_fake_call){.effect = hold}, done);
}

static enum sk_code let_go(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;

    (void)err;
    sk_fake_shelf_remove(sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_LEASE, ask->key));
    sk_fake_content_collect(ask->fake);
    return SK_OK;
}

static void op_let_go(struct sk_content *base, const char *lease, struct sk_done *done)
{
    sk_fake_ask_start(sk_fake_ask_new(sk_fake_content_of(base), NULL, lease), "content.let_go",
                      &(struct sk_fake_call){.effect = let_go}, done);
}

/* --- blobs that are there ----------------------------------------------------------- */

static enum sk_code find_blob(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    struct sk_fake_thing *blob = sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_BLOB, ask->key);
    enum sk_code code = blob ? sk_fake_shelf_hold(&ask->fake->shelf, blob, ask->lease, err) : SK_OK;

    if (code == SK_OK)
        *(int64_t *)call->out = blob ? (int64_t)blob->bytes.len : -1;
    return code;
}

static void op_find_blob(struct sk_content *base, const char *lease, const char *digest, int64_t *out_size,
                         struct sk_done *done)
{
    sk_fake_ask_start(sk_fake_ask_new(sk_fake_content_of(base), lease, digest), "content.find_blob",
                      &(struct sk_fake_call){.out = out_size, .asks = true, .effect = find_blob}, done);
}

static enum sk_code read_blob(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    const struct sk_fake_thing *blob = sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_BLOB, ask->key);

    if (!blob)
        return sk_fail(err, SK_NOT_FOUND, "blob %s is not there", ask->key);
    if (sk_buf_append(call->out, blob->bytes.data, blob->bytes.len) != SK_OK)
        return sk_fail(err, SK_FAILED_PRECONDITION, "blob %s is too long", ask->key);
    return SK_OK;
}

static void op_read_blob(struct sk_content *base, const char *digest, struct sk_buf *out,
                         struct sk_done *done)
{
    sk_fake_ask_start(sk_fake_ask_new(sk_fake_content_of(base), NULL, digest), "content.read_blob",
                      &(struct sk_fake_call){.out = out, .asks = true, .effect = read_blob}, done);
}

static const struct sk_content_ref *copy_refs(struct sk_arena *arena, const struct sk_content_ref *refs,
                                              size_t count)
{
    struct sk_content_ref *copy = sk_arena_alloc(arena, (count + 1) * sizeof(*copy));

    for (size_t i = 0; i < count; i++)
        copy[i] = (struct sk_content_ref){.is_snapshot = refs[i].is_snapshot,
                                          .name = sk_arena_strdup(arena, refs[i].name),
                                          .target = sk_arena_strdup(arena, refs[i].target)};
    return copy;
}

static enum sk_code set_refs(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    struct sk_fake_thing *blob = sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_BLOB, ask->key);

    if (!blob)
        return sk_fail(err, SK_NOT_FOUND, "blob %s is not there", ask->key);
    enum sk_code code = sk_fake_shelf_hold(&ask->fake->shelf, blob, ask->lease, err);
    if (code != SK_OK)
        return code;
    sk_arena_fini(&blob->arena);
    blob->refs = copy_refs(&blob->arena, ask->refs, ask->len);
    blob->ref_count = ask->len;
    return SK_OK;
}

static void op_set_refs(struct sk_content *base, const char *lease, const char *digest,
                        const struct sk_content_ref *refs, size_t count, struct sk_done *done)
{
    struct sk_fake_ask *ask = sk_fake_ask_new(sk_fake_content_of(base), lease, digest);

    ask->refs = copy_refs(&ask->arena, refs, count);
    ask->len = count;
    sk_fake_ask_start(ask, "content.set_refs", &(struct sk_fake_call){.effect = set_refs}, done);
}

/* --- the disk, and litter ------------------------------------------------------------ */

static enum sk_code disk(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;

    (void)err;
    *(struct sk_disk_room *)call->out = ask->fake->disk;
    return SK_OK;
}

static void op_disk(struct sk_content *base, struct sk_disk_room *out, struct sk_done *done)
{
    sk_fake_ask_start(sk_fake_ask_new(sk_fake_content_of(base), NULL, NULL), "content.disk",
                      &(struct sk_fake_call){.out = out, .asks = true, .effect = disk}, done);
}

static bool is_held(const struct sk_fake_content *fake, const struct sk_fake_thing *lease)
{
    int64_t left = lease->until.ns - sk_loop_wall(fake->calls.loop).ns;
    return lease->is_used && left > SK_FAKE_LASTS.ns - SK_FAKE_HELD.ns;
}

/* NULL = it is none. */
static const char *litter_kind(const struct sk_fake_content *fake, const struct sk_fake_thing *thing)
{
    if (thing->kind == SK_FAKE_LEASE)
        return is_held(fake, thing) ? NULL : "image lease";
    return thing->kind == SK_FAKE_WRITE && !thing->is_used ? "image write" : NULL;
}

static bool is_resumable(const struct sk_fake_content *fake, const struct sk_fake_thing *thing)
{
    sk_list_each(&thing->holds, link)
    {
        const char *lease = sk_list_entry(link, struct sk_fake_hold, link)->lease;
        const struct sk_fake_thing *held = sk_fake_shelf_find(&fake->shelf, SK_FAKE_LEASE, lease);
        if (held && is_held(fake, held))
            return true;
    }
    return false;
}

static enum sk_code list_litter(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    struct sk_litter_list *out = call->out;

    (void)err;
    *out = (struct sk_litter_list){0};
    sk_list_each(&ask->fake->shelf.things, link)
    {
        const struct sk_fake_thing *thing = sk_list_entry(link, struct sk_fake_thing, link);
        const char *kind = litter_kind(ask->fake, thing);
        if (kind && !is_resumable(ask->fake, thing))
            sk_litter_add(out, kind, thing->key, true);
    }
    return SK_OK;
}

static void op_list_litter(struct sk_content *base, struct sk_litter_list *out, struct sk_done *done)
{
    sk_fake_ask_start(sk_fake_ask_new(sk_fake_content_of(base), NULL, NULL), "content.list_litter",
                      &(struct sk_fake_call){.out = out, .asks = true, .effect = list_litter}, done);
}

static enum sk_code remove_litter(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;

    (void)err;
    sk_list_each(&ask->fake->shelf.things, link)
    {
        struct sk_fake_thing *thing = sk_list_entry(link, struct sk_fake_thing, link);
        const char *kind = litter_kind(ask->fake, thing);
        if (kind && strcmp(kind, ask->puller) == 0 && strcmp(thing->key, ask->key) == 0)
            sk_fake_shelf_remove(thing);
    }
    sk_fake_content_collect(ask->fake);
    return SK_OK;
}

static void op_remove_litter(struct sk_content *base, const struct sk_litter *litter, struct sk_done *done)
{
    struct sk_fake_ask *ask = sk_fake_ask_new(sk_fake_content_of(base), NULL, litter->name);

    ask->puller = litter->kind; /* static */
    sk_fake_ask_start(ask, "content.remove_litter", &(struct sk_fake_call){.effect = remove_litter}, done);
}

static const struct sk_content_ops ops = {
    .hold = op_hold,
    .let_go = op_let_go,
    .find_blob = op_find_blob,
    .read_blob = op_read_blob,
    .open_blob = sk_fake_open_blob,
    .write = sk_fake_write,
    .commit = sk_fake_commit_blob,
    .close = sk_fake_close,
    .set_refs = op_set_refs,
    .find_image = sk_fake_find_image,
    .list_images = sk_fake_list_images,
    .put_image = sk_fake_put_image,
    .touch_image = sk_fake_touch_image,
    .remove_image = sk_fake_remove_image,
    .find_snapshot = sk_fake_find_snapshot,
    .unpack = sk_fake_unpack,
    .unpack_ahead = sk_fake_unpack_ahead,
    .drop_ahead = sk_fake_drop_ahead,
    .measure = sk_fake_measure,
    .disk = op_disk,
    .list_litter = op_list_litter,
    .remove_litter = op_remove_litter,
};

/* --- what tests do with it -------------------------------------------------------------- */

struct sk_fake_content *sk_fake_content_new(struct sk_loop *loop)
{
    struct sk_fake_content *fake = sk_alloc(sizeof(*fake));

    fake->base.ops = &ops;
    fake->swell = 1;
    fake->disk = (struct sk_disk_room){INT64_C(1) << 40, INT64_C(1) << 39};
    sk_fake_calls_init(&fake->calls, loop);
    sk_fake_shelf_init(&fake->shelf);
    return fake;
}

void sk_fake_content_free(struct sk_fake_content *fake)
{
    if (!fake)
        return;
    assert(fake->writers == 0 && fake->aheads == 0);
    sk_fake_calls_fini(&fake->calls);
    sk_fake_shelf_fini(&fake->shelf);
    free(fake);
}

struct sk_content *sk_fake_content_base(struct sk_fake_content *fake)
{
    return &fake->base;
}

struct sk_fake_calls *sk_fake_content_calls(struct sk_fake_content *fake)
{
    return &fake->calls;
}

size_t sk_fake_content_count(const struct sk_fake_content *fake, enum sk_fake_kind kind)
{
    return sk_fake_shelf_count(&fake->shelf, kind);
}

const struct sk_fake_thing *sk_fake_content_find(const struct sk_fake_content *fake, enum sk_fake_kind kind,
                                                 const char *key)
{
    return sk_fake_shelf_find(&fake->shelf, kind, key);
}

size_t sk_fake_content_writers(const struct sk_fake_content *fake)
{
    return fake->writers;
}

size_t sk_fake_content_aheads(const struct sk_fake_content *fake)
{
    return fake->aheads;
}

void sk_fake_content_add_blob(struct sk_fake_content *fake, const void *data, size_t len,
                              char out_digest[SK_DIGEST_SIZE])
{
    sk_digest_of(data, len, out_digest);
    struct sk_fake_thing *blob = sk_fake_shelf_put(&fake->shelf, SK_FAKE_BLOB, out_digest);
    sk_buf_fini(&blob->bytes);
    sk_buf_init(&blob->bytes, len);
    (void)!sk_buf_append(&blob->bytes, data, len);
}

void sk_fake_content_add_snapshot(struct sk_fake_content *fake, const char *chain, const char *parent,
                                  int64_t bytes)
{
    struct sk_fake_thing *snapshot = sk_fake_shelf_put(&fake->shelf, SK_FAKE_SNAPSHOT, chain);

    snapshot->parent = *parent ? sk_arena_strdup(&snapshot->arena, parent) : NULL;
    snapshot->size = bytes;
}

void sk_fake_content_swell(struct sk_fake_content *fake, int64_t times)
{
    fake->swell = times;
}

void sk_fake_content_set_disk(struct sk_fake_content *fake, int64_t total_bytes, int64_t free_bytes)
{
    fake->disk = (struct sk_disk_room){total_bytes, free_bytes};
}

void sk_fake_content_restart(struct sk_fake_content *fake)
{
    assert(fake->writers == 0 && fake->aheads == 0);
    sk_list_each(&fake->shelf.things, link) sk_list_entry(link, struct sk_fake_thing, link)->is_used = false;
}

void sk_fake_content_collect(struct sk_fake_content *fake)
{
    sk_fake_shelf_collect(&fake->shelf, sk_loop_wall(fake->calls.loop));
}
