/* image_bundle.h: the images that an archive holds: an OCI layout
 * (oci-layout, index.json, blobs/; also what "docker save" writes today), or
 * a docker archive (manifest.json, configs and layers under names of their
 * own), for which manifests are made. */
#ifndef SK_CLI_IMAGE_BUNDLE_H
#define SK_CLI_IMAGE_BUNDLE_H

#include "cli/image_archive.h"

#include "oci/manifest.h"
#include "oci/reference.h"

#define SK_BUNDLE_BLOBS_MAX  2048 /* of one image; what the server takes */
#define SK_BUNDLE_IMAGES_MAX 256

struct sk_bundle_blob {
    struct sk_oci_descriptor what;
    const struct sk_archive_entry *entry; /* where it lies; NULL: made here */
    const uint8_t *data;                  /* … */
};

/* One name, and all that it stands for. */
struct sk_bundle_image {
    char name[SK_REFERENCE_MAX]; /* normalised */
    struct sk_oci_descriptor target;
    struct sk_bundle_blob *blobs; /* the target among them; each once */
    size_t count, cap;
    int64_t bytes; /* of all */
};

struct sk_bundle {
    struct sk_bundle_image *images;
    size_t count, cap;
};

/* What the archive holds. name: what the one image in it is to be called; NULL: what the archive says.
 * Errors: SK_INVALID_ARGUMENT (no name, or one name for several), SK_FAILED_PRECONDITION and SK_DATA_LOSS (no
 * image; not all of it). fini is owed in any case. */
SK_MUST_CHECK enum sk_code sk_bundle_read(struct sk_image_archive *archive, const char *name,
                                          struct sk_bundle *out_bundle, struct sk_err *err);
/* Safe on a zeroed struct. */
void sk_bundle_fini(struct sk_bundle *bundle);

/* --- for those who read one of the two forms ---------------------------------------- */

/* The image of the name, new and empty. Errors: SK_INVALID_ARGUMENT (no valid name), SK_FAILED_PRECONDITION
 * (too many). */
SK_MUST_CHECK enum sk_code sk_bundle_add(struct sk_bundle *bundle, const char *name,
                                         struct sk_bundle_image **out_image, struct sk_err *err);
/* Does nothing for a digest that is there already. Errors: SK_FAILED_PRECONDITION (too many). */
SK_MUST_CHECK enum sk_code sk_bundle_add_blob(struct sk_bundle_image *image,
                                              const struct sk_bundle_blob *blob, struct sk_err *err);
/* That bytes are what a digest says. */
SK_MUST_CHECK enum sk_code sk_bundle_verify(const uint8_t *data, size_t len, const char *digest,
                                            struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_layout_read(struct sk_image_archive *archive,
                                          const struct sk_archive_entry *index, const char *name,
                                          struct sk_bundle *bundle, struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_docker_read(struct sk_image_archive *archive,
                                          const struct sk_archive_entry *manifest, const char *name,
                                          struct sk_bundle *bundle, struct sk_err *err);

#endif
