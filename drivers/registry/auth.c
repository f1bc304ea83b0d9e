#include "drivers/registry/auth.h"

#include "drivers/registry/answer.h"

#include <assert.h>

enum sk_code sk_auth_url(const struct sk_challenge *challenge, const char *repository, struct sk_url *out_url,
                         struct sk_err *err)
{
    SK_AUTO_FREE char *pull = sk_printf("repository:%s:pull", repository);
    struct sk_url url = {0};
    struct sk_err why = {0};
    enum sk_code code = sk_url_parse(challenge->realm, &url, &why);
    if (code == SK_OK && *challenge->service)
        code = sk_url_add_query(&url, "service", challenge->service, &why);
    if (code == SK_OK)
        code = sk_url_add_query(&url, "scope", *challenge->scope ? challenge->scope : pull, &why);
    if (code != SK_OK) {
        sk_url_fini(&url);
        return sk_fail(err, SK_FAILED_PRECONDITION, "its token server: %s", why.text);
    }
    *out_url = url;
    return SK_OK;
}

static void on_head(void *arg, const struct sk_http_head *head)
{
    struct sk_auth *auth = arg;
    auth->status = head->status;
    auth->retry_after_s = head->retry_after_s;
}

static void end(struct sk_auth *auth, const struct sk_err *err, int status)
{
    const struct sk_outcome outcome = {
        .code = err ? err->code : SK_OK, .status = status, .retry_after_s = auth->retry_after_s};
    sk_http_close(sk_take(auth->transfer));
    auth->over(auth, err, &outcome);
}

static void on_data(void *arg, const uint8_t *data, size_t len)
{
    struct sk_auth *auth = arg;
    struct sk_err err;
    if (sk_buf_append(&auth->body, data, len) == SK_OK)
        return;
    (void)!sk_fail(&err, SK_FAILED_PRECONDITION, "token server %s: an answer above 64 KiB",
                   auth->server.host);
    end(auth, &err, auth->status);
}

static enum sk_code judge(struct sk_auth *auth, struct sk_err *err)
{
    if (auth->status != 200)
        return sk_answer_fail(&(struct sk_answer){.host = auth->server.host,
                                                  .status = auth->status,
                                                  .retry_after_s = auth->retry_after_s,
                                                  .body = auth->body.data,
                                                  .len = auth->body.len,
                                                  .secrets = {auth->secret}},
                              err);
    enum sk_code code = sk_token_parse(auth->body.data, auth->body.len, &auth->token, err);
    return code == SK_OK ? SK_OK : sk_err_wrap(err, "token server %s", auth->server.host);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct sk_auth *auth = arg;
    struct sk_err why;
    if (err) {
        why = *err; /* it lies in the transfer, which goes */
        (void)!sk_err_wrap(&why, "token server");
        end(auth, &why, 0);
        return;
    }
    enum sk_code code = judge(auth, &why);
    end(auth, code == SK_OK ? NULL : &why, auth->status);
}

void sk_auth_start(struct sk_auth *auth, struct sk_http *http, const struct sk_auth_ask *ask,
                   struct sk_url *server_take)
{
    static const struct sk_http_events events = {on_head, on_data, on_end};
    assert(!auth->transfer && auth->over);
    auth->server = *server_take;
    *server_take = (struct sk_url){0};
    auth->status = 0;
    auth->retry_after_s = -1;
    auth->secret = ask->login ? ask->login->password : NULL;
    sk_buf_init(&auth->body, SK_TOKEN_ANSWER_MAX);
    const struct sk_http_request request = {
        .url = auth->server.text,
        .user = ask->login ? ask->login->username : NULL,
        .password = ask->login ? ask->login->password : NULL,
        .ca_file = ask->ca_file,
        .internal = ask->internal,
        .max_bytes = (int64_t)SK_TOKEN_ANSWER_MAX,
        .stall = ask->stall,
        .least = SK_HTTP_LEAST,
    };
    auth->transfer = sk_http_start(http, &request, &events, auth);
}

void sk_auth_stop(struct sk_auth *auth)
{
    sk_http_close(sk_take(auth->transfer));
    sk_buf_fini(&auth->body);
    sk_url_fini(&auth->server);
    sk_token_fini(&auth->token);
}
