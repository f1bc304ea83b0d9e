#include "cli/image_bundle.h"

#include <stdio.h>
#include <string.h>

enum sk_code sk_bundle_verify(const uint8_t *data, size_t len, const char *digest, struct sk_err *err)
{
    char found[SK_DIGEST_SIZE];

    sk_digest_of(data, len, found);
    if (strcmp(found, digest) == 0)
        return SK_OK;
    return sk_fail(err, SK_DATA_LOSS, "%s: the archive has other bytes under that digest", digest);
}

enum sk_code sk_bundle_add(struct sk_bundle *bundle, const char *name, struct sk_bundle_image **out_image,
                           struct sk_err *err)
{
    struct sk_bundle_image image = {0};

    if (bundle->count == SK_BUNDLE_IMAGES_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the archive holds more than %d images",
                       SK_BUNDLE_IMAGES_MAX);
    if (sk_reference_normalise(name, image.name, err))
        return sk_err_wrap(err, "the name \"%.100s\"", name);
    if (bundle->count == bundle->cap) {
        bundle->cap = bundle->cap ? bundle->cap * 2 : 4;
        bundle->images = sk_realloc(bundle->images, bundle->cap * sizeof(bundle->images[0]));
    }
    *out_image = &bundle->images[bundle->count++];
    **out_image = image;
    return SK_OK;
}

enum sk_code sk_bundle_add_blob(struct sk_bundle_image *image, const struct sk_bundle_blob *blob,
                                struct sk_err *err)
{
    for (size_t i = 0; i < image->count; i++) {
        if (strcmp(image->blobs[i].what.digest, blob->what.digest) == 0)
            return SK_OK;
    }
    if (image->count == SK_BUNDLE_BLOBS_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s has more than %d blobs", image->name,
                       SK_BUNDLE_BLOBS_MAX);
    if (image->count == image->cap) {
        image->cap = image->cap ? image->cap * 2 : 16;
        image->blobs = sk_realloc(image->blobs, image->cap * sizeof(image->blobs[0]));
    }
    image->blobs[image->count++] = *blob;
    image->bytes += blob->what.size;
    return SK_OK;
}

enum sk_code sk_bundle_read(struct sk_image_archive *archive, const char *name, struct sk_bundle *out_bundle,
                            struct sk_err *err)
{
    const struct sk_archive_entry *index = sk_image_archive_find(archive, "index.json");
    const struct sk_archive_entry *manifest = sk_image_archive_find(archive, "manifest.json");

    *out_bundle = (struct sk_bundle){0};
    if (index && sk_image_archive_find(archive, "oci-layout"))
        return sk_layout_read(archive, index, name, out_bundle, err);
    if (manifest)
        return sk_docker_read(archive, manifest, name, out_bundle, err);
    return sk_fail(err, SK_FAILED_PRECONDITION,
                   "neither an OCI layout (oci-layout, index.json) nor a docker archive (manifest.json)");
}

void sk_bundle_fini(struct sk_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++)
        free(bundle->images[i].blobs);
    free(bundle->images);
    *bundle = (struct sk_bundle){0};
}
