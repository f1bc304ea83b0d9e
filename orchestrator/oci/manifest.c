#include "oci/manifest.h"

#include "oci/json_in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD_SIZE 32 /* of platform fields; longer ones match nothing */

/* How well an entry of an index fits, worst first. */
enum fit { FIT_NONE, FIT_UNNAMED, FIT_EXACT };

struct entry {
    struct sk_oci_descriptor descriptor;
    char os[WORD_SIZE], architecture[WORD_SIZE], variant[WORD_SIZE];
    bool has_platform;
};

struct walk {
    const char *architecture;
    struct sk_arena *arena;
    struct entry entry; /* the one being read, of an index */
    struct entry best;
    enum fit best_fit;
    struct sk_oci_descriptor config;  /* all of them have size -1 until they say otherwise */
    struct sk_oci_descriptor *layers; /* SK_OCI_LAYERS_MAX of them, once there is one */
    size_t layer_count;
    bool has_entries, has_config, has_layers, is_schema1;
};

/* Copies a string that fits; another leaves *out as something that matches nothing. */
static void take_text(char *out, size_t size, const struct sk_json_item *item)
{
    bool fits = item->kind == SK_JSON_STRING && item->len < size;
    memcpy(out, fits ? item->text : "?", fits ? item->len : 1);
    out[fits ? item->len : 1] = '\0';
}

/* -1 for what is no size. */
static int64_t take_size(const struct sk_json_item *item)
{
    char digits[20];
    int64_t size;
    if (item->kind != SK_JSON_OTHER || !item->text || item->len >= sizeof(digits) || item->len == 0)
        return -1;
    memcpy(digits, item->text, item->len);
    digits[item->len] = '\0';
    errno = 0;
    size = strtoll(digits, NULL, 10);
    return !errno && strspn(digits, "0123456789") == item->len ? size : -1;
}

/* One field of the descriptor that the last part of a path names. */
static void take_field(struct sk_oci_descriptor *d, const char *field, const struct sk_json_item *item)
{
    if (strcmp(field, "digest") == 0)
        take_text(d->digest, sizeof(d->digest), item);
    else if (strcmp(field, "mediaType") == 0)
        take_text(d->media_type, sizeof(d->media_type), item);
    else if (strcmp(field, "size") == 0)
        d->size = take_size(item);
}

/* --- an index ---------------------------------------------------------------- */

static enum fit fit_of(const struct entry *e, const char *architecture)
{
    if (!sk_digest_is_valid(e->descriptor.digest) || e->descriptor.size < 0)
        return FIT_NONE;
    if (!e->has_platform)
        return FIT_UNNAMED;
    bool variant = !*e->variant || (strcmp(architecture, "arm64") == 0 && strcmp(e->variant, "v8") == 0) ||
                   strcmp(e->variant, "v1") == 0; /* amd64/v1 is plain amd64 */
    bool same = strcmp(e->os, "linux") == 0 && strcmp(e->architecture, architecture) == 0;
    return same && variant ? FIT_EXACT : FIT_NONE;
}

static void end_entry(struct walk *w)
{
    enum fit fit = fit_of(&w->entry, w->architecture);
    if (fit > w->best_fit) {
        w->best = w->entry;
        w->best_fit = fit;
    }
    w->entry = (struct entry){.descriptor.size = -1};
}

static void on_entry_item(struct walk *w, const char *field, const struct sk_json_item *item)
{
    struct entry *e = &w->entry;
    if (strcmp(field, "platform") == 0 && item->kind == SK_JSON_OPEN)
        e->has_platform = true;
    else if (strcmp(field, "platform/os") == 0)
        take_text(e->os, WORD_SIZE, item);
    else if (strcmp(field, "platform/architecture") == 0)
        take_text(e->architecture, WORD_SIZE, item);
    else if (strcmp(field, "platform/variant") == 0)
        take_text(e->variant, WORD_SIZE, item);
    else
        take_field(&e->descriptor, field, item);
}

/* --- a manifest -------------------------------------------------------------- */

static enum sk_code begin_layer(struct walk *w, struct sk_err *err)
{
    if (!w->layers)
        w->layers = sk_arena_alloc(w->arena, SK_OCI_LAYERS_MAX * sizeof(w->layers[0]));
    if (w->layer_count == SK_OCI_LAYERS_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION, "more than %d layers", SK_OCI_LAYERS_MAX);
    w->layers[w->layer_count++] = (struct sk_oci_descriptor){.size = -1};
    return SK_OK;
}

static const char *below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(path, prefix, len) == 0 ? path + len : NULL;
}

/* One of the names that say what the text is. Twice would leave open which one counts. */
static enum sk_code begin_part(bool *has, const struct sk_json_item *item, bool wants_array,
                               struct sk_err *err)
{
    if (*has)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s stands there twice", item->path + 1);
    *has = true;
    return item->is_array == wants_array
               ? SK_OK
               : sk_fail(err, SK_FAILED_PRECONDITION, "%s is of the wrong type", item->path + 1);
}

/* A value that is not below another. */
static enum sk_code on_part(struct walk *w, const char *name, const struct sk_json_item *item,
                            struct sk_err *err)
{
    bool opens = item->kind == SK_JSON_OPEN;
    bool is_one = item->kind == SK_JSON_OTHER && item->len == 1 && *item->text == '1';

