/* documents.c: the steps of an intake that bring what an image says of itself (its index, if it has one, its
 * manifest, its config) under the lease, read it, and judge it. */
#include "drivers/images/intake.h"

void sk_intake_want(struct sk_intake *intake, const struct sk_oci_descriptor *what, struct sk_done *done)
{
    sk_want_start(&intake->want,
                  &(struct sk_want_ask){.lease = intake->lease, .source = intake->source, .what = what},
                  done);
}

void sk_intake_read(struct sk_intake *intake, const struct sk_oci_descriptor *what, struct sk_done *done)
{
    struct sk_content *content = intake->driver->content;

    sk_buf_clear(&intake->bytes);
    content->ops->read_blob(content, what->digest, &intake->bytes, done);
}

/* --- what the name stands for --------------------------------------------------- */

void sk_intake_read_target(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    sk_intake_read(intake, &intake->facts.target, done);
}

void sk_intake_judge_target(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    struct sk_err err;
    enum sk_code code = sk_facts_take_target(&intake->facts, &intake->bytes, &err);

    sk_intake_step(intake, code, &err, done);
}

/* --- the manifest for this platform ---------------------------------------------- */

void sk_intake_want_manifest(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    sk_intake_want(intake, &intake->facts.manifest, done);
}

void sk_intake_read_manifest(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    sk_intake_read(intake, &intake->facts.manifest, done);
}

void sk_intake_judge_manifest(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    struct sk_err err;
    enum sk_code code = SK_OK;

    if (sk_facts_has_index(&intake->facts))
        code = sk_facts_take_manifest(&intake->facts, &intake->bytes, &err);
    sk_intake_step(intake, code, &err, done);
}

/* --- the config ------------------------------------------------------------------ */

void sk_intake_want_config(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);

    intake->progress->phase = SK_IMAGE_DOWNLOADING;
    sk_intake_want(intake, &intake->facts.said.next, done);
}

void sk_intake_read_config(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);

    intake->progress->done_bytes = intake->facts.said.next.size;
    sk_intake_read(intake, &intake->facts.said.next, done);
}

void sk_intake_judge_config(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    struct sk_err err;
    enum sk_code code = sk_facts_take_config(&intake->facts, &intake->bytes, &err);

    sk_buf_fini(&intake->bytes);
    sk_intake_step(intake, code, &err, done);
}
