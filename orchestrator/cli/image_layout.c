/* image_layout.c: the images of an OCI layout. */
#include "cli/image_bundle.h"
#include "cli/image_index.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX     4
#define MANIFESTS_MAX 256 /* looked at for one image */

struct layout {
    struct sk_image_archive *archive;
    struct sk_bundle_image *image;
    unsigned looked_at;
};

static enum sk_code walk(struct layout *layout, const struct sk_oci_descriptor *what, unsigned depth,
                         struct sk_err *err);

static const struct sk_archive_entry *find(const struct layout *layout, const struct sk_oci_descriptor *what,
                                           struct sk_err *err)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "blobs/sha256/%s", strchr(what->digest, ':') + 1);
    const struct sk_archive_entry *entry = sk_image_archive_find(layout->archive, path);
    if (!entry)
        (void)sk_fail(err, SK_DATA_LOSS, "%s is not in the archive", what->digest);
    else if (entry->size != what->size)
        (void)sk_fail(err, SK_DATA_LOSS, "%s is not as long as it was said to be", what->digest);
    return entry && entry->size == what->size ? entry : NULL;
}

static enum sk_code add(struct layout *layout, const struct sk_oci_descriptor *what, struct sk_err *err)
{
    struct sk_bundle_blob blob = {.what = *what, .entry = find(layout, what, err)};
    return blob.entry ? sk_bundle_add_blob(layout->image, &blob, err) : err->code;
}

static enum sk_code load(struct layout *layout, const struct sk_oci_descriptor *what,
                         const uint8_t **out_data, struct sk_err *err)
{
    const struct sk_archive_entry *entry = find(layout, what, err);
    enum sk_code code = entry ? sk_image_archive_load(layout->archive, entry, out_data, err) : err->code;

    return code ? code : sk_bundle_verify(*out_data, (size_t)what->size, what->digest, err);
}

/* One manifest with its config and layers: all of them, or none. */
static enum sk_code walk_manifest(struct layout *layout, const struct sk_oci_descriptor *what,
                                  struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_manifest manifest = {0};
    const uint8_t *data = NULL;
    enum sk_code code = load(layout, what, &data, err);

    if (!code)
        code = sk_manifest_parse(data, (size_t)what->size, "", &arena, &manifest, err);
    if (!code && manifest.is_index)
        code = sk_fail(err, SK_FAILED_PRECONDITION, "%s is an index, and was said to be a manifest",
                       what->digest);
    if (!code && !find(layout, &manifest.next, err))
        code = err->code;
    for (size_t i = 0; !code && i < manifest.layer_count; i++)
        code = find(layout, &manifest.layers[i], err) ? SK_OK : err->code;
    if (!code)
        code = add(layout, &manifest.next, err);
    for (size_t i = 0; !code && i < manifest.layer_count; i++)
        code = add(layout, &manifest.layers[i], err);
    return code ? code : add(layout, what, err);
}

/* Archives often have but some of the platforms that an index names: one must be there. */
static enum sk_code walk_index(struct layout *layout, const struct sk_oci_descriptor *what, unsigned depth,
                               struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_index_item *items = NULL;
    size_t count = 0, whole = 0;
    struct sk_err why = {0};
    const uint8_t *data = NULL;
    enum sk_code code = load(layout, what, &data, err);

    if (!code)
        code = sk_index_parse(data, (size_t)what->size, &arena, &items, &count, err);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++)
        whole += !walk(layout, &items[i].what, depth + 1, &why);
    if (!whole)
        *err = why;
    return whole ? add(layout, what, err) : why.code;
}

static enum sk_code walk(struct layout *layout, const struct sk_oci_descriptor *what, unsigned depth,
                         struct sk_err *err)
{
    if (depth > DEPTH_MAX || ++layout->looked_at > MANIFESTS_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s: too many manifests, or too deep",
                       layout->image->name);
    if (sk_index_is_index(what))
        return walk_index(layout, what, depth, err);
    return walk_manifest(layout, what, err);
}

static enum sk_code read_item(struct sk_image_archive *archive, const struct sk_index_item *item,
                              const char *name, struct sk_bundle *bundle, struct sk_err *err)
{
    struct layout layout = {.archive = archive};
    enum sk_code code = sk_bundle_add(bundle, name, &layout.image, err);

    if (code)
        return code;
    layout.image->target = item->what;
    return walk(&layout, &item->what, 0, err);
}

enum sk_code sk_layout_read(struct sk_image_archive *archive, const struct sk_archive_entry *index,
                            const char *name, struct sk_bundle *bundle, struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_index_item *items = NULL;
    size_t count = 0;
    const uint8_t *data = NULL;
    enum sk_code code = sk_image_archive_load(archive, index, &data, err);

    if (!code)
        code = sk_index_parse(data, (size_t)index->size, &arena, &items, &count, err);
    if (!code && name && count > 1)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the archive holds %zu images: --name is for one", count);
    for (size_t i = 0; !code && i < count; i++) {
        if (name || items[i].name)
            code = read_item(archive, &items[i], name ? name : items[i].name, bundle, err);
    }
    if (!code && !bundle->count)
        return sk_fail(err, SK_INVALID_ARGUMENT,
                       "the archive does not say what its image is called: use --name");
    return code;
}
