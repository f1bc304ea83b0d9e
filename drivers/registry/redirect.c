/* Where a registry sends us on to: which places are gone to, and what they are not shown. */
#include "drivers/registry/request.h"

enum { REDIRECTS_MAX = 5 };

static enum sk_code judge_redirect(const struct sk_request *request, const struct sk_url *to,
                                   struct sk_err *err)
{
    if (request->redirects == REDIRECTS_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s leads to more than %d other places",
                       sk_request_endpoint(request)->url.host, REDIRECTS_MAX);
    if (to->plain && !request->url.plain && !sk_endpoint_is_named(request->config, &request->endpoints, to))
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s leads from https to plain http (%s)",
                       request->url.host, to->host);
    return SK_OK;
}

void sk_request_follow(struct sk_request *request, const char *location)
{
    struct sk_url to = {0};
    struct sk_err err;
    enum sk_code code = sk_url_resolve(request->url.text, location, &to, &err);
    if (code != SK_OK)
        (void)!sk_fail(&err, SK_FAILED_PRECONDITION, "%s answered %d and leads nowhere", request->url.host,
                       request->status);
    else
        code = judge_redirect(request, &to, &err);
    if (code != SK_OK) {
        sk_url_fini(&to);
        sk_request_end_for_good(request, &err);
        return;
    }
    request->redirects++;
    request->foreign = request->foreign || !sk_url_same_origin(&to, &sk_request_endpoint(request)->url);
    sk_request_drop_transfer(request);
    sk_url_fini(&request->url);
    request->url = to;
    sk_request_send(request);
}

bool sk_request_is_redirect(const struct sk_http_head *head)
{
    return head->location && (head->status == 301 || head->status == 302 || head->status == 303 ||
                              head->status == 307 || head->status == 308);
}
