#include "drivers/http/exchange.h"

#include <assert.h>

static void on_head(void *arg, const struct sk_http_head *head)
{
    struct sk_exchange *exchange = arg;
    exchange->status = head->status;
    exchange->retry_after_s = head->retry_after_s;
}

static void on_data(void *arg, const uint8_t *data, size_t len)
{
    struct sk_exchange *exchange = arg;
    enum sk_code code = sk_buf_append(&exchange->body, data, len);
    assert(code == SK_OK); /* the transfer has the same limit */
    (void)code;
}

static void answer(struct sk_exchange *exchange, const struct sk_err *err)
{
    struct sk_err why = err ? *err : (struct sk_err){0};
    struct sk_done *done = sk_take(exchange->done);
    sk_http_close(sk_take(exchange->transfer)); /* what err points to goes */
    sk_done_fire(done, err ? &why : NULL);
}

static void on_end(void *arg, const struct sk_err *err)
{
    answer(arg, err);
}

static void cancel(struct sk_done *done)
{
    struct sk_exchange *exchange = done->callee;
    struct sk_err err;
    sk_http_close(sk_take(exchange->transfer));
    exchange->done = NULL;
    (void)!sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_done_later(exchange->loop, done, &err);
}

void sk_exchange_start(struct sk_exchange *exchange, struct sk_http *http,
                       const struct sk_http_request *request, struct sk_done *done)
{
    static const struct sk_http_events events = {on_head, on_data, on_end};
    struct sk_http_request prompt = *request;
    assert(!exchange->transfer && !exchange->done);
    exchange->loop = sk_http_loop(http);
    exchange->done = done;
    exchange->status = 0;
    exchange->retry_after_s = -1;
    sk_buf_fini(&exchange->body);
    sk_buf_init(&exchange->body, (size_t)request->max_bytes);
    done->cancel = cancel;
    done->callee = exchange;
    prompt.least = request->max_bytes + 1; /* a byte now and then would keep all who wait for the answer */
    exchange->transfer = sk_http_start(http, &prompt, &events, exchange);
}

void sk_exchange_fini(struct sk_exchange *exchange)
{
    if (exchange->done)
        exchange->done->cancel = NULL;
    exchange->done = NULL;
    sk_http_close(sk_take(exchange->transfer));
    sk_buf_fini(&exchange->body);
}
