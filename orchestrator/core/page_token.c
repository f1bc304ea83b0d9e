#include "core/page_token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum sk_code bad_token(struct sk_err *err)
{
    (void)sk_fail(err, SK_INVALID_ARGUMENT, "the page token is not one of ours");
    if (err)
        (void)snprintf(err->field, sizeof(err->field), "page_token");
    return SK_INVALID_ARGUMENT;
}

enum sk_code sk_page_parse(const char *token, bool (*is_id)(const char *text), struct sk_page_anchor *out,
                           struct sk_err *err)
{
    char *end = NULL;

    *out = (struct sk_page_anchor){0};
    if (!token || !token[0])
        return SK_OK;
    if (token[0] < '1' || token[0] > '9' || strlen(token) >= SK_PAGE_TOKEN_MAX)
        return bad_token(err);
    errno = 0;
    int64_t created = strtoll(token, &end, 10);
    if (errno || *end != '.' || !is_id(end + 1))
        return bad_token(err);
    *out = (struct sk_page_anchor){{created}, end + 1};
    return SK_OK;
}

void sk_page_print(struct sk_wall created, const char *id, char out[SK_PAGE_TOKEN_MAX])
{
    (void)snprintf(out, SK_PAGE_TOKEN_MAX, "%" PRId64 ".%s", created.ns, id);
}

bool sk_page_is_after(const struct sk_page_anchor *anchor, struct sk_wall created, const char *id,
                      bool ascending)
{
    if (!anchor->id)
        return true;
    int order = created.ns != anchor->created.ns ? (created.ns < anchor->created.ns ? -1 : 1)
                                                 : strcmp(id, anchor->id);
    return ascending ? order > 0 : order < 0;
}
