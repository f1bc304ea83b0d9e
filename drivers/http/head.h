/* head.h: pure: the lines before the body of an HTTP response, as they come,
 * made into what a transfer reports. What is not asked for is counted and
 * dropped; lines and bytes have a ceiling, since a server may never end. */
#ifndef SK_HEAD_H
#define SK_HEAD_H

#include "drivers/http/http.h"

#define SK_HEAD_TEXT_MAX  8192
#define SK_HEAD_LINES_MAX 256
#define SK_HEAD_BYTES_MAX ((size_t)128 << 10)

/* A zeroed one is ready. */
struct sk_head {
    struct sk_http_head values; /* its texts are those below; valid once it is over */
    bool over;                  /* the empty line has come, and it was not of a 1xx */
    size_t lines, bytes;        /* so far, of 1xx responses and trailers too */
    bool chunked, malformed;
    char *location, *content_type, *content_digest, *authenticate; /* owned */
};

void sk_head_fini(struct sk_head *head);
/* One line with its line end. Lines after the end are trailers: counted only. `now` is for Retry-After.
 * Errors: SK_RESOURCE_EXHAUSTED, SK_FAILED_PRECONDITION (a length that is no number, a coding nobody asked
 * for). */
SK_MUST_CHECK enum sk_code sk_head_line(struct sk_head *head, const char *line, size_t len,
                                        struct sk_wall now, struct sk_err *err);

#endif
