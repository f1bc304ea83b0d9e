/* request.h: one GET at a registry: the places it can be asked at one after
 * the other, with credentials where they belong, along redirects, again when
 * that may help. For manifest.c and blob.c, which embed it. */
#ifndef SK_REGISTRY_REQUEST_H
#define SK_REGISTRY_REQUEST_H

#include "drivers/registry/client.h"
#include "drivers/registry/endpoint.h"
#include "drivers/registry/tokens.h"

struct sk_request;

/* What becomes of the answers. An error means that those of this place are no good. */
struct sk_request_ops {
    /* Whether there is nothing (more) to ask for. May be NULL. */
    bool (*is_whole)(const struct sk_request *request);
    /* The first byte to ask for. May be NULL: 0. */
    int64_t (*from)(const struct sk_request *request);
    /* A 200 or 206. */
    enum sk_code (*begin)(struct sk_request *request, const struct sk_http_head *head, struct sk_err *err);
    enum sk_code (*data)(struct sk_request *request, const uint8_t *data, size_t len, struct sk_err *err);
    /* The response was complete. */
    enum sk_code (*finish)(struct sk_request *request, struct sk_err *err);
};

struct sk_request {
    /* The owner's, set before the start. */
    struct sk_registry *registry;
    const struct sk_request_ops *ops;
    const char *accept; /* static, may be NULL */
    int64_t max_bytes;
    bool bulk; /* as in http.h */

    const struct sk_registry_host *config; /* may be NULL */
    struct sk_done *done;
    struct sk_arena arena; /* of the texts below */
    const char *path, *registry_name, *repository;
    const struct sk_image_login *asker; /* may be NULL */
    struct sk_endpoints endpoints;
    unsigned at;        /* the endpoint under way */
    unsigned tries;     /* of it, that are over */
    int64_t progressed; /* new bytes since a break-off was last forgiven for them */

    /* Of the try under way. */
    struct sk_url url;
    struct sk_http_transfer *transfer;
    struct sk_token_waiter token;
    struct sk_buf refusal; /* a body that says why not */
    bool foreign;          /* has been led to another host: no credentials any more */
    bool accepted;         /* the body is what was asked for */
    bool renewed;          /* a new grant was had for it: another refusal counts */
    unsigned redirects, proofs;
    uint64_t sent_grant; /* serial; 0 = went without */
    int status;
    int64_t retry_after_s;

    struct sk_timer pause; /* between tries */
    bool held, over;
};

/* path: "manifests/…" or "blobs/…", behind the repository. Everything is copied. done: fires in a callback of
 * the loop; the owner may free afterwards, after sk_request_fini. */
void sk_request_start(struct sk_request *request, const struct sk_registry_ask *ask, const char *path,
                      struct sk_done *done);
/* SK_CANCELLED follows, unless it is over. */
void sk_request_cancel(struct sk_request *request);
void sk_request_fini(struct sk_request *request);
/* Holds the flow of data, over tries. */
void sk_request_hold(struct sk_request *request, bool held);

/* --- for prove.c and redirect.c ----------------------------------------------- */
const struct sk_endpoint *sk_request_endpoint(const struct sk_request *request);
/* Whose credentials the endpoint gets; NULL = none. */
const struct sk_image_login *sk_request_login(const struct sk_request *request);
/* Sends request->url. */
void sk_request_send(struct sk_request *request);
void sk_request_drop_transfer(struct sk_request *request);
/* The try is over; err not NULL. */
void sk_request_end_try(struct sk_request *request, const struct sk_err *err,
                        const struct sk_outcome *outcome);

/* The same with an error that no second try at this place would change. */
void sk_request_end_for_good(struct sk_request *request, const struct sk_err *err);

/* --- redirect.c --------------------------------------------------------------- */
/* Whether it leads somewhere else. */
bool sk_request_is_redirect(const struct sk_http_head *head);
/* Another request is on its way afterwards, or the try is over. Credentials stay behind at another host. */
void sk_request_follow(struct sk_request *request, const char *location);

/* --- prove.c ---------------------------------------------------------------- */
/* Adds what shows who we are; borrowed while the request is sent. */
void sk_request_add_proof(struct sk_request *request, struct sk_http_request *http);
/* The token that was sent, NULL = none; borrowed. */
const char *sk_request_token(const struct sk_request *request);
/* After a 401: true when another request is on its way, or the try is over. */
bool sk_request_prove(struct sk_request *request, const char *authenticate);

#endif
