/* import_finish.c: what was brought becomes an image. */
#include "drivers/images/import_impl.h"

#include <string.h>

static void want_target(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    sk_intake_want(intake, &intake->facts.target, done);
}

static const struct sk_step steps[] = {
    {"want_target", want_target, NULL},
    SK_INTAKE_DOCUMENTS,
    SK_INTAKE_UNPACK,
    SK_INTAKE_KEEP,
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
