/* image_docker.c: the images of a docker archive. Layers lie there as they are,
 * tar or compressed; what a manifest says of them is found by reading them. */
#include "cli/image_bundle.h"

#include "base/buf.h"
#include "oci/json_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TYPE "application/vnd.oci.image."

/* One element of manifest.json. */
struct item {
    const char *config;
    const char **layers, **tags;
    size_t layer_count, tag_count;
};

struct docker {
    struct sk_image_archive *archive;
    struct sk_arena *arena; /* of names */
    struct item *items;
    size_t count, cap;
    struct fact { /* of each entry of the archive */
        bool wanted;
        uint8_t head[4];
        size_t head_len;
        char digest[SK_DIGEST_SIZE];
    } * facts;
    /* of the entry being read */
    struct fact *fact;
    struct sk_digest *digest;
};

/* --- manifest.json ------------------------------------------------------------------- */

static enum sk_code add_text(struct docker *docker, const char ***list, size_t *count,
                             const struct sk_json_item *json, struct sk_err *err)
{
    if (*count == SK_OCI_LAYERS_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION, "more than %d layers or names", SK_OCI_LAYERS_MAX);
    if (!*list)
        *list = sk_arena_alloc(docker->arena, SK_OCI_LAYERS_MAX * sizeof(**list));
    (*list)[(*count)++] = sk_arena_strndup(docker->arena, json->text, json->len);
    return SK_OK;
}

static enum sk_code begin(struct docker *docker, struct sk_err *err)
{
    if (docker->count == SK_BUNDLE_IMAGES_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION, "more than %d images", SK_BUNDLE_IMAGES_MAX);
    if (docker->count == docker->cap) {
        docker->cap = docker->cap ? docker->cap * 2 : 4;
        docker->items = sk_realloc(docker->items, docker->cap * sizeof(docker->items[0]));
    }
    docker->items[docker->count++] = (struct item){0};
    return SK_OK;
}

static enum sk_code on_json(void *arg, const struct sk_json_item *json, struct sk_err *err)
{
    struct docker *docker = arg;
    struct item *item = docker->count ? &docker->items[docker->count - 1] : NULL;

    if (strcmp(json->path, "/*") == 0 && json->kind == SK_JSON_OPEN && !json->is_array)
        return begin(docker, err);
    if (!item || json->kind != SK_JSON_STRING)
        return SK_OK;
    if (strcmp(json->path, "/*/Config") == 0)
        item->config = sk_arena_strndup(docker->arena, json->text, json->len);
    else if (strcmp(json->path, "/*/Layers/*") == 0)
        return add_text(docker, &item->layers, &item->layer_count, json, err);
    else if (strcmp(json->path, "/*/RepoTags/*") == 0)
        return add_text(docker, &item->tags, &item->tag_count, json, err);
    return SK_OK;
}

static enum sk_code parse(struct docker *docker, const struct sk_archive_entry *manifest, struct sk_err *err)
{
    struct sk_err why = {0};
    const uint8_t *data = NULL;
    enum sk_code code = sk_image_archive_load(docker->archive, manifest, &data, err);

    if (code)
        return code;
    if (sk_json_read(data, (size_t)manifest->size, on_json, docker, &why))
        return sk_fail(err, SK_FAILED_PRECONDITION, "manifest.json cannot be used: %s", why.text);
    if (!docker->count)
        return sk_fail(err, SK_FAILED_PRECONDITION, "manifest.json names no image");
    return SK_OK;
}

/* --- digests --------------------------------------------------------------------------- */

static enum sk_code on_file(void *arg, const struct sk_archive_entry *entry, bool *out_wanted,
                            struct sk_err *err)
{
    struct docker *docker = arg;

    (void)err;
    docker->fact = &docker->facts[entry - docker->archive->entries];
    *out_wanted = docker->fact->wanted;
    if (*out_wanted)
        docker->digest = sk_digest_new();
    return SK_OK;
}

static enum sk_code on_bytes(void *arg, const uint8_t *data, size_t len, struct sk_err *err)
{
    struct docker *docker = arg;
    struct fact *fact = docker->fact;

    (void)err;
    sk_digest_add(docker->digest, data, len);
    for (; len && fact->head_len < sizeof(fact->head); len--)
        fact->head[fact->head_len++] = *data++;
    return SK_OK;
}

static enum sk_code on_end(void *arg, struct sk_err *err)
{
    struct docker *docker = arg;

    (void)err;
    sk_digest_end(sk_take(docker->digest), docker->fact->digest);
    return SK_OK;
}

static enum sk_code want(struct docker *docker, const char *name, struct sk_err *err)
{
    const struct sk_archive_entry *entry = name ? sk_image_archive_find(docker->archive, name) : NULL;

    if (!entry)
        return sk_fail(err, SK_DATA_LOSS, "%.160s, which manifest.json names, is not in the archive",
                       name ? name : "a config");
    docker->facts[entry - docker->archive->entries].wanted = true;
    return SK_OK;
}

static enum sk_code measure(struct docker *docker, struct sk_err *err)
{
    const struct sk_archive_visitor visitor = {on_file, on_bytes, on_end, docker};
    enum sk_code code = SK_OK;

