/* page_token.h: where a page of a listing begins. Listings are in the order
 * (created, id); a token is the key of the last thing given,
 * "<created>.<id>", so that paging goes on where it was even when that one is
 * gone. Pure. */
#ifndef SK_CORE_PAGE_TOKEN_H
#define SK_CORE_PAGE_TOKEN_H

#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>

#define SK_PAGE_TOKEN_MAX 96

struct sk_page_anchor {
    struct sk_wall created; /* 0 = the beginning */
    const char *id;         /* in the token; NULL = the beginning */
};

/* token may be NULL or "". is_id: what it must name. Errors: SK_INVALID_ARGUMENT (field "page_token"). */
SK_MUST_CHECK enum sk_code sk_page_parse(const char *token, bool (*is_id)(const char *text),
                                         struct sk_page_anchor *out, struct sk_err *err);
void sk_page_print(struct sk_wall created, const char *id, char out[SK_PAGE_TOKEN_MAX]);
/* Whether that comes after the anchor in the order asked for. */
bool sk_page_is_after(const struct sk_page_anchor *anchor, struct sk_wall created, const char *id,
                      bool ascending);

#endif
