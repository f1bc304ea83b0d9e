/* transfer.c: from a name to an unpacked image, when the store fetches it by
 * itself. What it brought is then read and judged as if somebody had imported
 * it; layers that it left packed are unpacked here. */
#include "drivers/images/fault.h"
#include "drivers/images/intake.h"
#include "drivers/registry/registry.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

struct transfer {
    struct sk_intake intake;
    struct sk_lease_open opening;
    struct sk_source *source; /* the login */
    struct sk_transfer_result came;
    struct sk_image_progress *told; /* the caller's */
    struct sk_image_progress rest;  /* of what is done here, which starts anew */
    int64_t bytes;                  /* unpacked */
};

static struct transfer *transfer_of(struct sk_op *op)
{
    return sk_container_of(sk_intake_of(op), struct transfer, intake);
}

static struct sk_content *content_of(const struct transfer *t)
{
    return t->intake.driver->content;
}

/* --- the store's part --------------------------------------------------------------- */

static void open_lease(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);

    sk_intake_lease(&t->intake, &t->opening, done);
}

/* After an error: nothing is to stay when another try would meet it again. */
static void close_lease(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);

    sk_lease_close(sk_take(t->intake.lease), sk_fault_is_lasting(&op->err, t->came.is_limited), done);
}

/* A login is for one registry, and this is the place where it is seen to be. */
static const struct sk_image_login *login_of(const struct transfer *t)
{
    const char *registry = t->source->reference.registry;
    const struct sk_image_login *given = t->source->login;

    if (given)
        return strcasecmp(given->registry, registry) == 0 ? given : NULL;
    return sk_registry_find_login(t->intake.driver->registry, registry);
}

static void transfer(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);
    const struct sk_transfer_ask ask = {
        .lease = t->intake.lease->id,
        .name = t->intake.facts.name,
        .architecture = t->intake.driver->architecture,
        .login = login_of(t),
        .progress = t->told,
    };

    content_of(t)->ops->transfer(content_of(t), &ask, &t->came, done);
}

/* --- what it brought ------------------------------------------------------------------ */

static enum sk_code take_target(struct transfer *t, struct sk_err *err)
{
    const char *pinned = t->source->reference.digest;

    t->intake.facts.target = t->came.target;
    if (*pinned && strcmp(pinned, t->came.target.digest) != 0)
        return sk_fail(err, SK_DATA_LOSS, "containerd fetched another manifest than was asked for");
    return SK_OK;
}

static void judge_name(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);
    struct sk_err err;
    enum sk_code code = take_target(t, &err);

    sk_intake_step(&t->intake, code, &err, done);
}

/* --- how large it is -------------------------------------------------------------------- */

static void measure(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);
    const struct sk_facts *facts = &t->intake.facts;

    content_of(t)->ops->measure(content_of(t), sk_facts_chain(facts, facts->said.layer_count), "", &t->bytes,
                                done);
}

static void judge_size(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);
    struct sk_err err;
    enum sk_code code = SK_OK;

    if (t->bytes > t->intake.max_bytes)
        code = sk_fail(&err, SK_RESOURCE_EXHAUSTED,
                       "it unpacks to %" PRId64 " bytes, above the limit of %" PRId64, t->bytes,
                       t->intake.max_bytes);
    sk_intake_step(&t->intake, code, &err, done);
}

static const struct sk_step steps[] = {
    {"lease", open_lease, close_lease},
    {"transfer", transfer, NULL},
    {"judge_name", judge_name, NULL},
    SK_INTAKE_DOCUMENTS,
    SK_INTAKE_UNPACK,
    {"measure", measure, NULL},
    {"judge_size", judge_size, NULL},
    SK_INTAKE_SHARE,
    SK_INTAKE_KEEP,
};

/* --- the whole ------------------------------------------------------------------------------ */

static void on_over(struct sk_done *over, const struct sk_err *err)
{
    struct transfer *t = sk_container_of(over, struct transfer, intake.over);
    struct sk_done *done = t->intake.done;
    struct sk_err said = {0};

    sk_intake_end(&t->intake, err, &said);
    if (!err)
        *t->told = t->rest;
    sk_source_unref(t->source);
    sk_intake_fini(&t->intake);
    free(t);
    sk_done_fire(done, err ? &said : NULL);
}

void sk_images_transfer_image(struct sk_images_driver *driver, const struct sk_image_pull *pull,
                              struct sk_image **out_image, struct sk_done *done)
{
    struct transfer *t = sk_alloc(sizeof(*t));
    struct sk_reference reference;
    struct sk_err err;

    if (sk_reference_parse(pull->name, &reference, &err) != SK_OK ||
        sk_intake_init(&t->intake, driver, pull->name, &err) != SK_OK) {
        free(t);
        sk_done_later(driver->loop, done, &err);
        return;
    }
    t->source = sk_source_new(&reference, pull->login);
    t->told = pull->progress;
    *t->told = (struct sk_image_progress){.phase = SK_IMAGE_WAITING};
    t->intake.puller = sk_strdup(pull->puller);
    t->intake.max_bytes = pull->max_bytes;
    t->intake.progress = &t->rest;
    t->intake.out_image = out_image;
    t->intake.op.flow = "transfer";
    sk_intake_start(&t->intake, steps, on_over, done);
}
