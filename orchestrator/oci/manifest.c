#include "oci/manifest.h"

#include "oci/json_in.h"

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
    struct sk_oci_descriptor config;
    struct sk_oci_descriptor *layers; /* SK_OCI_LAYERS_MAX of them, once there is one */
    size_t layer_count;
    bool has_entries, has_config;
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
    if (item->kind != SK_JSON_OTHER || !item->text || item->len >= sizeof(digits) || item->len == 0)
        return -1;
    memcpy(digits, item->text, item->len);
    digits[item->len] = '\0';
    return strspn(digits, "0123456789") == item->len ? (int64_t)strtoll(digits, NULL, 10) : -1;
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

static enum sk_code on_item(void *arg, const struct sk_json_item *item, struct sk_err *err)
{
    struct walk *w = arg;
    const char *path = item->path, *field;
    bool opens = item->kind == SK_JSON_OPEN;

    if (strcmp(path, "/manifests") == 0 && opens) {
        w->has_entries = true;
        w->entry = (struct entry){.descriptor.size = -1};
    } else if (strcmp(path, "/manifests/*") == 0 && item->kind == SK_JSON_CLOSE) {
        end_entry(w);
    } else if (strcmp(path, "/config") == 0 && opens) {
        w->has_config = true;
        w->config = (struct sk_oci_descriptor){.size = -1};
    } else if (strcmp(path, "/layers") == 0 && opens) {
        w->layer_count = 0; /* of two with one name the last counts */
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

static bool can_unpack(const char *media_type)
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
            return true;
    return false;
}

static bool is_sound(const struct sk_oci_descriptor *d)
{
    return sk_digest_is_valid(d->digest) && d->size >= 0;
}

static enum sk_code check_layers(const struct walk *w, struct sk_err *err)
{
    int64_t total = w->config.size;
    for (size_t i = 0; i < w->layer_count; i++) {
        const struct sk_oci_descriptor *layer = &w->layers[i];
        if (!is_sound(layer))
            return sk_fail(err, SK_FAILED_PRECONDITION, "layer %zu of the image has no valid digest and size",
                           i);
        if (!can_unpack(layer->media_type))
            return sk_fail(err, SK_FAILED_PRECONDITION,
                           "layer %zu of the image is of the unknown kind %.100s", i, layer->media_type);
        if (__builtin_add_overflow(total, layer->size, &total))
            return sk_fail(err, SK_FAILED_PRECONDITION, "the image's layers are larger than any disk");
    }
    return SK_OK;
}

enum sk_code sk_manifest_parse(const uint8_t *text, size_t len, const char *architecture,
                               struct sk_arena *arena, struct sk_manifest *out_manifest, struct sk_err *err)
{
    struct walk w = {.architecture = architecture, .arena = arena};
    struct sk_err fault;
    if (sk_json_read(text, len, on_item, &w, &fault) != SK_OK)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image's manifest: %s", fault.text);
    if (w.has_entries == w.has_config) /* both: which one was meant? */
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image is neither an index nor a manifest");
    if (w.has_entries && w.best_fit == FIT_NONE)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image is not made for linux/%s", architecture);
    *out_manifest = (struct sk_manifest){.is_index = w.has_entries};
    if (w.has_entries) {
        out_manifest->next = w.best.descriptor;
        return SK_OK;
    }
    if (!is_sound(&w.config))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image's manifest names no valid config");
    out_manifest->next = w.config;
    out_manifest->layers = w.layers;
    out_manifest->layer_count = w.layer_count;
    return check_layers(&w, err);
}

int64_t sk_manifest_total(const struct sk_manifest *manifest)
{
    int64_t total = manifest->next.size;
    for (size_t i = 0; i < manifest->layer_count; i++)
        total += manifest->layers[i].size;
    return total;
}
