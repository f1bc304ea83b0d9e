#include "cli/image_index.h"

#include "oci/json_in.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct parse {
    struct sk_arena *arena;
    struct sk_index_item *items;
    size_t count, cap;
    const char *full, *partial; /* the names of the item at hand */
};

bool sk_index_is_index(const struct sk_oci_descriptor *what)
{
    return strcmp(what->media_type, "application/vnd.oci.image.index.v1+json") == 0 ||
           strcmp(what->media_type, "application/vnd.docker.distribution.manifest.list.v2+json") == 0;
}

static enum sk_code begin(struct parse *parse, struct sk_err *err)
{
    if (parse->count == SK_INDEX_ITEMS_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the index names more than %d manifests",
                       SK_INDEX_ITEMS_MAX);
    if (parse->count == parse->cap) {
        parse->cap = parse->cap ? parse->cap * 2 : 16;
        parse->items = sk_realloc(parse->items, parse->cap * sizeof(parse->items[0]));
    }
    parse->items[parse->count++] = (struct sk_index_item){.what.size = -1};
    parse->full = parse->partial = NULL;
    return SK_OK;
}

/* What tools write as ref.name is often the tag alone: that names nothing. */
static enum sk_code end(struct parse *parse, struct sk_err *err)
{
    struct sk_index_item *item = &parse->items[parse->count - 1];

    item->name = parse->full;
    if (!item->name && parse->partial && strpbrk(parse->partial, ":/"))
        item->name = parse->partial;
    if (!sk_digest_is_valid(item->what.digest) || item->what.size < 0)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the index names something without a digest and a size");
    return SK_OK;
}

static void copy(char *out, size_t size, const struct sk_json_item *json)
{
    (void)snprintf(out, size, "%.*s", (int)(json->len < size ? json->len : 0), json->text);
}

static void take_text(struct parse *parse, const char *field, const struct sk_json_item *json)
{
    struct sk_oci_descriptor *what = &parse->items[parse->count - 1].what;

    if (strcmp(field, "digest") == 0)
        copy(what->digest, sizeof(what->digest), json);
    else if (strcmp(field, "mediaType") == 0)
        copy(what->media_type, sizeof(what->media_type), json);
    else if (strcmp(field, "annotations/io.containerd.image.name") == 0)
        parse->full = sk_arena_strndup(parse->arena, json->text, json->len);
    else if (strcmp(field, "annotations/org.opencontainers.image.ref.name") == 0)
        parse->partial = sk_arena_strndup(parse->arena, json->text, json->len);
}

static void take_number(struct parse *parse, const char *field, const struct sk_json_item *json)
{
    char text[24], *rest;

    if (strcmp(field, "size") != 0 || !json->text || json->len >= sizeof(text))
        return;
    copy(text, sizeof(text), json);
    errno = 0;
    long long size = strtoll(text, &rest, 10);
    parse->items[parse->count - 1].what.size = errno || *rest || rest == text ? -1 : size;
}

#define PREFIX "/manifests/*"

static enum sk_code on_item(void *arg, const struct sk_json_item *json, struct sk_err *err)
{
    struct parse *parse = arg;

    if (strncmp(json->path, PREFIX, strlen(PREFIX)) != 0)
        return SK_OK;
    const char *field = json->path + strlen(PREFIX);
    if (!*field && json->kind == SK_JSON_OPEN && !json->is_array)
        return begin(parse, err);
    if (!*field && json->kind == SK_JSON_CLOSE && parse->count)
        return end(parse, err);
    if (*field != '/' || !parse->count)
        return SK_OK;
    if (json->kind == SK_JSON_STRING)
        take_text(parse, field + 1, json);
    else if (json->kind == SK_JSON_OTHER)
        take_number(parse, field + 1, json);
    return SK_OK;
}

enum sk_code sk_index_parse(const uint8_t *text, size_t len, struct sk_arena *arena,
                            struct sk_index_item **out_items, size_t *out_count, struct sk_err *err)
{
    struct parse parse = {.arena = arena};
    struct sk_err why = {0};
    enum sk_code code = sk_json_read(text, len, on_item, &parse, &why);

    if (!code && !parse.count)
        code = sk_fail(&why, SK_FAILED_PRECONDITION, "it names no manifest");
    if (!code) {
        *out_items = sk_arena_memdup(arena, parse.items, parse.count * sizeof(parse.items[0]));
        *out_count = parse.count;
    }
    free(parse.items);
    return code ? sk_fail(err, SK_FAILED_PRECONDITION, "the index cannot be used: %s", why.text) : SK_OK;
}
