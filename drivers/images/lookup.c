/* lookup.c: what a name stands for on this node: name -> index -> manifest ->
 * config -> snapshot. */
#include "drivers/images/driver.h"
#include "drivers/images/facts.h"
#include "loop/op.h"

#include <string.h>

struct lookup {
    struct sk_op op;
    struct sk_done over;
    struct sk_done *done; /* the caller's */
    struct sk_images_driver *driver;
    struct sk_image **out_image;
    struct sk_image *image; /* owned; from the cache, or set when all is known */
    struct sk_facts facts;
    struct sk_stored_images stored;
    struct sk_buf bytes; /* the document under way */
    bool is_there;
};

static struct lookup *lookup_of(struct sk_op *op)
{
    return sk_container_of(op, struct lookup, op);
}

static struct sk_content *content_of(const struct lookup *l)
{
    return l->driver->content;
}

/* Ends a step that did not have to wait. */
static void end_step(struct lookup *l, enum sk_code code, const struct sk_err *err, struct sk_done *done)
{
    sk_done_later(l->driver->loop, done, code == SK_OK ? NULL : err);
}

static void get_name(struct sk_op *op, struct sk_done *done)
{
    struct lookup *l = lookup_of(op);
    content_of(l)->ops->find_image(content_of(l), l->facts.name, &l->stored, done);
}

static void judge_name(struct sk_op *op, struct sk_done *done)
{
    struct lookup *l = lookup_of(op);
    const struct sk_stored_image *stored = &l->stored.items[0];

    l->facts.target = stored->target;
    l->image = sk_image_cache_get(&l->driver->cache, l->facts.name, stored->target.digest, stored->puller);
    end_step(l, SK_OK, NULL, done);
}

/* What is missing (an image of many platforms may have been fetched for another one only) is SK_NOT_FOUND: a
 * pull can put it right. */
static void read_document(struct lookup *l, const char *digest, struct sk_done *done)
{
    sk_buf_clear(&l->bytes);
    content_of(l)->ops->read_blob(content_of(l), digest, &l->bytes, done);
}

static void read_target(struct sk_op *op, struct sk_done *done)
{
    struct lookup *l = lookup_of(op);

    if (l->image)
        end_step(l, SK_OK, NULL, done);
    else
        read_document(l, l->facts.target.digest, done);
}

static void judge_target(struct sk_op *op, struct sk_done *done)
{
    struct lookup *l = lookup_of(op);
    struct sk_err err;

    end_step(l, l->image ? SK_OK : sk_facts_take_target(&l->facts, &l->bytes, &err), &err, done);
}

static void read_manifest(struct sk_op *op, struct sk_done *done)
{
    struct lookup *l = lookup_of(op);

    if (l->image || !sk_facts_has_index(&l->facts))
        end_step(l, SK_OK, NULL, done);
    else
        read_document(l, l->facts.manifest.digest, done);
}

static void judge_manifest(struct sk_op *op, struct sk_done *done)
{
    struct lookup *l = lookup_of(op);
    struct sk_err err;
    enum sk_code code = SK_OK;

    if (!l->image && sk_facts_has_index(&l->facts))
        code = sk_facts_take_manifest(&l->facts, &l->bytes, &err);
    end_step(l, code, &err, done);
}

static void read_config(struct sk_op *op, struct sk_done *done)
{
    struct lookup *l = lookup_of(op);

    if (l->image)
        end_step(l, SK_OK, NULL, done);
    else
        read_document(l, l->facts.said.next.digest, done);
}

static void judge_config(struct sk_op *op, struct sk_done *done)
{
    struct lookup *l = lookup_of(op);
    struct sk_err err;

    end_step(l, l->image ? SK_OK : sk_facts_take_config(&l->facts, &l->bytes, &err), &err, done);
}

/* Known already, but its snapshot may have been removed since. */
static void find_snapshot(struct sk_op *op, struct sk_done *done)
{
    struct lookup *l = lookup_of(op);
    const char *chain =
        l->image ? l->image->snapshot_parent : sk_facts_chain(&l->facts, l->facts.said.layer_count);

    l->is_there = !*chain;
    if (l->is_there)
        end_step(l, SK_OK, NULL, done);
    else
        content_of(l)->ops->find_snapshot(content_of(l), NULL, chain, &l->is_there, done);
}

static void describe(struct lookup *l)
{
    struct sk_image image = sk_facts_image(&l->facts);
    const struct sk_stored_image *stored = &l->stored.items[0];

    sk_image_cache_put(&l->driver->cache, stored->target.digest, &image);
    l->image = sk_image_cache_get(&l->driver->cache, l->facts.name, stored->target.digest, stored->puller);
}

static void judge_snapshot(struct sk_op *op, struct sk_done *done)
{
    struct lookup *l = lookup_of(op);
    struct sk_err err;
    enum sk_code code = SK_OK;

    if (!l->is_there)
        code = sk_fail(&err, SK_NOT_FOUND, "it is on this node, but not unpacked");
    else if (!l->image)
        describe(l);
    end_step(l, code, &err, done);
}

static const struct sk_step steps[] = {
    {"get", get_name, NULL},
    {"name", judge_name, NULL},
    {"read_target", read_target, NULL},
    {"target", judge_target, NULL},
    {"read_manifest", read_manifest, NULL},
    {"manifest", judge_manifest, NULL},
    {"read_config", read_config, NULL},
    {"config", judge_config, NULL},
    {"find_snapshot", find_snapshot, NULL},
    {"snapshot", judge_snapshot, NULL},
    {NULL, NULL, NULL},
};

static struct sk_err named(const struct lookup *l, const struct sk_err *err)
{
    struct sk_err said = *err;

    if (err->code == SK_NOT_FOUND && !l->stored.items)
        (void)sk_fail(&said, SK_NOT_FOUND, "image %.120s is not on this node", l->facts.name);
    else
        (void)sk_err_wrap(&said, "image %.120s", l->facts.name);
    return said;
}

static void on_over(struct sk_done *over, const struct sk_err *err)
{
    struct lookup *l = sk_container_of(over, struct lookup, over);
    struct sk_done *done = l->done;
    struct sk_err said = {0};

    if (err)
        said = named(l, err);
    else
        *l->out_image = sk_take(l->image);
    sk_image_free(l->image);
    sk_stored_images_fini(&l->stored);
    sk_buf_fini(&l->bytes);
    sk_facts_fini(&l->facts);
    free(l);
    sk_done_fire(done, err ? &said : NULL);
}

static void cancel_lookup(struct sk_done *done)
{
    struct lookup *l = done->callee;
    sk_op_cancel(&l->op, NULL);
}

void sk_images_find(struct sk_image_driver *base, const char *name, struct sk_image **out_image,
                    struct sk_done *done)
{
    struct sk_images_driver *driver = sk_images_driver_of(base);
    struct lookup *l = sk_alloc(sizeof(*l));
    char full[SK_REFERENCE_MAX];
    struct sk_err err;

    if (sk_reference_normalise(name, full, &err) != SK_OK) {
        free(l);
        sk_done_later(driver->loop, done, &err);
        return;
    }
    l->driver = driver;
    l->done = done;
    l->out_image = out_image;
    sk_facts_init(&l->facts, full, driver->architecture);
    sk_buf_init(&l->bytes, SK_OCI_BLOB_MAX);
    done->callee = l;
    done->cancel = cancel_lookup;
    sk_done_init(&l->over, on_over);
    l->op.flow = "lookup";
    sk_op_start(&l->op, driver->loop, driver->log, steps, (struct sk_instant){0}, &l->over);
}
