/* How a request shows who it is from: what a 401 leads to. */
#include "drivers/registry/request.h"

#include <string.h>

enum { PROOFS_MAX = 4 }; /* in one try; more only when others renew a grant again and again */

static char *grant_key(const struct sk_request *request)
{
    return sk_token_grant_key(sk_request_endpoint(request)->url.text, request->repository,
                              sk_request_login(request));
}

static const struct sk_token_grant *find_grant(const struct sk_request *request)
{
    SK_AUTO_FREE char *key = grant_key(request);
    return sk_token_grants_find(&request->registry->grants, key, sk_loop_now(request->registry->loop));
}

/* The registry wants a password with each request. */
static void note_basic(struct sk_request *request)
{
    SK_AUTO_FREE char *key = grant_key(request);
    sk_token_grants_put(&request->registry->grants, key, NULL,
                        sk_instant_add(sk_loop_now(request->registry->loop), SK_SEC(3600)));
}

void sk_request_add_proof(struct sk_request *request, struct sk_http_request *http)
{
    const struct sk_token_grant *grant = request->foreign ? NULL : find_grant(request);
    const struct sk_image_login *login = sk_request_login(request);
    request->sent_grant = grant ? grant->serial : 0;
    if (grant && grant->token) {
        http->bearer = grant->token;
    } else if (grant && login) {
        http->user = login->username;
        http->password = login->password;
    }
}

const char *sk_request_token(const struct sk_request *request)
{
    const struct sk_token_grant *grant = find_grant(request);
    return grant && grant->serial == request->sent_grant ? grant->token : NULL;
}

static void end_token(struct sk_token_waiter *waiter, const struct sk_err *err,
                      const struct sk_outcome *outcome)
{
    struct sk_request *request = sk_container_of(waiter, struct sk_request, token);
    if (err) {
        sk_request_end_try(request, err, outcome);
        return;
    }
    request->renewed = true;
    sk_request_send(request);
}

/* Passwords go over https, or where the config has the registry itself speak plain http. */
static enum sk_code judge_server(const struct sk_request *request, const struct sk_url *server,
                                 struct sk_err *err)
{
    bool fine = !server->plain || sk_request_endpoint(request)->url.plain;
    for (size_t i = 0; !fine && request->config && i < request->endpoints.len; i++)
        fine = sk_url_same_origin(server, &request->endpoints.items[i].url);
    if (fine)
        return SK_OK;
    return sk_fail(err, SK_FAILED_PRECONDITION, "%s names a token server without https (%s)",
                   request->url.host, server->host);
}

static enum sk_code judge_login(const struct sk_image_login *login, struct sk_err *err)
{
    if (!login || strcmp(login->username, SK_IMAGE_LOGIN_TOKEN) != 0)
        return SK_OK;
    return sk_fail(err, SK_FAILED_PRECONDITION,
                   "the login for %s is an identity token, which is not supported: a user and password are",
                   login->registry);
}

static enum sk_code ask_server(struct sk_request *request, const struct sk_challenge *challenge,
                               struct sk_err *err)
{
    const struct sk_image_login *login = sk_request_login(request);
    struct sk_url server = {0};
    enum sk_code code = judge_login(login, err);
    if (code == SK_OK)
        code = sk_auth_url(challenge, request->repository, &server, err);
    if (code == SK_OK)
        code = judge_server(request, &server, err);
    if (code != SK_OK) {
        sk_url_fini(&server);
        return code;
    }
    bool named = sk_endpoint_is_named(request->config, &request->endpoints, &server);
    struct sk_token_ask ask = {
        .auth = {.login = login,
                 .internal = named,
                 .ca_file = named && *request->config->ca_file ? request->config->ca_file : NULL,
                 .stall = request->registry->stall},
        .server = server,
        .grant_key = grant_key(request),
    };
    request->token.over = end_token;
    sk_token_wait(&request->token, request->registry, &ask);
    return SK_OK;
}

static void ask_for_token(struct sk_request *request, const struct sk_challenge *challenge)
{
    struct sk_err err;
    sk_request_drop_transfer(request);
    if (ask_server(request, challenge, &err) != SK_OK)
        sk_request_end_try(request, &err, &(struct sk_outcome){err.code, 401, -1});
}

static void send_again(struct sk_request *request)
{
    sk_request_drop_transfer(request);
    sk_request_send(request);
}

bool sk_request_prove(struct sk_request *request, const char *authenticate)
{
    struct sk_challenge challenge;
    const struct sk_token_grant *grant = find_grant(request);
    sk_challenge_parse(authenticate, &challenge);
    if (request->renewed || request->foreign || request->proofs++ == PROOFS_MAX)
        return false;
    if (grant && grant->serial != request->sent_grant) { /* renewed by another request meanwhile */
        send_again(request);
    } else if (challenge.bearer) {
        ask_for_token(request, &challenge);
    } else if (challenge.basic && sk_request_login(request) && !(grant && !grant->token)) {
        note_basic(request);
        request->renewed = true;
        send_again(request);
    } else {
        return false;
    }
    return true;
}
