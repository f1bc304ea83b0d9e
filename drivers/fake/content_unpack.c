/* content_unpack.c: layers of the fake image store: sizes and names, no files. */
#include "drivers/fake/content_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static enum sk_code find_snapshot(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    struct sk_fake_thing *thing = sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_SNAPSHOT, ask->key);
    enum sk_code code = thing ? sk_fake_shelf_hold(&ask->fake->shelf, thing, ask->lease, err) : SK_OK;

    if (code == SK_OK)
        *(bool *)call->out = thing != NULL;
    return code;
}

void sk_fake_find_snapshot(struct sk_content *base, const char *lease, const char *chain, bool *out_found,
                           struct sk_done *done)
{
    sk_fake_ask_start(sk_fake_ask_new(sk_fake_content_of(base), lease, chain), "content.find_snapshot",
                      &(struct sk_fake_call){.out = out_found, .asks = true, .effect = find_snapshot}, done);
}

static bool is_plain(const char *media_type)
{
    size_t len = strlen(media_type);

    return len >= 4 && strcmp(media_type + len - 4, ".tar") == 0;
}

/* What keeps this layer from being unpacked. */
static enum sk_code check(const struct sk_fake_ask *ask, struct sk_err *err)
{
    const struct sk_unpack_ask *unpack = &ask->unpack;
    const struct sk_fake_thing *blob =
        sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_BLOB, unpack->layer.digest);

    if (!blob)
        return sk_fail(err, SK_NOT_FOUND, "layer %s is not there", unpack->layer.digest);
    if (unpack->parent && *unpack->parent &&
        !sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_SNAPSHOT, unpack->parent))
        return sk_fail(err, SK_NOT_FOUND, "the layers below %s are not there", unpack->chain);
    if (is_plain(unpack->layer.media_type) && strcmp(unpack->layer.digest, unpack->diff_id) != 0)
        return sk_fail(err, SK_FAILED_PRECONDITION, "layer %s is not what its image says",
                       unpack->layer.digest);
    if ((int64_t)blob->bytes.len * ask->fake->swell > unpack->max_bytes)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "layer %s is too large", unpack->layer.digest);
    return SK_OK;
}

static enum sk_code unpack_layer(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    enum sk_code code = check(ask, err);

    if (code != SK_OK)
        return code;
    int64_t bytes = ask->fake->swell * ask->unpack.layer.size;
    sk_fake_content_add_snapshot(ask->fake, ask->unpack.chain, ask->unpack.parent, bytes);
    if (ask->unpack.out_bytes)
        *ask->unpack.out_bytes = bytes;
    struct sk_fake_thing *made = sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_SNAPSHOT, ask->unpack.chain);
    return sk_fake_shelf_hold(&ask->fake->shelf, made, ask->lease, err);
}

static struct sk_fake_ask *unpack_ask_new(struct sk_content *base, const struct sk_unpack_ask *ask)
{
    struct sk_fake_ask *made = sk_fake_ask_new(sk_fake_content_of(base), ask->lease, NULL);

    made->unpack = *ask;
    made->unpack.diff_id = sk_arena_strdup(&made->arena, ask->diff_id);
    made->unpack.parent = sk_arena_strdup(&made->arena, ask->parent);
    made->unpack.chain = sk_arena_strdup(&made->arena, ask->chain);
    return made;
}

void sk_fake_unpack(struct sk_content *base, const struct sk_unpack_ask *ask, struct sk_done *done)
{
    struct sk_fake_ask *made = unpack_ask_new(base, ask);

    if (ask->ahead_take) {
        made->ahead = sk_container_of(ask->ahead_take, struct sk_fake_ahead, base);
        assert(strcmp(made->ahead->chain, ask->chain) == 0);
    }
    sk_fake_ask_start(made, "content.unpack", &(struct sk_fake_call){.effect = unpack_layer}, done);
}

/* --- ahead ----------------------------------------------------------------------- */

void sk_fake_ahead_free(struct sk_fake_ahead *ahead)
{
    if (ahead)
        sk_fake_content_of(ahead->base.content)->aheads--;
    free(ahead);
}

static enum sk_code unpack_ahead(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    enum sk_code code = check(ask, err);

    if (code != SK_OK)
        return code;
    struct sk_fake_ahead *ahead = sk_alloc(sizeof(*ahead));
    ahead->base.content = &ask->fake->base;
    (void)snprintf(ahead->chain, sizeof(ahead->chain), "%s", ask->unpack.chain);
    ask->fake->aheads++;
    *(struct sk_ahead **)call->out = &ahead->base;
    return SK_OK;
}

void sk_fake_unpack_ahead(struct sk_content *base, const struct sk_unpack_ask *ask, struct sk_ahead **out,
                          struct sk_done *done)
{
    struct sk_fake_ask *made = unpack_ask_new(base, ask);

    made->unpack.parent = NULL;
    *out = NULL;
    sk_fake_ask_start(made, "content.unpack_ahead",
                      &(struct sk_fake_call){.out = out, .asks = true, .effect = unpack_ahead}, done);
}

static enum sk_code drop_ahead(struct sk_fake_call *call, struct sk_err *err)
{
    (void)call;
    (void)err;
    return SK_OK;
}

void sk_fake_drop_ahead(struct sk_ahead *ahead_take, struct sk_done *done)
{
    struct sk_fake_ask *made = sk_fake_ask_new(sk_fake_content_of(ahead_take->content), NULL, NULL);

    made->ahead = sk_container_of(ahead_take, struct sk_fake_ahead, base);
    sk_fake_ask_start(made, "content.drop_ahead", &(struct sk_fake_call){.effect = drop_ahead}, done);
}

/* --- how large -------------------------------------------------------------------- */

static enum sk_code measure(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    const struct sk_fake_thing *at = sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_SNAPSHOT, ask->key);
    int64_t bytes = 0;

    (void)err;
    while (at && strcmp(at->key, ask->above) != 0) {
        bytes += at->size;
        at = at->parent ? sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_SNAPSHOT, at->parent) : NULL;
    }
    *(int64_t *)call->out = bytes;
    return SK_OK;
}

void sk_fake_measure(struct sk_content *base, const char *chain, const char *above, int64_t *out_bytes,
                     struct sk_done *done)
{
    struct sk_fake_ask *made = sk_fake_ask_new(sk_fake_content_of(base), NULL, chain);

    made->above = sk_arena_strdup(&made->arena, above);
    sk_fake_ask_start(made, "content.measure",
                      &(struct sk_fake_call){.out = out_bytes, .asks = true, .effect = measure}, done);
}
