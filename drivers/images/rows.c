/* rows.c: the names on this node, and how much lies behind each. */
#include "drivers/images/driver.h"
#include "loop/op.h"

/* One list or inspect: the names, then one after the other what it unpacks to. */
struct rows {
    struct sk_op op;
    struct sk_done over;
    struct sk_done *done; /* the caller's */
    struct sk_images_driver *driver;
    struct sk_image_rows *out;
    char *name; /* NULL: all */
    struct sk_stored_images stored;
    struct sk_image_rows made; /* owned until the end */
    struct sk_image *image;    /* the one being measured */
    struct sk_done inner;
    struct sk_done *measured; /* of the step that measures */
    bool is_cancelled;
};

static struct rows *rows_of(struct sk_op *op)
{
    return sk_container_of(op, struct rows, op);
}

static struct sk_content *content_of(const struct rows *r)
{
    return r->driver->content;
}

static void get_names(struct sk_op *op, struct sk_done *done)
{
    struct rows *r = rows_of(op);

    if (r->name)
        content_of(r)->ops->find_image(content_of(r), r->name, &r->stored, done);
    else
        content_of(r)->ops->list_images(content_of(r), &r->stored, done);
}

static void add_row(struct rows *r, const struct sk_stored_image *stored)
{
    struct sk_arena *arena = &r->made.arena;

    r->made.items[r->made.len++] = (struct sk_image_row){
        .name = sk_arena_strdup(arena, stored->name),
        .digest = sk_arena_strdup(arena, stored->target.digest),
        .puller = sk_arena_strdup(arena, stored->puller),
        .created_s = stored->created_s,
        .used_s = stored->used_s,
    };
}

/* --- how much ---------------------------------------------------------------------------- */

static void measure_next(struct rows *r);

static void end_measuring(struct rows *r, const struct sk_err *err)
{
    struct sk_done *done = sk_take(r->measured);
    sk_done_fire(done, err);
}

static void on_measured(struct sk_done *inner, const struct sk_err *err)
{
    struct rows *r = sk_container_of(inner, struct rows, inner);

    sk_image_free(sk_take(r->image));
    if (err)
        end_measuring(r, err);
    else
        measure_next(r);
}

/* One that is damaged or not all here is a name all the same. */
static bool is_harmless(const struct sk_err *err)
{
    return err->code == SK_NOT_FOUND || err->code == SK_FAILED_PRECONDITION ||
           err->code == SK_INVALID_ARGUMENT;
}

static void on_found(struct sk_done *inner, const struct sk_err *err)
{
    struct rows *r = sk_container_of(inner, struct rows, inner);
    struct sk_content *content = content_of(r);

    if (err && !is_harmless(err)) {
        end_measuring(r, err);
    } else if (err) {
        measure_next(r);
    } else {
        sk_done_init(&r->inner, on_measured);
        content->ops->measure(content, r->image->snapshot_parent, "", &r->made.items[r->made.len - 1].bytes,
                              &r->inner);
    }
}

static void measure_next(struct rows *r)
{
    struct sk_err err;

    if (r->is_cancelled) {
        (void)sk_fail(&err, SK_CANCELLED, "cancelled");
        end_measuring(r, &err);
    } else if (r->made.len == r->stored.len) {
        end_measuring(r, NULL);
    } else {
        add_row(r, &r->stored.items[r->made.len]);
        sk_done_init(&r->inner, on_found);
        sk_images_find(&r->driver->base, r->made.items[r->made.len - 1].name, &r->image, &r->inner);
    }
}

static void cancel_measuring(struct sk_done *done)
{
    struct rows *r = done->callee;
    r->is_cancelled = true;
    sk_done_cancel(&r->inner);
}

static void measure_all(struct sk_op *op, struct sk_done *done)
{
    struct rows *r = rows_of(op);

    r->made.items = sk_arena_alloc(&r->made.arena, (r->stored.len + 1) * sizeof(*r->made.items));
    if (r->stored.len == 0) {
        sk_done_later(r->driver->loop, done, NULL);
        return;
    }
    r->measured = done;
    done->callee = r;
    done->cancel = cancel_measuring;
    measure_next(r);
}

static const struct sk_step steps[] = {
    {"names", get_names, NULL},
    {"measure", measure_all, NULL},
    {NULL, NULL, NULL},
};

/* --- the whole ---------------------------------------------------------------------------- */

static void on_over(struct sk_done *over, const struct sk_err *err)
{
    struct rows *r = sk_container_of(over, struct rows, over);
    struct sk_done *done = r->done;
    struct sk_err said = {0};

    if (err && r->name && err->code == SK_NOT_FOUND)
        (void)sk_fail(&said, SK_NOT_FOUND, "image %.120s is not on this node", r->name);
    else if (err)
        said = *err;
    if (err)
        sk_image_rows_fini(&r->made);
    else
        *r->out = r->made;
    sk_stored_images_fini(&r->stored);
    free(r->name);
    free(r);
    sk_done_fire(done, err ? &said : NULL);
}

static void cancel_rows(struct sk_done *done)
{
    struct rows *r = done->callee;
    sk_op_cancel(&r->op, NULL);
}

static void start(struct sk_image_driver *base, const char *name, struct sk_image_rows *out,
                  struct sk_done *done)
{
    struct rows *r = sk_alloc(sizeof(*r));

    r->driver = sk_images_driver_of(base);
    r->done = done;
    r->out = out;
    r->name = sk_strdup(name);
    done->callee = r;
    done->cancel = cancel_rows;
    sk_done_init(&r->over, on_over);
    r->op.flow = "rows";
    sk_op_start(&r->op, r->driver->loop, r->driver->log, steps, (struct sk_instant){0}, &r->over);
}

void sk_images_list(struct sk_image_driver *base, struct sk_image_rows *out, struct sk_done *done)
{
    start(base, NULL, out, done);
}

void sk_images_inspect(struct sk_image_driver *base, const char *name, struct sk_image_rows *out_row,
                       struct sk_done *done)
{
    start(base, name, out_row, done);
}
