/* manifest.c: image indexes and manifests. */
#include "drivers/containerd/image_config.h"
#include "drivers/containerd/json_in.h"
#include "drivers/containerd/reference.h"

#include <string.h>

#define WORD_SIZE 32 /* of platform fields; longer ones match nothing */

/* How well an entry of an index fits, worst first. */
enum fit { FIT_NONE, FIT_UNNAMED, FIT_EXACT };

struct entry {
    char digest[SK_DIGEST_SIZE];
    char os[WORD_SIZE], architecture[WORD_SIZE], variant[WORD_SIZE];
    bool has_platform;
};

struct walk {
    const char *architecture;
    struct entry entry; /* the one being read */
    struct entry best;
    enum fit best_fit;
    char config[SK_DIGEST_SIZE];
    bool has_entries, has_config;
};

/* Copies a string that fits; another leaves *out as something that matches nothing. */
static void take_text(char *out, size_t size, const struct sk_json_item *item)
{
    bool fits = item->kind == SK_JSON_STRING && item->len < size;
    memcpy(out, fits ? item->text : "?", fits ? item->len : 1);
    out[fits ? item->len : 1] = '\0';
}

static enum fit fit_of(const struct entry *e, const char *architecture)
{
    if (!sk_digest_is_valid(e->digest))
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
    w->entry = (struct entry){0};
}

static enum sk_code on_item(void *arg, const struct sk_json_item *item, struct sk_err *err)
{
    struct walk *w = arg;
    const char *path = item->path;
    (void)err;
    if (strcmp(path, "/manifests") == 0 && item->kind == SK_JSON_OPEN)
        w->has_entries = true;
    else if (strcmp(path, "/manifests/*") == 0 && item->kind == SK_JSON_CLOSE)
        end_entry(w);
    else if (strcmp(path, "/manifests/*/digest") == 0)
        take_text(w->entry.digest, sizeof(w->entry.digest), item);
    else if (strcmp(path, "/manifests/*/platform") == 0 && item->kind == SK_JSON_OPEN)
        w->entry.has_platform = true;
    else if (strcmp(path, "/manifests/*/platform/os") == 0)
        take_text(w->entry.os, WORD_SIZE, item);
    else if (strcmp(path, "/manifests/*/platform/architecture") == 0)
        take_text(w->entry.architecture, WORD_SIZE, item);
    else if (strcmp(path, "/manifests/*/platform/variant") == 0)
        take_text(w->entry.variant, WORD_SIZE, item);
    else if (strcmp(path, "/config") == 0 && item->kind == SK_JSON_OPEN)
        w->has_config = true;
    else if (strcmp(path, "/config/digest") == 0)
        take_text(w->config, sizeof(w->config), item);
    return SK_OK;
}

enum sk_code sk_manifest_parse(const uint8_t *text, size_t len, const char *architecture,
                               struct sk_manifest *out_manifest, struct sk_err *err)
{
    struct walk w = {.architecture = architecture};
    struct sk_err fault;
    if (sk_json_read(text, len, on_item, &w, &fault) != SK_OK)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image's manifest: %s", fault.text);
    if (w.has_entries == w.has_config) /* both: which one was meant? */
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image is neither an index nor a manifest");
    if (w.has_entries && w.best_fit == FIT_NONE)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image is not made for linux/%s", architecture);
    const char *next = w.has_entries ? w.best.digest : w.config;
    if (!sk_digest_is_valid(next))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image's manifest names no valid config");
    *out_manifest = (struct sk_manifest){.is_index = w.has_entries};
    memcpy(out_manifest->next, next, strlen(next) + 1);
    return SK_OK;
}
