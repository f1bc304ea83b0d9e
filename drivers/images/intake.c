#include "drivers/images/intake.h"

#include <inttypes.h>
#include <string.h>

#define NAME_SHOWN 120 /* of a name, in a sentence that must have room for more */

enum sk_code sk_intake_init(struct sk_intake *intake, struct sk_images_driver *driver, const char *name,
                            struct sk_err *err)
{
    char full[SK_REFERENCE_MAX];
    enum sk_code code = sk_reference_normalise(name, full, err);

    if (code != SK_OK)
        return code;
    intake->driver = driver;
    sk_facts_init(&intake->facts, full, driver->architecture);
    sk_buf_init(&intake->bytes, SK_OCI_BLOB_MAX);
    return SK_OK;
}

void sk_intake_fini(struct sk_intake *intake)
{
    sk_source_unref(sk_take(intake->source));
    sk_buf_fini(&intake->bytes);
    sk_facts_fini(&intake->facts);
    free(sk_take(intake->puller));
    sk_stored_images_fini(&intake->named);
}

static void cancel_intake(struct sk_done *done)
{
    struct sk_intake *intake = done->callee;
    sk_op_cancel(&intake->op, NULL);
}

void sk_intake_start(struct sk_intake *intake, const struct sk_step *steps,
                     void (*on_over)(struct sk_done *over, const struct sk_err *err), struct sk_done *done)
{
    struct sk_images_driver *driver = intake->driver;

    *intake->progress = (struct sk_image_progress){.phase = SK_IMAGE_WAITING};
    intake->done = done;
    done->callee = intake;
    done->cancel = cancel_intake;
    sk_done_init(&intake->over, on_over);
    sk_op_start(&intake->op, driver->loop, driver->log, steps, (struct sk_instant){0}, &intake->over);
}

static void hand_over(struct sk_intake *intake)
{
    struct sk_image_cache *cache = &intake->driver->cache;
    struct sk_image image = sk_facts_image(&intake->facts);

    sk_image_cache_put(cache, intake->facts.target.digest, &image);
    *intake->out_image = sk_image_cache_get(cache, image.name, intake->facts.target.digest,
                                            intake->puller ? intake->puller : "");
    intake->progress->phase = SK_IMAGE_DONE;
    sk_lease_close(sk_take(intake->lease), true, NULL);
}

void sk_intake_end(struct sk_intake *intake, const struct sk_err *err, struct sk_err *out_err)
{
    if (!err) {
        hand_over(intake);
        return;
    }
    *out_err = *err;
    (void)sk_err_wrap(out_err, "image %.*s", NAME_SHOWN, intake->facts.name);
}

void sk_intake_redirect(struct sk_intake *intake, struct sk_image_progress *progress)
{
    intake->progress = progress;
    sk_layers_redirect(&intake->layers, progress);
}

void sk_intake_step(struct sk_intake *intake, enum sk_code code, const struct sk_err *err,
                    struct sk_done *done)
{
    sk_done_later(intake->driver->loop, done, code == SK_OK ? NULL : err);
}

static struct sk_content *content_of(const struct sk_intake *intake)
{
    return intake->driver->content;
}

void sk_intake_lease(struct sk_intake *intake, struct sk_lease_open *opening, struct sk_done *done)
{
    char digest[SK_DIGEST_SIZE], id[64];

    sk_digest_of(intake->facts.name, strlen(intake->facts.name), digest);
    (void)snprintf(id, sizeof(id), "sandkeep-pull-%.32s", digest + strlen("sha256:"));
    sk_lease_open(intake->driver, id, opening, &intake->lease, done);
}

/* --- the size -------------------------------------------------------------------------- */

static enum sk_code weigh(const struct sk_intake *intake, struct sk_err *err)
{
    int64_t total = sk_manifest_total(&intake->facts.said);

    if (total > intake->max_bytes)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "it has %" PRId64 " bytes, above the limit of %" PRId64,
                       total, intake->max_bytes);
    return SK_OK;
}

void sk_intake_weigh(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    struct sk_err err;
    enum sk_code code = weigh(intake, &err);

    intake->progress->total_bytes = sk_manifest_total(&intake->facts.said);
    sk_intake_step(intake, code, &err, done);
}

/* --- the layers -------------------------------------------------------------------------- */

void sk_intake_layers(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);

    sk_layers_start(&intake->layers,
                    &(struct sk_layers_ask){
                        .lease = intake->lease,
                        .source = intake->source,
                        .facts = &intake->facts,
                        .max_bytes = intake->max_bytes,
                        .progress = intake->progress,
                    },
                    done);
}

/* --- what keeps what -------------------------------------------------------------------- */

/* The config keeps the unpacked layers. */
void sk_intake_keep_snapshot(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    const struct sk_manifest *manifest = &intake->facts.said;
    struct sk_content_ref ref = {
        .is_snapshot = true,
        .name = "snapshot",
        .target = sk_facts_chain(&intake->facts, manifest->layer_count),
    };

    content_of(intake)->ops->set_refs(content_of(intake), intake->lease->id, manifest->next.digest, &ref,
                                      manifest->layer_count ? 1 : 0, done);
}

/* The manifest keeps the config and the layers. */
void sk_intake_keep_blobs(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    const struct sk_manifest *manifest = &intake->facts.said;
    struct sk_arena arena = {0};
    struct sk_content_ref *refs = sk_arena_alloc(&arena, (manifest->layer_count + 1) * sizeof(*refs));

    refs[0] = (struct sk_content_ref){.name = "config", .target = manifest->next.digest};
    for (size_t i = 0; i < manifest->layer_count; i++)
        refs[i + 1] = (struct sk_content_ref){.name = sk_arena_printf(&arena, "l.%zu", i),
                                              .target = manifest->layers[i].digest};
    content_of(intake)->ops->set_refs(content_of(intake), intake->lease->id, intake->facts.manifest.digest,
                                      refs, manifest->layer_count + 1, done);
    sk_arena_fini(&arena);
}

/* The index, if there is one, keeps the manifest. */
void sk_intake_keep_manifest(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    struct sk_content_ref ref = {.name = "m.0", .target = intake->facts.manifest.digest};

    if (sk_facts_has_index(&intake->facts))
        content_of(intake)->ops->set_refs(content_of(intake), intake->lease->id, intake->facts.target.digest,
                                          &ref, 1, done);
    else
        sk_intake_step(intake, SK_OK, NULL, done);
}

static bool is_private(const struct sk_intake *intake)
{
    return intake->puller && *intake->puller;
}

void sk_intake_list_named(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);

    if (is_private(intake))
        content_of(intake)->ops->list_images(content_of(intake), &intake->named, done);
    else
        sk_intake_step(intake, SK_OK, NULL, done);
}

void sk_intake_keep_shared(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);

    for (size_t i = 0; i < intake->named.len; i++) {
        const struct sk_stored_image *stored = &intake->named.items[i];
        if (!*stored->puller && strcmp(stored->name, intake->facts.name) == 0 &&
            strcmp(stored->target.digest, intake->facts.target.digest) == 0)
            free(sk_take(intake->puller));
    }
    sk_intake_step(intake, SK_OK, NULL, done);
}

void sk_intake_name(struct sk_op *op, struct sk_done *done)
{
    struct sk_intake *intake = sk_intake_of(op);
    struct sk_facts *facts = &intake->facts;

    content_of(intake)->ops->put_image(content_of(intake), intake->lease->id, facts->name, &facts->target,
                                       intake->puller ? intake->puller : "", done);
}
