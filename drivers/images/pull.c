/* pull.c: from a name to an unpacked image, by way of a registry. */
#include "drivers/images/fault.h"
#include "drivers/images/intake.h"

#include <assert.h>
#include <string.h>

struct pull {
    struct sk_intake intake;
    struct sk_lease_open opening;
    struct sk_registry_manifest answer;
};

static struct pull *pull_of(struct sk_op *op)
{
    return sk_container_of(sk_intake_of(op), struct pull, intake);
}

/* --- the lease ------------------------------------------------------------------------- */

static void open_lease(struct sk_op *op, struct sk_done *done)
{
    struct pull *p = pull_of(op);

    sk_intake_lease(&p->intake, &p->opening, done);
}

/* After an error: nothing is to stay when another try would meet it again. */
static void close_lease(struct sk_op *op, struct sk_done *done)
{
    struct pull *p = pull_of(op);
    bool is_lasting = sk_fault_is_lasting(&op->err, p->intake.source->is_limited);

    sk_lease_close(sk_take(p->intake.lease), is_lasting, done);
}

/* --- what the name stands for ------------------------------------------------------------- */

static void ask_for(struct pull *p, const char *digest, struct sk_done *done)
{
    struct sk_source *source = p->intake.source;
    struct sk_reference reference = source->reference;
    struct sk_registry_ask ask = {.reference = &reference, .login = source->login};

    if (digest)
        (void)snprintf(reference.digest, sizeof(reference.digest), "%s", digest);
    sk_buf_fini(&p->answer.bytes);
    source->is_limited = true; /* if that is what becomes of it */
    sk_registry_manifest(p->intake.driver->registry, &ask, &p->answer, done);
}

static void ask_target(struct sk_op *op, struct sk_done *done)
{
    ask_for(pull_of(op), NULL, done);
}

static enum sk_code take_target(struct pull *p, struct sk_err *err)
{
    struct sk_facts *facts = &p->intake.facts;
    const char *pinned = p->intake.source->reference.digest;

    if (*pinned && strcmp(pinned, p->answer.digest) != 0)
        return sk_fail(err, SK_DATA_LOSS, "the registry sent another manifest than was asked for");
    (void)snprintf(facts->target.digest, sizeof(facts->target.digest), "%s", p->answer.digest);
    (void)snprintf(facts->target.media_type, sizeof(facts->target.media_type), "%s", p->answer.media_type);
    facts->target.size = (int64_t)p->answer.bytes.len;
    return sk_facts_take_target(facts, &p->answer.bytes, err);
}

static void judge_target(struct sk_op *op, struct sk_done *done)
{
    struct pull *p = pull_of(op);
    struct sk_err err;
    enum sk_code code = take_target(p, &err);

    p->intake.source->is_limited = false;
    sk_intake_step(&p->intake, code, &err, done);
}

static void store(struct pull *p, const struct sk_oci_descriptor *what, struct sk_done *done)
{
    sk_want_start(&p->intake.want,
                  &(struct sk_want_ask){.lease = p->intake.lease, .bytes = &p->answer.bytes, .what = what},
                  done);
}

static void store_target(struct sk_op *op, struct sk_done *done)
{
    struct pull *p = pull_of(op);
    store(p, &p->intake.facts.target, done);
}

/* --- the manifest for this platform -------------------------------------------------------- */

static bool has_index(const struct pull *p)
{
    return sk_facts_has_index(&p->intake.facts);
}

/* Of the registry, even if it lies here: digests are no secrets, and who names one in an index of their own
 * has not been shown what it stands for. What the manifest names in turn only those know who have it. */
static void get_manifest(struct sk_op *op, struct sk_done *done)
{
    struct pull *p = pull_of(op);

    if (has_index(p))
        ask_for(p, p->intake.facts.manifest.digest, done);
    else
        sk_intake_step(&p->intake, SK_OK, NULL, done);
}

static void judge_manifest(struct sk_op *op, struct sk_done *done)
{
    struct pull *p = pull_of(op);
    struct sk_err err;
    enum sk_code code = SK_OK;

    p->intake.source->is_limited = false;
    if (has_index(p))
        code = sk_facts_take_manifest(&p->intake.facts, &p->answer.bytes, &err);
    sk_intake_step(&p->intake, code, &err, done);
}

static void store_manifest(struct sk_op *op, struct sk_done *done)
{
    struct pull *p = pull_of(op);

    if (has_index(p))
        store(p, &p->intake.facts.manifest, done);
    else
        sk_intake_step(&p->intake, SK_OK, NULL, done);
}

static const struct sk_step steps[] = {
    {"resolve", ask_target, NULL},
    {"judge_target", judge_target, NULL},
    {"lease", open_lease, close_lease}, /* a registry that does not answer leaves none behind */
    {"store_target", store_target, NULL},
    {"get_manifest", get_manifest, NULL},
    {"judge_manifest", judge_manifest, NULL},
    {"store_manifest", store_manifest, NULL},
    SK_INTAKE_UNPACK,
    SK_INTAKE_SHARE,
    SK_INTAKE_KEEP,
};

/* --- the whole ------------------------------------------------------------------------------ */

static void release(struct pull *p)
{
    sk_buf_fini(&p->answer.bytes);
    sk_intake_fini(&p->intake);
    free(p);
}

static void on_over(struct sk_done *over, const struct sk_err *err)
{
    struct pull *p = sk_container_of(over, struct pull, intake.over);
    struct sk_done *done = p->intake.done;
    struct sk_err said = {0};

    sk_intake_end(&p->intake, err, &said);
    release(p);
    sk_done_fire(done, err ? &said : NULL);
}

void sk_images_pull_image(struct sk_image_driver *base, const struct sk_image_pull *pull,
                          struct sk_image **out_image, struct sk_done *done)
{
    struct sk_images_driver *driver = sk_images_driver_of(base);
    struct sk_reference reference;
    struct sk_err err;

    if (driver->transfer) {
        sk_images_transfer_image(driver, pull, out_image, done);
        return;
    }
    struct pull *p = sk_alloc(sizeof(*p));
    if (sk_reference_parse(pull->name, &reference, &err) != SK_OK ||
        sk_intake_init(&p->intake, driver, pull->name, &err) != SK_OK) {
        free(p);
        sk_done_later(driver->loop, done, &err);
        return;
    }
    p->intake.source = sk_source_new(&reference, pull->login);
    p->intake.puller = sk_strdup(pull->puller);
    p->intake.max_bytes = pull->max_bytes;
    p->intake.progress = pull->progress;
    p->intake.out_image = out_image;
    p->intake.op.flow = "pull";
    sk_intake_start(&p->intake, steps, on_over, done);
}
