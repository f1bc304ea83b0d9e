/* judge.h: what a request for a page gets, before anything is made for it. Pure.
 *
 * A listener on loopback needs no key. But browsers reach it too, on behalf of
 * whatever page is open in them: so it answers only to its own names (Host:
 * localhost, 127.x.y.z, [::1]), never to a name that a stranger's DNS has
 * turned to it. Elsewhere the key of an admin is needed, and since keys do not
 * travel in the open, they are taken only where the connection is encrypted;
 * health is for everybody, and metrics are when the configuration says so. */
#ifndef SK_WEB_JUDGE_H
#define SK_WEB_JUDGE_H

#include <stdbool.h>

enum sk_page {
    SK_PAGE_NONE,
    SK_PAGE_HEALTH,
    SK_PAGE_READY,
    SK_PAGE_METRICS,
    SK_PAGE_STATUS,
    SK_PAGE_STATUS_JSON
};

struct sk_request {
    const char *method, *path; /* the path without the query */
    const char *host;          /* NULL = not sent */
    bool has_key;              /* a good one, of an admin */
};

/* How the listener is reached. */
struct sk_entry {
    bool is_loopback;
    bool is_encrypted;
    bool has_public_metrics;
};

struct sk_verdict {
    int status; /* 200, or what is refused: 400, 401, 403, 404, 405 */
    enum sk_page page;
    const char *why; /* of a refusal, one sentence; static */
};

struct sk_verdict sk_web_judge(const struct sk_entry *entry, const struct sk_request *request);

#endif
