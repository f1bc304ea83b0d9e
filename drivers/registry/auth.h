/* auth.h: asks a token server, as a registry's challenge says. */
#ifndef SK_REGISTRY_AUTH_H
#define SK_REGISTRY_AUTH_H

#include "base/buf.h"
#include "drivers/http/http.h"
#include "drivers/http/url.h"
#include "drivers/image.h"
#include "drivers/registry/challenge.h"
#include "drivers/registry/retry.h"
#include "drivers/registry/token.h"

/* One question. Zeroed is none. */
struct sk_auth {
    struct sk_http_transfer *transfer;
    struct sk_buf body;
    const char *secret; /* borrowed from the login */
    int status;
    int64_t retry_after_s;
    struct sk_url server;
    /* In a callback of the loop, at most once; err NULL: token is there. outcome: for retry.h. */
    void (*over)(struct sk_auth *auth, const struct sk_err *err, const struct sk_outcome *outcome);
    struct sk_token token;
};

/* The URL that a Bearer challenge names; without a scope it is that of pulling from `repository`. Errors:
 * SK_FAILED_PRECONDITION. On success *out_url is the caller's. */
SK_MUST_CHECK enum sk_code sk_auth_url(const struct sk_challenge *challenge, const char *repository,
                                       struct sk_url *out_url, struct sk_err *err);

struct sk_auth_ask {
    const struct sk_image_login *login; /* NULL: as nobody; else borrowed until it is over */
    bool internal;                      /* as in http.h */
    const char *ca_file;
    struct sk_duration stall;
};

/* `over` is set. */
void sk_auth_start(struct sk_auth *auth, struct sk_http *http, const struct sk_auth_ask *ask,
                   struct sk_url *server_take);
/* Over is not called afterwards; what it holds goes. Fine inside over, and when there is no question. */
void sk_auth_stop(struct sk_auth *auth);

#endif
