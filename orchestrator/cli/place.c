#include "cli/place.h"

#include <string.h>

enum sk_code sk_place_parse(const char *text, struct sk_place *out_place, struct sk_err *err)
{
    size_t len = strcspn(text, ":/");

    if (!*text)
        return sk_fail(err, SK_INVALID_ARGUMENT, "an empty path");
    if (strcmp(text, "-") == 0) {
        *out_place = (struct sk_place){.kind = SK_PLACE_STDIO, .path = text};
        return SK_OK;
    }
    if (text[len] != ':' || text[0] == '.') {
        *out_place = (struct sk_place){.kind = SK_PLACE_HERE, .path = text};
        return SK_OK;
    }
    if (!len)
        return sk_fail(err, SK_INVALID_ARGUMENT, "%s: which sandbox? A local name with a colon is ./%s", text,
                       text);
    if (text[len + 1] != '/')
        return sk_fail(err, SK_INVALID_ARGUMENT, "%s: the path in the sandbox must begin with /", text);
    *out_place = (struct sk_place){SK_PLACE_SANDBOX, sk_strndup(text, len), text + len + 1};
    return SK_OK;
}

void sk_place_fini(struct sk_place *place)
{
    free(place->id);
    *place = (struct sk_place){0};
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

bool sk_path_is_folder(const char *path)
{
    return ends_with(path, "/") || ends_with(path, "/.") || ends_with(path, "/..") ||
           strcmp(path, ".") == 0 || strcmp(path, "..") == 0;
}

char *sk_path_landing(const char *target, bool target_is_folder, const char *source)
{
    size_t end = strlen(source);

    while (end && source[end - 1] == '/')
        end--;
    size_t start = end;
    while (start && source[start - 1] != '/')
        start--;
    const char *name = source + start;
    size_t len = end - start;
    bool has_name = len && strncmp(name, ".", len) != 0 && (len != 2 || strncmp(name, "..", 2) != 0);
    if (!target_is_folder || !has_name)
        return sk_strdup(target);
    return sk_printf("%s%s%.*s", target, ends_with(target, "/") ? "" : "/", (int)len, name);
}
