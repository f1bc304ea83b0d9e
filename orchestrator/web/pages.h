/* pages.h: what stands on each page. Threads: loop only; at once. */
#ifndef SK_WEB_PAGES_H
#define SK_WEB_PAGES_H

#include "web/judge.h"
#include "web/web.h"

/* Of a refusal too. Everything is the caller's: free(body). */
struct sk_page_made {
    int status;
    const char *type; /* Content-Type; static */
    char *body;       /* heap */
    size_t len;
    char policy[256]; /* Content-Security-Policy */
};

struct sk_page_made sk_page_make(const struct sk_web_options *options, const struct sk_verdict *verdict);

#endif
