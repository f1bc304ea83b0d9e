/* import_finish.c: what was brought becomes an image. */
#include "drivers/images/import_impl.h"

#include <string.h>

static void want_target(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    sk_intake_want(intake, &intake->facts.target, done);
}

/* --- whose it is ------------------------------------------------------------------------- */

static struct sk_image_import *import_of(struct sk_op *op)
{
    return sk_container_of(sk_intake_of(op), struct sk_image_import, intake);
}

static bool has_brought(const struct sk_image_import *i, const char *digest)
{
    for (const struct sk_import_brought *at = i->brought; at; at = at->next)
        if (strcmp(at->digest, digest) == 0)
            return true;
    return false;
}

static void list_named(struct sk_op *op, struct sk_done *done)
{
    struct sk_image_import *i = import_of(op);
    struct sk_content *content = i->intake.driver->content;

    if (has_brought(i, i->intake.facts.manifest.digest))
        sk_intake_step(&i->intake, SK_OK, NULL, done);
    else
        content->ops->list_images(content, &i->named, done);
}

/* Whether it has the manifest that is imported. Of an index that nobody has looked into since the start that
 * is not known. */
static bool may_have(struct sk_image_import *i, const struct sk_stored_image *stored)
{
    const struct sk_facts *facts = &i->intake.facts;
    const char *digest = stored->target.digest;
    struct sk_image *image =
        sk_image_cache_get(&i->intake.driver->cache, stored->name, digest, stored->puller);
    bool has = image ? strcmp(image->digest, facts->manifest.digest) == 0 : *stored->puller != '\0';

    sk_image_free(image);
    return has || strcmp(digest, facts->target.digest) == 0 || strcmp(digest, facts->manifest.digest) == 0;
}

/* Digests are no secrets: an image that was not brought, but lay here, is no more anybody's than before. */
static void keep_private(struct sk_op *op, struct sk_done *done)
{
    struct sk_image_import *i = import_of(op);
    const char *puller = "";

    for (size_t at = 0; at < i->named.len; at++) {
        const struct sk_stored_image *stored = &i->named.items[at];
        if (!may_have(i, stored))
            continue;
        puller = stored->puller;
        if (!*puller)
            break;
    }
    if (*puller)
        i->intake.puller = sk_strdup(puller);
    sk_intake_step(&i->intake, SK_OK, NULL, done);
}

static const struct sk_step steps[] = {
    {"want_target", want_target, NULL}, SK_INTAKE_DOCUMENTS, {"named", list_named, NULL},
    {"private", keep_private, NULL},    SK_INTAKE_UNPACK,    SK_INTAKE_KEEP,
};

static void on_finished(struct sk_done *over, const struct sk_err *err)
{
    struct sk_image_import *i = sk_container_of(over, struct sk_image_import, intake.over);
    struct sk_done *done = i->intake.done;
    struct sk_err said = {0};

    sk_intake_end(&i->intake, err, &said);
    sk_done_fire(done, err ? &said : NULL);
}

static enum sk_code prepare(struct sk_image_import *i, const char *name,
                            const struct sk_oci_descriptor *target, struct sk_err *err)
{
    struct sk_reference reference;
    enum sk_code code = sk_reference_parse(name, &reference, err);

    if (code == SK_OK && (i->run || i->is_finished))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the import cannot be finished now");
    if (code == SK_OK && (!sk_digest_is_valid(target->digest) || target->size < 0))
        return sk_fail(err, SK_INVALID_ARGUMENT, "the image's manifest is not named by digest and size");
    if (code == SK_OK && *reference.digest && strcmp(reference.digest, target->digest) != 0)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the name has another digest than the image");
    if (code == SK_OK)
        code = sk_intake_init(&i->intake, i->intake.driver, name, err);
    return code;
}

void sk_images_import_finish(struct sk_image_import *import, const char *name,
                             const struct sk_oci_descriptor *target, struct sk_image_progress *progress,
                             struct sk_image **out_image, struct sk_done *done)
{
    struct sk_err err;

    if (prepare(import, name, target, &err) != SK_OK) {
        sk_import_refuse(import, done, &err);
        return;
    }
    import->is_finished = true;
    import->intake.facts.target = *target;
    import->intake.max_bytes = import->max_bytes;
    import->intake.progress = progress;
    import->intake.out_image = out_image;
    import->intake.op.flow = "import";
    sk_import_begin(import, done, sk_import_on_answer);
    sk_intake_start(&import->intake, steps, on_finished, &import->inner);
}
