/* content_images.c: the names of the fake image store. */
#include "drivers/fake/content_impl.h"

static struct sk_stored_image copy_of(const struct sk_fake_thing *thing, struct sk_arena *arena)
{
    struct sk_stored_image image = thing->image;

    image.name = sk_arena_strdup(arena, thing->key);
    image.puller = sk_arena_strdup(arena, thing->image.puller);
    return image;
}

static enum sk_code find_image(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    const struct sk_fake_thing *thing = sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_IMAGE, ask->key);
    struct sk_stored_images *out = call->out;

    if (!thing)
        return sk_fail(err, SK_NOT_FOUND, "there is no image %s", ask->key);
    *out = (struct sk_stored_images){.len = 1};
    out->items = sk_arena_alloc(&out->arena, sizeof(*out->items));
    *out->items = copy_of(thing, &out->arena);
    return SK_OK;
}

void sk_fake_find_image(struct sk_content *base, const char *name, struct sk_stored_images *out,
                        struct sk_done *done)
{
    sk_fake_ask_start(sk_fake_ask_new(sk_fake_content_of(base), NULL, name), "content.find_image",
                      &(struct sk_fake_call){.out = out, .asks = true, .effect = find_image}, done);
}

static enum sk_code list_images(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    const struct sk_fake_shelf *shelf = &ask->fake->shelf;
    struct sk_stored_images *out = call->out;

    (void)err;
    *out = (struct sk_stored_images){0};
    out->items =
        sk_arena_alloc(&out->arena, (sk_fake_shelf_count(shelf, SK_FAKE_IMAGE) + 1) * sizeof(*out->items));
    sk_list_each(&shelf->things, link)
    {
        const struct sk_fake_thing *thing = sk_list_entry(link, struct sk_fake_thing, link);
        if (thing->kind == SK_FAKE_IMAGE)
            out->items[out->len++] = copy_of(thing, &out->arena);
    }
    return SK_OK;
}

void sk_fake_list_images(struct sk_content *base, struct sk_stored_images *out, struct sk_done *done)
{
    sk_fake_ask_start(sk_fake_ask_new(sk_fake_content_of(base), NULL, NULL), "content.list_images",
                      &(struct sk_fake_call){.out = out, .asks = true, .effect = list_images}, done);
}

static enum sk_code put_image(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    struct sk_fake_thing *thing = sk_fake_shelf_put(&ask->fake->shelf, SK_FAKE_IMAGE, ask->key);

    (void)err;
    if (!thing->image.created_s)
        thing->image.created_s = sk_loop_wall(ask->fake->calls.loop).ns / SK_SEC(1).ns;
    thing->image.target = ask->target;
    sk_arena_fini(&thing->arena);
    thing->image.puller = sk_arena_strdup(&thing->arena, ask->puller);
    return SK_OK;
}

void sk_fake_put_image(struct sk_content *base, const char *lease, const char *name,
                       const struct sk_oci_descriptor *target, const char *puller, struct sk_done *done)
{
    struct sk_fake_ask *ask = sk_fake_ask_new(sk_fake_content_of(base), lease, name);

    ask->target = *target;
    ask->puller = sk_arena_strdup(&ask->arena, puller);
    sk_fake_ask_start(ask, "content.put_image", &(struct sk_fake_call){.effect = put_image}, done);
}

static enum sk_code touch_image(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    struct sk_fake_thing *thing = sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_IMAGE, ask->key);

    (void)err;
    if (thing)
        thing->image.used_s = ask->number;
    return SK_OK;
}

void sk_fake_touch_image(struct sk_content *base, const char *name, int64_t now_s, struct sk_done *done)
{
    struct sk_fake_ask *ask = sk_fake_ask_new(sk_fake_content_of(base), NULL, name);

    ask->number = now_s;
    sk_fake_ask_start(ask, "content.touch_image", &(struct sk_fake_call){.effect = touch_image}, done);
}

static enum sk_code remove_image(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;

    (void)err;
    sk_fake_shelf_remove(sk_fake_shelf_find(&ask->fake->shelf, SK_FAKE_IMAGE, ask->key));
    sk_fake_content_collect(ask->fake);
    return SK_OK;
}

void sk_fake_remove_image(struct sk_content *base, const char *name, struct sk_done *done)
{
    sk_fake_ask_start(sk_fake_ask_new(sk_fake_content_of(base), NULL, name), "content.remove_image",
                      &(struct sk_fake_call){.effect = remove_image}, done);
}
