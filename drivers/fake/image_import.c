/* image_import.c: images that somebody brings, blob by blob, kept in memory
 * until they are named. */
#include "base/buf.h"
#include "drivers/fake/image_impl.h"
#include "oci/image_config.h"

#include <assert.h>
#include <sys/utsname.h>

struct blob {
    struct sk_list link;
    char digest[SK_DIGEST_SIZE];
    int64_t size;
    bool is_whole;
    struct sk_buf bytes;
};

struct sk_image_import {
    struct sk_fake_images *images;
    struct sk_list blobs;
    struct blob *open; /* being written, or NULL */
    int64_t left;      /* of max_bytes */
    struct sk_err err; /* of what was done at once */
};

struct finish {
    struct sk_image_import *import;
    struct sk_oci_descriptor target;
    struct sk_image_progress *progress;
    char name[SK_REFERENCE_MAX];
};

static enum sk_code done_at_once(struct sk_fake_call *c, struct sk_err *err)
{
    struct sk_image_import *import = c->target;

    if (import->err.code != SK_OK)
        *err = import->err;
    return import->err.code;
}

static void call(struct sk_image_import *import, const char *what, struct sk_done *done)
{
    const struct sk_fake_call how = {.target = import, .owner = import, .effect = done_at_once};

    sk_fake_call(&import->images->calls, what, &how, done);
}

static struct blob *find(const struct sk_image_import *import, const char *digest)
{
    sk_list_each(&import->blobs, link)
    {
        struct blob *blob = sk_list_entry(link, struct blob, link);
        if (!strcmp(blob->digest, digest))
            return blob;
    }
    return NULL;
}

static void drop(struct blob *blob)
{
    sk_list_remove(&blob->link);
    sk_buf_fini(&blob->bytes);
    free(blob);
}

/* --- blobs ------------------------------------------------------------------------------ */

static enum sk_code open_blob(struct sk_image_import *import, const char *digest, int64_t size)
{
    if (!sk_digest_is_valid(digest) || size < 0)
        return sk_fail(&import->err, SK_INVALID_ARGUMENT, "no valid digest or size");
    if (size > import->left)
        return sk_fail(&import->err, SK_RESOURCE_EXHAUSTED, "the image is larger than allowed");
    import->left -= size;
    import->open = sk_alloc(sizeof(*import->open));
    import->open->size = size;
    memcpy(import->open->digest, digest, SK_DIGEST_SIZE - 1);
    sk_buf_init(&import->open->bytes, (size_t)size + 1);
    sk_list_append(&import->blobs, &import->open->link);
    return SK_OK;
}

void sk_fake_import_blob(struct sk_image_import *import, const char *digest, int64_t size, bool *out_wanted,
                         struct sk_done *done)
{
    import->err = (struct sk_err){0};
    *out_wanted = !find(import, digest) && open_blob(import, digest, size) == SK_OK;
    call(import, "image.import_blob", done);
}

void sk_fake_import_write(struct sk_image_import *import, const uint8_t *data, size_t len,
                          struct sk_done *done)
{
    assert(import->open);
    import->err = (struct sk_err){0};
    if ((int64_t)(import->open->bytes.len + len) > import->open->size ||
        sk_buf_append(&import->open->bytes, data, len) != SK_OK)
        (void)sk_fail(&import->err, SK_DATA_LOSS, "more bytes than were announced");
    call(import, "image.import_write", done);
}

void sk_fake_import_commit(struct sk_image_import *import, struct sk_done *done)
{
    struct blob *blob = sk_take(import->open);
    char digest[SK_DIGEST_SIZE];

    assert(blob);
    import->err = (struct sk_err){0};
    sk_digest_of(blob->bytes.data, blob->bytes.len, digest);
    blob->is_whole = (int64_t)blob->bytes.len == blob->size && !strcmp(digest, blob->digest);
    if (!blob->is_whole) {
        (void)sk_fail(&import->err, SK_DATA_LOSS, "the bytes of blob %s are not those", blob->digest);
        drop(blob);
    }
    call(import, "image.import_commit", done);
}

/* --- the end ------------------------------------------------------------------------------ */

static const struct blob *whole(const struct sk_image_import *import, const char *digest, struct sk_err *err)
{
    const struct blob *blob = find(import, digest);

    if (!blob || !blob->is_whole) {
        (void)sk_fail(err, SK_FAILED_PRECONDITION, "blob %s of the image has not come", digest);
        return NULL;
    }
    return blob;
}

static enum sk_code read_manifest(const struct finish *f, const char *digest, const char *architecture,
                                  struct sk_arena *arena, struct sk_manifest *out, struct sk_err *err)
{
    const struct blob *blob = whole(f->import, digest, err);

