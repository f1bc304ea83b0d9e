/* manifest.h: what a tag or digest of a registry can stand for: an index,
 * which names manifests for platforms, or a manifest, which names a config and
 * layers (OCI image-spec image-index.md and manifest.md; Docker's "manifest v2,
 * schema 2" is the same with other media types; its schema 1 is refused).
 * Pure; all of it was written by whoever made the image. */
#ifndef SK_OCI_MANIFEST_H
#define SK_OCI_MANIFEST_H

#include "base/arena.h"
#include "base/err.h"
#include "oci/digest.h"

#include <stdbool.h>
#include <stdint.h>

#define SK_OCI_TYPE_MAX   128                       /* bytes of a media type, NUL included */
#define SK_OCI_BLOB_MAX   ((size_t)4 * 1024 * 1024) /* of an index, manifest or config */
#define SK_OCI_LAYERS_MAX 256                       /* overlayfs takes no more than 500 */

struct sk_oci_descriptor {
    char media_type[SK_OCI_TYPE_MAX];
    char digest[SK_DIGEST_SIZE];
    int64_t size; /* bytes; >= 0 */
};

/* What an Accept header names. */
#define SK_OCI_ACCEPT                                                                                        \
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "                  \
    "application/vnd.docker.distribution.manifest.list.v2+json, "                                            \
    "application/vnd.docker.distribution.manifest.v2+json"

struct sk_manifest {
    bool is_index;
    struct sk_oci_descriptor next;    /* index: the manifest for this platform; manifest: its config */
    struct sk_oci_descriptor *layers; /* manifest only; in the arena; lowest first */
    size_t layer_count;
};

/* architecture: as Go names it, "amd64". Errors: SK_FAILED_PRECONDITION (not for this platform; neither index
 * nor manifest, or both; not JSON; more than SK_OCI_LAYERS_MAX layers; a layer of a kind that cannot be
 * unpacked: only tar, plain, gzip or zstd; sizes that are negative or together above INT64_MAX; what comes
 * next is larger than SK_OCI_BLOB_MAX). *out_manifest is untouched by errors. An index may name an index: the
 * caller's to refuse. */
SK_MUST_CHECK enum sk_code sk_manifest_parse(const uint8_t *text, size_t len, const char *architecture,
                                             struct sk_arena *arena, struct sk_manifest *out_manifest,
                                             struct sk_err *err);

/* Bytes of config and layers together. */
int64_t sk_manifest_total(const struct sk_manifest *manifest);

#endif
