#include "core/images_impl.h"

#include <assert.h>
#include <string.h>

#define TOUCH_EVERY_S 3600

struct use {
    struct sk_map_node node;
    int64_t used_s, touched_s;
    char name[SK_REFERENCE_MAX];
};

struct touch {
    struct sk_list link;
    struct sk_done done;
    struct sk_image_uses *uses;
    char name[SK_REFERENCE_MAX];
};

static struct use *find(const struct sk_image_uses *uses, const char *name)
{
    struct sk_map_node *node = sk_map_find(&uses->by_name, name);
    return node ? sk_map_entry(node, struct use, node) : NULL;
}

static struct use *find_or_add(struct sk_image_uses *uses, const char *name)
{
    struct use *use = find(uses, name);

    if (use)
        return use;
    use = sk_alloc(sizeof(*use));
    memcpy(use->name, name, strlen(name) + 1);
    sk_map_add(&uses->by_name, &use->node, use->name);
    return use;
}

static void on_touched(struct sk_done *done, const struct sk_err *err)
{
    struct touch *touch = sk_container_of(done, struct touch, done);
    struct sk_image_uses *uses = touch->uses;
    struct sk_node *node = uses->images->node;
    struct use *use = find(uses, touch->name);

    if (err && use)
        use->touched_s = 0; /* the next use tries again */
    sk_list_remove(&touch->link);
    free(touch);
    sk_node_unhold(node);
}

static void touch_now(struct sk_image_uses *uses, const struct use *use)
{
    struct sk_image_driver *driver = uses->images->driver;
    struct touch *touch = sk_alloc(sizeof(*touch));

    touch->uses = uses;
    memcpy(touch->name, use->name, sizeof(touch->name));
    sk_list_append(&uses->touches, &touch->link);
    sk_node_hold(uses->images->node);
    sk_done_init(&touch->done, on_touched);
    driver->ops->touch(driver, touch->name, use->used_s, &touch->done);
}

void sk_image_uses_note(struct sk_image_uses *uses, const char *name)
{
    struct sk_node *node = uses->images->node;
    struct use *use = find_or_add(uses, name);

    use->used_s = sk_loop_wall(node->loop).ns / 1000000000;
    if (node->stopping || llabs(use->used_s - use->touched_s) < TOUCH_EVERY_S)
        return;
    use->touched_s = use->used_s;
    touch_now(uses, use);
}

int64_t sk_image_uses_last(const struct sk_image_uses *uses, const char *name)
{
    const struct use *use = find(uses, name);
    return use ? use->used_s : 0;
}

static void forget(struct sk_image_uses *uses, struct use *use)
{
    sk_map_remove(&uses->by_name, &use->node);
    free(use);
}

void sk_image_uses_forget(struct sk_image_uses *uses, const char *name)
{
    struct use *use = find(uses, name);

    if (use)
        forget(uses, use);
}

void sk_image_uses_init(struct sk_image_uses *uses, struct sk_images *images)
{
    uses->images = images;
    sk_map_init(&uses->by_name);
    sk_list_init(&uses->touches);
}

void sk_image_uses_stop(struct sk_image_uses *uses)
{
    sk_list_each(&uses->touches, link) sk_done_cancel(&sk_list_entry(link, struct touch, link)->done);
}

void sk_image_uses_fini(struct sk_image_uses *uses)
{
    struct sk_map_node *node;

    assert(sk_list_is_empty(&uses->touches));
    while ((node = sk_map_any(&uses->by_name)))
        forget(uses, sk_map_entry(node, struct use, node));
    sk_map_fini(&uses->by_name);
}
