/* image_api.c: ListImages, GetImage, RemoveImage. */
#include "api/handlers.h"
#include "api/image_encode.h"

#include <string.h>

struct asking {
    struct sk_call *call;
    struct sk_images *images;
    struct sk_done done;
    char name[SK_REFERENCE_MAX]; /* normalised */
    struct sk_image_rows rows;
    struct sk_image *image;
};

static void on_cancel(struct sk_call *call)
{
    sk_done_cancel(&((struct asking *)call->state)->done);
}

static struct asking *begin(struct sk_call *call)
{
    struct asking *a = sk_arena_alloc(call->arena, sizeof(*a));
    a->call = call;
    a->images = sk_node_images(call->node);
    call->state = a;
    call->on_cancel = on_cancel;
    return a;
}

static void fail(struct asking *a, const struct sk_err *err)
{
    struct sk_err why = *err;
    if (err->code == SK_CANCELLED)
        why.code = sk_call_cancel_code(a->call);
    sk_image_rows_fini(&a->rows);
    sk_call_fail(a->call, &why);
}

/* What is in a private image is for admins, and for those whom its registry shows it: the last answer of
 * their pull has it. Others see that it is there. */
static SK_OWN_PB(Image) * show(const struct asking *a, const struct sk_image_row *row)
{
    struct sk_arena *arena = a->call->arena;
    bool is_shown = a->call->caller.is_admin || !*row->puller;
    SK_OWN_PB(Image) *out = sk_encode_image(arena, a->images, row, is_shown ? a->image : NULL);
    if (!is_shown)
        out->digest = sk_arena_strdup(arena, "");
    return out;
}

/* --- list ---------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct sk_image_row *)a)->name, ((const struct sk_image_row *)b)->name);
}

static void on_list(struct sk_done *done, const struct sk_err *err)
{
    struct asking *a = sk_container_of(done, struct asking, done);
    struct sk_arena *arena = a->call->arena;
    SK_OWN_PB(ListImagesResponse) *out = SK_OWN_PB_NEW(arena, list_images_response);
    if (err) {
        fail(a, err);
        return;
    }
    if (a->rows.len)
        qsort(a->rows.items, a->rows.len, sizeof(a->rows.items[0]), compare);
    out->images = sk_arena_alloc(arena, (a->rows.len + 1) * sizeof(void *));
    for (; out->n_images < a->rows.len; out->n_images++)
        out->images[out->n_images] = show(a, &a->rows.items[out->n_images]);
    sk_image_rows_fini(&a->rows);
    sk_call_reply(a->call, &out->base);
}

void sk_list_images(struct sk_call *call, ProtobufCMessage *request)
{
    struct asking *a = begin(call);
    struct sk_image_driver *driver = sk_images_driver(a->images);
    (void)request;
    sk_done_init(&a->done, on_list);
    driver->ops->list(driver, &a->rows, &a->done);
}

/* --- get ------------------------------------------------------------------------- */

/* One that cannot be used here, or not yet, has no config, but can be looked at. */
static void on_found(struct sk_done *done, const struct sk_err *err)
{
    struct asking *a = sk_container_of(done, struct asking, done);
    if (err && err->code != SK_NOT_FOUND && err->code != SK_FAILED_PRECONDITION) {
        fail(a, err);
        return;
    }
    SK_OWN_PB(Image) *out = show(a, &a->rows.items[0]);
    sk_image_free(sk_take(a->image));
    sk_image_rows_fini(&a->rows);
    sk_call_reply(a->call, &out->base);
}

static void on_inspected(struct sk_done *done, const struct sk_err *err)
{
    struct asking *a = sk_container_of(done, struct asking, done);
    struct sk_image_driver *driver = sk_images_driver(a->images);
    if (err) {
        fail(a, err);
        return;
    }
    sk_done_init(&a->done, on_found);
    driver->ops->find(driver, a->name, &a->image, &a->done);
}

void sk_get_image(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(GetImageRequest) *in = (const void *)request;
    struct asking *a = begin(call);
    struct sk_image_driver *driver = sk_images_driver(a->images);
    if (!sk_image_name_take(call, in->name, a->name))
        return;
    sk_done_init(&a->done, on_inspected);
    driver->ops->inspect(driver, a->name, &a->rows, &a->done);
}

/* --- remove ------------------------------------------------------------------------ */

static void on_removed(struct sk_done *done, const struct sk_err *err)
{
    struct asking *a = sk_container_of(done, struct asking, done);
    if (err)
        fail(a, err);
    else
        sk_call_reply(a->call, SK_OWN_PB_NEW(a->call->arena, remove_image_response));
}

void sk_remove_image(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(RemoveImageRequest) *in = (const void *)request;
    struct asking *a = begin(call);
    if (!sk_image_name_take(call, in->name, a->name))
        return;
    sk_done_init(&a->done, on_removed);
    sk_images_remove(a->images, a->name, &a->done);
}
