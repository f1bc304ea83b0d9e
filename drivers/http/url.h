/* url.h: URLs of servers and of where they send us, taken apart and put
 * together by curl's own parser, so that what is judged is what is asked.
 * Pure. */
#ifndef SK_URL_H
#define SK_URL_H

#include "base/err.h"

#include <stdbool.h>

struct sk_url {
    bool plain;          /* http, else https */
    char authority[300]; /* "host:port", lower case, the port always there: to compare */
    char host[300];      /* "host", or "host:port" where the port is not the scheme's: to show */
    char *text;          /* as curl writes it; on the heap */
};

/* http or https alone; no user or password in it; a fragment is dropped. Errors: SK_INVALID_ARGUMENT. On
 * success *out_url is the caller's: sk_url_fini. */
SK_MUST_CHECK enum sk_code sk_url_parse(const char *text, struct sk_url *out_url, struct sk_err *err);
/* The same for a Location, which may be relative to `base`. */
SK_MUST_CHECK enum sk_code sk_url_resolve(const char *base, const char *location, struct sk_url *out_url,
                                          struct sk_err *err);
/* Zeroed is fine. */
void sk_url_fini(struct sk_url *url);

/* `name`=`value`, escaped, as a further part of the query. Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_url_add_query(struct sk_url *url, const char *name, const char *value,
                                            struct sk_err *err);

/* Whether both are the same scheme, host and port. */
bool sk_url_same_origin(const struct sk_url *a, const struct sk_url *b);

#endif