    if ((strcmp(name, "schemaVersion") == 0 && is_one) || strcmp(name, "fsLayers") == 0)
        w->is_schema1 = true;
    if (strcmp(name, "manifests") == 0 && opens)
        return begin_part(&w->has_entries, item, true, err);
    if (strcmp(name, "config") == 0 && opens)
        return begin_part(&w->has_config, item, false, err);
    if (strcmp(name, "layers") == 0 && opens)
        return begin_part(&w->has_layers, item, true, err);
    return SK_OK;
}

static enum sk_code on_item(void *arg, const struct sk_json_item *item, struct sk_err *err)
{
    struct walk *w = arg;
    const char *path = item->path, *field;

    if (*path == '/' && !strchr(path + 1, '/'))
        return on_part(w, path + 1, item, err);
    if (strcmp(path, "/manifests/*") == 0 && item->kind == SK_JSON_CLOSE) {
        end_entry(w);
    } else if (strcmp(path, "/layers/*") == 0 && item->kind != SK_JSON_CLOSE) {
        return begin_layer(w, err);
    } else if ((field = below(path, "/manifests/*/"))) {
        on_entry_item(w, field, item);
    } else if ((field = below(path, "/config/"))) {
        take_field(&w->config, field, item);
    } else if ((field = below(path, "/layers/*/")) && w->layer_count) {
        take_field(&w->layers[w->layer_count - 1], field, item);
    }
    return SK_OK;
}

/* Why a layer cannot be unpacked; NULL when it can. */
static const char *fault_of_type(const char *media_type)
{
    static const char *const types[] = {
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
    };
    for (size_t i = 0; i < sk_array_len(types); i++)
        if (strcmp(media_type, types[i]) == 0)
            return NULL;
    if (strstr(media_type, "+encrypted"))
        return "encrypted";
    if (strstr(media_type, ".nondistributable.") || strstr(media_type, ".foreign."))
        return "not for distribution";
    return "of an unknown kind";
}

static bool is_sound(const struct sk_oci_descriptor *d)
{
    return sk_digest_is_valid(d->digest) && d->size >= 0;
}

static enum sk_code check_layers(const struct walk *w, struct sk_err *err)
{
    int64_t total = w->config.size;
    const char *fault;
    for (size_t i = 0; i < w->layer_count; i++) {
        const struct sk_oci_descriptor *layer = &w->layers[i];
        if (!is_sound(layer))
            return sk_fail(err, SK_FAILED_PRECONDITION, "layer %zu of the image has no valid digest and size",
                           i);
        if ((fault = fault_of_type(layer->media_type)))
            return sk_fail(err, SK_FAILED_PRECONDITION, "layer %zu of the image is %s (\"%.100s\")", i, fault,
                           layer->media_type);
        if (__builtin_add_overflow(total, layer->size, &total))
            return sk_fail(err, SK_FAILED_PRECONDITION, "the image's layers are larger than any disk");
    }
    return SK_OK;
}

static enum sk_code check_next(const struct sk_oci_descriptor *d, const char *what, struct sk_err *err)
{
    if (!is_sound(d))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image's manifest names no valid config");
    if ((uint64_t)d->size > SK_OCI_BLOB_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION,
                       "the image's %s has %lld bytes, more than the %zu that it may", what,
                       (long long)d->size, SK_OCI_BLOB_MAX);
    return SK_OK;
}

/* What was read must be one of the two, and not a little of both: which one was meant? */
static enum sk_code check_kind(const struct walk *w, struct sk_err *err)
{
    if (w->is_schema1 && !w->has_config && !w->has_entries)
        return sk_fail(err, SK_FAILED_PRECONDITION,
                       "the image's manifest is of schema 1, which nobody should use any more: push it anew");
    if (w->has_entries == w->has_config || (w->has_entries && w->has_layers))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image is neither an index nor a manifest");
    if (w->has_entries && w->best_fit == FIT_NONE)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image is not made for linux/%s", w->architecture);
    return SK_OK;
}

enum sk_code sk_manifest_parse(const uint8_t *text, size_t len, const char *architecture,
                               struct sk_arena *arena, struct sk_manifest *out_manifest, struct sk_err *err)
{
    struct walk w = {
        .architecture = architecture, .arena = arena, .entry.descriptor.size = -1, .config.size = -1};
    const struct sk_oci_descriptor *next = &w.config;
    struct sk_err fault;
    enum sk_code code;

    if (sk_json_read(text, len, on_item, &w, &fault) != SK_OK)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image's manifest: %s", fault.text);
    if ((code = check_kind(&w, err)) != SK_OK)
        return code;
    if (w.has_entries)
        next = &w.best.descriptor;
    if ((code = check_next(next, w.has_entries ? "manifest" : "config", err)) != SK_OK ||
        (code = check_layers(&w, err)) != SK_OK)
        return code;
    *out_manifest = (struct sk_manifest){w.has_entries, *next, w.layers, w.layer_count};
    return SK_OK;
}

int64_t sk_manifest_total(const struct sk_manifest *manifest)
{
    int64_t total = manifest->next.size;
    for (size_t i = 0; i < manifest->layer_count; i++)
        total += manifest->layers[i].size;
    return total;
}