    docker->facts = sk_alloc((docker->archive->count + 1) * sizeof(docker->facts[0]));
    for (size_t i = 0; !code && i < docker->count; i++) {
        code = want(docker, docker->items[i].config, err);
        for (size_t n = 0; !code && n < docker->items[i].layer_count; n++)
            code = want(docker, docker->items[i].layers[n], err);
    }
    if (!code)
        code = sk_image_archive_visit(docker->archive, &visitor, err);
    sk_digest_free(sk_take(docker->digest));
    return code;
}

/* --- manifests --------------------------------------------------------------------------- */

static const char *type_of_layer(const struct fact *fact)
{
    static const uint8_t gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};

    if (fact->head_len >= sizeof(gzip) && memcmp(fact->head, gzip, sizeof(gzip)) == 0)
        return TYPE "layer.v1.tar+gzip";
    if (fact->head_len >= sizeof(zstd) && memcmp(fact->head, zstd, sizeof(zstd)) == 0)
        return TYPE "layer.v1.tar+zstd";
    return TYPE "layer.v1.tar";
}

/* Adds the blob, and says what it is in `out`. type NULL: a layer. */
static enum sk_code put_blob(const struct docker *docker, const char *name, const char *type,
                             struct sk_bundle_image *image, struct sk_buf *out, struct sk_err *err)
{
    const struct sk_archive_entry *entry = sk_image_archive_find(docker->archive, name);
    const struct fact *fact = &docker->facts[entry - docker->archive->entries];
    struct sk_bundle_blob blob = {.what.size = entry->size, .entry = entry};

    (void)snprintf(blob.what.digest, sizeof(blob.what.digest), "%s", fact->digest);
    (void)snprintf(blob.what.media_type, sizeof(blob.what.media_type), "%s",
                   type ? type : type_of_layer(fact));
    if (sk_buf_printf(out, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%" PRId64 "}",
                      blob.what.media_type, blob.what.digest, blob.what.size))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image has too many layers");
    return sk_bundle_add_blob(image, &blob, err);
}

static enum sk_code write_manifest(const struct docker *docker, const struct item *item,
                                   struct sk_bundle_image *image, struct sk_buf *out, struct sk_err *err)
{
    enum sk_code code =
        sk_buf_printf(out, "{\"schemaVersion\":2,\"mediaType\":\"" TYPE "manifest.v1+json\",\"config\":");

    if (!code)
        code = put_blob(docker, item->config, TYPE "config.v1+json", image, out, err);
    for (size_t i = 0; !code && i < item->layer_count; i++) {
        code = sk_buf_printf(out, "%s", i ? "," : ",\"layers\":[");
        if (!code)
            code = put_blob(docker, item->layers[i], NULL, image, out, err);
    }
    return code ? code : sk_buf_printf(out, "%s", item->layer_count ? "]}" : ",\"layers\":[]}");
}

static enum sk_code make(struct docker *docker, const struct item *item, const char *name,
                         struct sk_bundle *bundle, struct sk_err *err)
{
    struct sk_arena *arena = &docker->archive->arena; /* the manifest lives as long as the blobs */
    struct sk_bundle_blob blob = {.what.media_type = TYPE "manifest.v1+json"};
    struct sk_bundle_image *image;
    struct sk_buf text;
    enum sk_code code = sk_bundle_add(bundle, name, &image, err);

    if (code)
        return code;
    sk_buf_init(&text, SK_OCI_BLOB_MAX);
    code = write_manifest(docker, item, image, &text, err);
    if (!code) {
        blob.data = sk_arena_memdup(arena, text.data, text.len);
        blob.what.size = (int64_t)text.len;
        sk_digest_of(text.data, text.len, blob.what.digest);
        image->target = blob.what;
        code = sk_bundle_add_blob(image, &blob, err);
    }
    sk_buf_fini(&text);
    return code;
}

static enum sk_code make_all(struct docker *docker, const char *name, struct sk_bundle *bundle,
                             struct sk_err *err)
{
    enum sk_code code = SK_OK;

    if (name && docker->count > 1)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the archive holds %zu images: --name is for one",
                       docker->count);
    if (name)
        return make(docker, &docker->items[0], name, bundle, err);
    for (size_t i = 0; i < docker->count; i++) {
        for (size_t n = 0; !code && n < docker->items[i].tag_count; n++)
            code = make(docker, &docker->items[i], docker->items[i].tags[n], bundle, err);
    }
    if (!code && !bundle->count)
        return sk_fail(err, SK_INVALID_ARGUMENT,
                       "the archive does not say what its image is called: use --name");
    return code;
}

enum sk_code sk_docker_read(struct sk_image_archive *archive, const struct sk_archive_entry *manifest,
                            const char *name, struct sk_bundle *bundle, struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct docker docker = {.archive = archive, .arena = &arena};
    enum sk_code code = parse(&docker, manifest, err);

    if (!code)
        code = measure(&docker, err);
    if (!code)
        code = make_all(&docker, name, bundle, err);
    free(docker.facts);
    free(docker.items);
    return code;
}
