/* intake.h: one image on its way in, and what pulls, transfers and imports have
 * in common: the lease, the config, the layers, what keeps what, the name.
 * Each is an sk_op whose steps come from here and from its own file. */
#ifndef SK_IMAGES_INTAKE_H
#define SK_IMAGES_INTAKE_H

#include "drivers/images/facts.h"
#include "drivers/images/layers.h"

struct sk_intake {
    struct sk_op op;
    struct sk_done over;
    struct sk_done *done; /* the caller's */
    struct sk_images_driver *driver;
    struct sk_facts facts;
    struct sk_source *source; /* owned reference; NULL: nothing is fetched */
    struct sk_lease *lease;   /* while the steps run */
    char *puller;             /* owned */
    int64_t max_bytes;
    struct sk_image_progress *progress; /* the caller's */
    struct sk_image **out_image;
    struct sk_buf bytes; /* the document under way */
    struct sk_want want;
    struct sk_layers layers;
    struct sk_stored_images named; /* when its own name is near */
};

/* `intake` is zeroed. Errors: SK_INVALID_ARGUMENT (no valid name); then there is nothing to fini. */
SK_MUST_CHECK enum sk_code sk_intake_init(struct sk_intake *intake, struct sk_images_driver *driver,
                                          const char *name, struct sk_err *err);
void sk_intake_fini(struct sk_intake *intake);
/* op.flow and what the steps need are set. Cancelling `done` cancels the op. */
void sk_intake_start(struct sk_intake *intake, const struct sk_step *steps,
                     void (*on_over)(struct sk_done *over, const struct sk_err *err), struct sk_done *done);
/* How it ended, for the caller: hands over the image on success, and closes the lease behind it; else
 * *out_err is the error with the image's name before it. */
void sk_intake_end(struct sk_intake *intake, const struct sk_err *err, struct sk_err *out_err);

/* From now on the progress is told there. */
void sk_intake_redirect(struct sk_intake *intake, struct sk_image_progress *progress);

/* For steps. Ends one that had not to wait. */
void sk_intake_step(struct sk_intake *intake, enum sk_code code, const struct sk_err *err,
                    struct sk_done *done);
static inline struct sk_intake *sk_intake_of(struct sk_op *op)
{
    return sk_container_of(op, struct sk_intake, op);
}

/* Opens the lease of whoever pulls that name. */
void sk_intake_lease(struct sk_intake *intake, struct sk_lease_open *opening, struct sk_done *done);

/* Has `what` under the lease, and reads it into intake->bytes. */
void sk_intake_want(struct sk_intake *intake, const struct sk_oci_descriptor *what, struct sk_done *done);
void sk_intake_read(struct sk_intake *intake, const struct sk_oci_descriptor *what, struct sk_done *done);

/* Steps (documents.c). The target is under the lease: what it says, and the manifest's words, are known. */
void sk_intake_read_target(struct sk_op *op, struct sk_done *done);
void sk_intake_judge_target(struct sk_op *op, struct sk_done *done);
void sk_intake_want_manifest(struct sk_op *op, struct sk_done *done);
void sk_intake_read_manifest(struct sk_op *op, struct sk_done *done);
void sk_intake_judge_manifest(struct sk_op *op, struct sk_done *done);
void sk_intake_want_config(struct sk_op *op, struct sk_done *done);
void sk_intake_read_config(struct sk_op *op, struct sk_done *done);
void sk_intake_judge_config(struct sk_op *op, struct sk_done *done);

/* Steps (intake.c). What the manifest says is known: is it too large? */
void sk_intake_weigh(struct sk_op *op, struct sk_done *done);
void sk_intake_layers(struct sk_op *op, struct sk_done *done);
void sk_intake_list_named(struct sk_op *op, struct sk_done *done);
void sk_intake_keep_shared(struct sk_op *op, struct sk_done *done);
void sk_intake_keep_snapshot(struct sk_op *op, struct sk_done *done);
void sk_intake_keep_blobs(struct sk_op *op, struct sk_done *done);
void sk_intake_keep_manifest(struct sk_op *op, struct sk_done *done);
void sk_intake_name(struct sk_op *op, struct sk_done *done);

/* Parts of step tables. */
/* clang-format off */
/* From the time when the target lies in the store. */
#define SK_INTAKE_DOCUMENTS                                                                                  \
    {"read_target", sk_intake_read_target, NULL},                                                            \
    {"judge_target", sk_intake_judge_target, NULL},                                                          \
    {"want_manifest", sk_intake_want_manifest, NULL},                                                        \
    {"read_manifest", sk_intake_read_manifest, NULL},                                                        \
    {"judge_manifest", sk_intake_judge_manifest, NULL}
/* From the time when the manifest is known. */
#define SK_INTAKE_UNPACK                                                                                     \
    {"weigh", sk_intake_weigh, NULL},                                                                        \
    {"config", sk_intake_want_config, NULL},                                                                 \
    {"read_config", sk_intake_read_config, NULL},                                                            \
    {"judge_config", sk_intake_judge_config, NULL},                                                          \
    {"layers", sk_intake_layers, NULL}
/* What everybody may use stays so when somebody fetches the same with a login of their own. */
#define SK_INTAKE_SHARE                                                                                      \
    {"named", sk_intake_list_named, NULL},                                                                   \
    {"shared", sk_intake_keep_shared, NULL}
/* The end of all tables. */
#define SK_INTAKE_KEEP                                                                                       \
    {"keep_snapshot", sk_intake_keep_snapshot, NULL},                                                        \
    {"keep_blobs", sk_intake_keep_blobs, NULL},                                                              \
    {"keep_manifest", sk_intake_keep_manifest, NULL},                                                        \
    {"name", sk_intake_name, NULL},                                                                          \
    {NULL, NULL, NULL}
/* clang-format on */

#endif
