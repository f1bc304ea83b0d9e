/* Requests for pages from arbitrary bytes (listener, method, path, host, each ended by a NUL): nobody sees
 * what is not for them, whatever they call the node and the page. */
#include "web/judge.h"

#include "base/own.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_open(enum sk_page page)
{
    return page == SK_PAGE_HEALTH || page == SK_PAGE_READY;
}

static void check(const struct sk_entry *entry, const struct sk_request *request)
{
    struct sk_verdict v = sk_web_judge(entry, request);
    bool is_metrics = v.page == SK_PAGE_METRICS && entry->has_public_metrics;

    if ((v.status == 200) != (v.page != SK_PAGE_NONE) || (v.status == 200) != (v.why == NULL))
        abort();
    if (v.status != 200)
        return;
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        abort();
    if (entry->is_loopback && (!request->host || strlen(request->host) > 63))
        abort();
    if (!entry->is_loopback && !is_open(v.page) && !is_metrics && !(entry->is_encrypted && request->has_key))
        abort();
}

/* The next text, NUL-terminated; heap. NULL when there is none. */
static char *next(const uint8_t **at, size_t *left)
{
    size_t len = strnlen((const char *)*at, *left);
    char *text = *left ? sk_strndup((const char *)*at, len) : NULL;
    size_t step = len < *left ? len + 1 : len;

    *at += step;
    *left -= step;
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const struct sk_entry entry = {data[0] & 1, data[0] & 2, data[0] & 4};
    const uint8_t *at = data + 1;
    size_t left = size - 1;
    SK_AUTO_FREE char *method = next(&at, &left);
    SK_AUTO_FREE char *path = next(&at, &left);
    SK_AUTO_FREE char *host = next(&at, &left);
    const struct sk_request request = {
        .method = method ? method : "", .path = path ? path : "", .host = host, .has_key = data[0] & 8};

    check(&entry, &request);
    return 0;
}
