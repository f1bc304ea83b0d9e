/* images_remove.c: the removal of names. Whoever needs a name meanwhile waits
 * for the end of that: an image must not be found in the moment before it
 * goes. */
#include "core/images_impl.h"

#include <assert.h>
#include <string.h>

static struct sk_image_removal *find(const struct sk_images *images, const char *name)
{
    sk_list_each(&images->removals, link)
    {
        struct sk_image_removal *r = sk_list_entry(link, struct sk_image_removal, link);
        if (!strcmp(r->name, name))
            return r;
    }
    return NULL;
}

bool sk_removal_park(struct sk_images *images, struct sk_image_wait *wait)
{
    struct sk_image_removal *r = find(images, wait->name);

    if (!r || !r->begun)
        return false;
    sk_list_append(&r->parked, &wait->parked);
    return true;
}

static void end(struct sk_image_removal *r, const struct sk_err *err)
{
    struct sk_node *node = r->images->node;
    struct sk_done *done = r->done;
    struct sk_list *link;

    sk_list_remove(&r->link);
    while ((link = sk_list_pop(&r->parked)))
        sk_image_wait_resume(sk_container_of(link, struct sk_image_wait, parked));
    sk_image_rows_fini(&r->row);
    free(r);
    done->cancel = NULL;
    sk_done_fire(done, err);
    sk_node_unhold(node);
}

static void on_removed(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_image_removal *r = sk_container_of(inner, struct sk_image_removal, inner);

    if (!err)
        sk_log(r->images->node->log, SK_INFO, "image.removed", SK_STR("image", r->name));
    end(r, err);
}

static enum sk_code refusal(const struct sk_image_removal *r, struct sk_err *err)
{
    if (sk_images_in_use(r->images, r->name))
        return sk_fail(err, SK_FAILED_PRECONDITION, "image %s is in use by a sandbox", r->name);
    if (sk_pull_is_under_way(r->images, r->name))
        return sk_fail(err, SK_FAILED_PRECONDITION, "image %s is being pulled", r->name);
    return SK_OK;
}

static void on_inspected(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_image_removal *r = sk_container_of(inner, struct sk_image_removal, inner);
    struct sk_images *images = r->images;
    struct sk_err why = {0};

    if (err) {
        end(r, err);
    } else if (refusal(r, &why) != SK_OK) {
        end(r, &why);
    } else {
        r->begun = true;
        sk_image_uses_forget(&images->uses, r->name);
        sk_done_init(&r->inner, on_removed);
        images->driver->ops->remove(images->driver, r->name, &r->inner);
    }
}

static void cancel(struct sk_done *done)
{
    struct sk_image_removal *r = done->callee;

    done->cancel = NULL;
    sk_done_cancel(&r->inner);
}

void sk_removals_cancel(struct sk_images *images)
{
    sk_list_each(&images->removals, link)
        sk_done_cancel(&sk_list_entry(link, struct sk_image_removal, link)->inner);
}

void sk_images_remove(struct sk_images *images, const char *name, struct sk_done *done)
{
    struct sk_image_removal *r;
    struct sk_err err = {0};

    assert(strlen(name) < sizeof(r->name));
    if (find(images, name)) {
        (void)sk_fail(&err, SK_FAILED_PRECONDITION, "image %s is being removed already", name);
        sk_done_later(images->node->loop, done, &err);
        return;
    }
    r = sk_alloc(sizeof(*r));
    r->images = images;
    r->done = done;
    memcpy(r->name, name, strlen(name) + 1);
    sk_list_init(&r->parked);
    sk_list_append(&images->removals, &r->link);
    sk_node_hold(images->node);
    done->callee = r;
    done->cancel = cancel;
    sk_done_init(&r->inner, on_inspected);
    images->driver->ops->inspect(images->driver, name, &r->row, &r->inner);
}
