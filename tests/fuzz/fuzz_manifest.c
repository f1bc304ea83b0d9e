/* Indexes and manifests of images, written by whoever made the image: what is taken can be acted on. */
#include "oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sk_oci_descriptor *descriptor)
{
    if (!sk_digest_is_valid(descriptor->digest) || descriptor->size < 0)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_manifest manifest = {0};
    struct sk_err err = {0};

    if (sk_manifest_parse(data, size, "amd64", &arena, &manifest, &err) != SK_OK) {
        if (err.code != SK_FAILED_PRECONDITION || !*err.text || manifest.layer_count)
            __builtin_trap();
        return 0;
    }
    check(&manifest.next);
    if (manifest.layer_count > SK_OCI_LAYERS_MAX || (manifest.is_index && manifest.layer_count) ||
        manifest.next.size > (int64_t)SK_OCI_BLOB_MAX || sk_manifest_total(&manifest) < manifest.next.size)
        __builtin_trap();
    for (size_t i = 0; i < manifest.layer_count; i++)
        check(&manifest.layers[i]);
    return 0;
}
