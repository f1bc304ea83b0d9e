#include "drivers/wandb/wandb.h"

#include "drivers/http/exchange.h"
#include "drivers/wandb/viewer.h"

#include <string.h>

#define ANSWER_MAX ((int64_t)256 * 1024)
#define PATIENCE   SK_SEC(10)

struct wandb {
    struct sk_verifier base;
    struct sk_http *http;
    char *url, *ca_file;
};

/* One question. */
struct question {
    struct sk_exchange exchange;
    struct sk_done answered;
    struct sk_verified *out;
    struct sk_done *done;
};

static void judge(struct question *q, struct sk_err *err)
{
    int status = q->exchange.status;

    if (status == 200)
        (void)!sk_viewer_parse(q->exchange.body.data, q->exchange.body.len, q->out, err);
    else if (status == 401)
        (void)sk_fail(err, SK_UNAUTHENTICATED, "the W&B server does not know this API key");
    else
        (void)sk_fail(err, SK_UNAVAILABLE, "the W&B server answers with status %d", status);
}

static void on_answered(struct sk_done *answered, const struct sk_err *err)
{
    struct question *q = sk_container_of(answered, struct question, answered);
    struct sk_done *done = q->done;
    struct sk_err why = {0};

    if (err)
        why = *err;
    else
        judge(q, &why);
    sk_exchange_fini(&q->exchange);
    free(q);
    done->cancel = NULL;
    sk_done_fire(done, why.code == SK_OK ? NULL : &why);
}

static void cancel(struct sk_done *done)
{
    struct question *q = done->callee;

    done->cancel = NULL;
    sk_done_cancel(&q->answered);
}

static void verify(struct sk_verifier *verifier, const char *key, struct sk_verified *out,
                   struct sk_done *done)
{
    struct wandb *w = sk_container_of(verifier, struct wandb, base);
    struct question *q = sk_alloc(sizeof(*q));
    const struct sk_http_request request = {
        .url = w->url,
        .accept = "application/json",
        .user = "api",
        .password = key,
        .body = SK_VIEWER_QUERY,
        .body_len = strlen(SK_VIEWER_QUERY),
        .content_type = "application/json",
        .ca_file = w->ca_file,
        .internal = true, /* the operator has named it */
        .max_bytes = ANSWER_MAX,
        .stall = PATIENCE,
    };

    *q = (struct question){.out = out, .done = done};
    done->callee = q;
    done->cancel = cancel;
    sk_done_init(&q->answered, on_answered);
    sk_exchange_start(&q->exchange, w->http, &request, &q->answered);
}

void sk_wandb_configure(struct sk_verifier *verifier, const char *url, const char *ca_file)
{
    struct wandb *w = sk_container_of(verifier, struct wandb, base);
    size_t len = strlen(url);

    while (len && url[len - 1] == '/')
        len--;
    free(w->url);
    free(w->ca_file);
    w->url = sk_printf("%.*s/graphql", (int)len, url);
    w->ca_file = sk_strdup(ca_file);
}

struct sk_verifier *sk_wandb_new(const struct sk_wandb_options *options)
{
    static const struct sk_verifier_ops ops = {.verify = verify};
    struct wandb *w = sk_alloc(sizeof(*w));

    *w = (struct wandb){.base = {&ops}, .http = options->http};
    sk_wandb_configure(&w->base, options->url, options->ca_file);
    return &w->base;
}

void sk_wandb_free(struct sk_verifier *verifier)
{
    struct wandb *w = verifier ? sk_container_of(verifier, struct wandb, base) : NULL;

    if (!w)
        return;
    free(w->url);
    free(w->ca_file);
    free(w);
}
