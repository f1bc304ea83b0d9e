#include "drivers/wandb/viewer.h"

#include "oci/json_in.h"

#include <string.h>

#define VIEWER "/data/viewer"
#define ERRORS "/errors"

struct reading {
    struct sk_verified *out;
    bool is_somebody, is_nobody, has_errors;
};

/* An empty list is none. */
static bool is_error(const struct sk_json_item *item)
{
    if (strcmp(item->path, ERRORS) == 0)
        return item->kind != SK_JSON_CLOSE && !item->is_null && !item->is_array;
    return strcmp(item->path, ERRORS "/*") == 0;
}

static bool names_entity(const char *path)
{
    return strcmp(path, VIEWER "/entity") == 0 || strcmp(path, VIEWER "/username") == 0 ||
           strcmp(path, VIEWER "/teams/edges/*/node/name") == 0;
}

static enum sk_code take(void *arg, const struct sk_json_item *item, struct sk_err *err)
{
    struct reading *r = arg;

    (void)err;
    r->has_errors |= is_error(item);
    if (strcmp(item->path, VIEWER) == 0) {
        r->is_somebody |= item->kind == SK_JSON_OPEN;
        r->is_nobody |= item->is_null;
    }
    if (item->kind == SK_JSON_STRING && item->len && names_entity(item->path) &&
        r->out->count < SK_VERIFIED_ENTITIES_MAX)
        r->out->entities[r->out->count++] = sk_arena_strndup(&r->out->arena, item->text, item->len);
    return SK_OK;
}

enum sk_code sk_viewer_parse(const uint8_t *body, size_t len, struct sk_verified *out, struct sk_err *err)
{
    struct reading r = {.out = out};
    enum sk_code code = sk_json_read(body, len, take, &r, NULL);

    if (code == SK_OK && r.has_errors)
        return sk_fail(err, SK_UNAVAILABLE, "the W&B server's answer tells of errors");
    if (code == SK_OK && r.is_nobody)
        return sk_fail(err, SK_UNAUTHENTICATED, "the W&B server does not know this API key");
    if (code != SK_OK || !r.is_somebody)
        return sk_fail(err, SK_UNAVAILABLE, "the W&B server's answer is not one about a key");
    return SK_OK;
}