    return blob ? sk_manifest_parse(blob->bytes.data, blob->bytes.len, architecture, arena, out, err)
                : SK_FAILED_PRECONDITION;
}

static enum sk_code check_layers(const struct finish *f, const struct sk_manifest *manifest,
                                 struct sk_err *err)
{
    for (size_t i = 0; i < manifest->layer_count; i++)
        if (!whole(f->import, manifest->layers[i].digest, err))
            return SK_FAILED_PRECONDITION;
    return SK_OK;
}

static struct sk_fake_entry *record(const struct finish *f, const struct sk_manifest *manifest,
                                    const struct sk_image_config *config)
{
    struct sk_fake_images *images = f->import->images;
    const struct sk_fake_image image = {
        .name = f->name,
        .entrypoint = (const char *const *)config->entrypoint,
        .cmd = (const char *const *)config->cmd,
        .env = (const char *const *)config->env,
        .working_dir = config->working_dir,
        .user = config->user,
        .stop_signal = config->stop_signal,
        .bytes = sk_manifest_total(manifest),
        .layers = (unsigned)manifest->layer_count,
    };
    struct sk_fake_entry *entry = sk_fake_entry_put(&images->local, &image);

    memcpy(entry->digest, f->target.digest, sizeof(entry->digest));
    entry->created_s = sk_loop_wall(images->calls.loop).ns / 1000000000;
    return entry;
}

static enum sk_code finish(struct sk_fake_call *c, struct sk_err *err)
{
    const struct finish *f = c->args;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_manifest manifest = {0};
    struct sk_image_config config;
    struct utsname host;
    const struct blob *blob;
    enum sk_code code;

    const char *architecture = uname(&host) ? "amd64" : sk_architecture_of(host.machine);
    code = read_manifest(f, f->target.digest, architecture, &arena, &manifest, err);
    if (code == SK_OK && manifest.is_index)
        code = read_manifest(f, manifest.next.digest, architecture, &arena, &manifest, err);
    if (code != SK_OK || (code = check_layers(f, &manifest, err)) != SK_OK)
        return code;
    blob = whole(f->import, manifest.next.digest, err);
    if (!blob)
        return SK_FAILED_PRECONDITION;
    code = sk_image_config_parse(blob->bytes.data, blob->bytes.len, architecture, &arena, &config, err);
    if (code != SK_OK)
        return code;
    f->progress->phase = SK_IMAGE_DONE;
    *(struct sk_image **)c->out = sk_fake_entry_describe(record(f, &manifest, &config));
    return SK_OK;
}

static void drop_finish(struct sk_fake_call *c)
{
    free((void *)(uintptr_t)c->args);
}

void sk_fake_import_finish(struct sk_image_import *import, const char *name,
                           const struct sk_oci_descriptor *target, struct sk_image_progress *progress,
                           struct sk_image **out_image, struct sk_done *done)
{
    struct finish f = {.import = import, .target = *target, .progress = progress};

    *progress = (struct sk_image_progress){0};
    (void)snprintf(f.name, sizeof(f.name), "%s", name);
    const struct sk_fake_call how = {.target = import,
                                     .owner = import,
                                     .args = sk_memdup(&f, sizeof(f)),
                                     .out = out_image,
                                     .asks = true,
                                     .effect = finish,
                                     .drop = drop_finish};
    sk_fake_call(&import->images->calls, "image.import_finish", &how, done);
}

/* --- life ----------------------------------------------------------------------------------- */

static enum sk_code open_import(struct sk_fake_call *c, struct sk_err *err)
{
    struct sk_image_import *import = sk_alloc(sizeof(*import));

    (void)err;
    import->images = c->target;
    import->left = *(const int64_t *)c->args;
    sk_list_init(&import->blobs);
    *(struct sk_image_import **)c->out = import;
    return SK_OK;
}

void sk_fake_import_open(struct sk_image_driver *base, int64_t max_bytes, struct sk_image_import **out,
                         struct sk_done *done)
{
    struct sk_fake_images *images = sk_fake_images_of(base);
    const struct sk_fake_call how = {.target = images,
                                     .args = sk_memdup(&max_bytes, sizeof(max_bytes)),
                                     .out = out,
                                     .asks = true,
                                     .effect = open_import,
                                     .drop = drop_finish};

    sk_fake_call(&images->calls, "image.import_open", &how, done);
}

void sk_fake_import_close(struct sk_image_import *import_take)
{
    if (!import_take)
        return;
    sk_fake_calls_forget(&import_take->images->calls, import_take);
    sk_list_each(&import_take->blobs, link) drop(sk_list_entry(link, struct blob, link));
    free(import_take);
}
