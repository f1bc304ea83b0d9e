#include "drivers/registry/request.h"

#include "base/random.h"
#include "drivers/registry/answer.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define FORGIVING ((int64_t)1024 * 1024) /* bytes of progress for which a break-off is not counted */

static void begin_try(struct sk_request *request);
static const struct sk_http_events events;

const struct sk_endpoint *sk_request_endpoint(const struct sk_request *request)
{
    return &request->endpoints.items[request->at];
}

const struct sk_image_login *sk_request_login(const struct sk_request *request)
{
    const struct sk_endpoint *endpoint = sk_request_endpoint(request);
    const struct sk_image_login *asker = request->asker;
    if (asker && strcasecmp(asker->registry, endpoint->login_name) == 0)
        return asker;
    /* Somebody who shows who they are is not taken for the node. */
    if (asker && !endpoint->mirror)
        return NULL;
    return sk_registry_find_login(request->registry, endpoint->login_name);
}

static int64_t next_byte(const struct sk_request *request)
{
    return request->ops->from ? request->ops->from(request) : 0;
}

void sk_request_drop_transfer(struct sk_request *request)
{
    sk_http_close(sk_take(request->transfer));
    sk_buf_clear(&request->refusal);
}

/* Nothing is under way afterwards. */
static void drop_try(struct sk_request *request)
{
    sk_request_drop_transfer(request);
    sk_token_leave(&request->token);
    sk_timer_stop(request->registry->loop, &request->pause);
}

static void finish(struct sk_request *request, const struct sk_err *err)
{
    drop_try(request);
    request->over = true;
    sk_done_fire(request->done, err);
}

static void pause_over(struct sk_timer *timer)
{
    begin_try(sk_container_of(timer, struct sk_request, pause));
}

static void try_again(struct sk_request *request, const struct sk_err *err, const struct sk_outcome *outcome)
{
    struct sk_registry *registry = request->registry;
    uint32_t chance;
    sk_random(&chance, sizeof(chance));
    struct sk_duration pause = sk_retry_pause(&registry->retry, outcome, request->tries, chance);
    sk_log_err(registry->log, SK_WARN, "registry.retry", err,
               SK_STR("host", sk_request_endpoint(request)->url.host), SK_INT("status", outcome->status),
               SK_STR("path", request->path), SK_INT("tries", request->tries), SK_MS("pause", pause));
    sk_timer_start(registry->loop, &request->pause, sk_instant_add(sk_loop_now(registry->loop), pause),
                   pause_over);
}

static void go_to_next(struct sk_request *request, const struct sk_err *err, const struct sk_outcome *outcome)
{
    sk_log_err(request->registry->log, SK_WARN, "registry.next", err,
               SK_STR("host", sk_request_endpoint(request)->url.host), SK_INT("status", outcome->status),
               SK_STR("path", request->path));
    request->at++;
    request->tries = 0;
    begin_try(request);
}

void sk_request_end_try(struct sk_request *request, const struct sk_err *err,
                        const struct sk_outcome *outcome)
{
    const struct sk_retry_policy *policy = &request->registry->retry;
    const struct sk_err why = *err; /* it may lie in what goes now */
    const struct sk_outcome how = *outcome;
    bool is_last = request->at + 1 == request->endpoints.len;
    drop_try(request);
    request->tries = request->progressed >= FORGIVING ? 1 : request->tries + 1;
    if (request->progressed >= FORGIVING)
        request->progressed = 0;
    if (sk_retry_is_worth(&how) && !sk_retry_is_too_long(policy, &how) &&
        request->tries < (is_last ? policy->tries : policy->tries_of_mirror))
        try_again(request, &why, &how);
    else if (!is_last)
        go_to_next(request, &why, &how);
    else
        finish(request, &why);
}

void sk_request_end_for_good(struct sk_request *request, const struct sk_err *err)
{
    sk_request_end_try(request, err, &(struct sk_outcome){err->code, 200, -1});
}

static void end_refused(struct sk_request *request)
{
    struct sk_err err;
    const struct sk_image_login *login = sk_request_login(request);
    const struct sk_answer answer = {
        .host = request->url.host,
        .status = request->status,
        .retry_after_s = request->retry_after_s,
        .body = request->refusal.data,
        .len = request->refusal.len,
        .hides_private =
            strcmp(request->registry_name, "docker.io") == 0 && !sk_request_endpoint(request)->mirror,
        .secrets = {login ? login->password : NULL, sk_request_token(request)},
    };
    (void)!sk_answer_fail(&answer, &err);
    sk_request_end_try(request, &err,
                       &(struct sk_outcome){err.code, request->status, request->retry_after_s});
}

static void accept_body(struct sk_request *request, const struct sk_http_head *head)
{
    struct sk_err err;
    request->accepted = true;
    if (request->ops->begin(request, head, &err) == SK_OK)
        return;
    (void)!sk_err_wrap(&err, "%s answered %d", request->url.host, head->status);
    sk_request_end_for_good(request, &err);
}

static void on_head(void *arg, const struct sk_http_head *head)
{
    struct sk_request *request = arg;
    request->status = head->status;
    request->retry_after_s = head->retry_after_s;
    if (head->status == 200 || head->status == 206)
        accept_body(request, head);
    else if (sk_request_is_redirect(head))
        sk_request_follow(request, head->location);
    else if (head->status == 401 && head->authenticate)
        (void)sk_request_prove(request, head->authenticate); /* false: its body says why not */
}

static void on_data(void *arg, const uint8_t *data, size_t len)
{
    struct sk_request *request = arg;
    struct sk_err err;
    if (!request->accepted) {
        size_t room = SK_ANSWER_BODY_MAX - request->refusal.len;
        (void)!sk_buf_append(&request->refusal, data, len < room ? len : room);
        if (len >= room)
            end_refused(request);
        return;
    }
    int64_t before = next_byte(request);
    enum sk_code code = request->ops->data(request, data, len, &err);
    if (request->over)
        return; /* cancelled by who took it */
    request->progressed += next_byte(request) - before;
    if (code == SK_OK)
        return;
    (void)!sk_err_wrap(&err, "%s answered %d", request->url.host, request->status);
    sk_request_end_for_good(request, &err);
}

/* A response without end: a limit of ours, and not the registry's, which it will not keep another time. */
static void end_broken(struct sk_request *request, const struct sk_err *err)
{
    struct sk_err why = *err;
    if (why.code == SK_RESOURCE_EXHAUSTED)
        why.code = SK_FAILED_PRECONDITION;
    sk_request_end_try(request, &why, &(struct sk_outcome){why.code, 0, -1});
}

/* Whether a response came that refuses; how its body ended does not matter. */
static bool is_refused(const struct sk_request *request)
{
    return request->status != 0 && !request->accepted;
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct sk_request *request = arg;
    struct sk_err why;
    if (is_refused(request)) {
        end_refused(request);
    } else if (err) {
        end_broken(request, err);
    } else if (request->ops->finish(request, &why) != SK_OK) {
        (void)!sk_err_wrap(&why, "%s answered %d", request->url.host, request->status);
        sk_request_end_for_good(request, &why);
    } else {
        finish(request, NULL);
    }
}

static const struct sk_http_events events = {on_head, on_data, on_end};

void sk_request_send(struct sk_request *request)
{
    bool named = sk_endpoint_is_named(request->config, &request->endpoints, &request->url);
    struct sk_http_request http = {
        .url = request->url.text,
        .accept = request->accept,
        .from = next_byte(request),
        .ca_file = named && *request->config->ca_file ? request->config->ca_file : NULL,
        .internal = named,
        .bulk = request->bulk,
        /* Refusals have a body as well. */
        .max_bytes =
            request->max_bytes > SK_ANSWER_BODY_MAX * 2 ? request->max_bytes : SK_ANSWER_BODY_MAX * 2,
        .stall = request->registry->stall,
        .least = SK_HTTP_LEAST,
    };
    request->accepted = false;
    request->status = 0;
    request->retry_after_s = -1;
    sk_request_add_proof(request, &http);
    request->transfer = sk_http_start(request->registry->http, &http, &events, request);
    if (request->held)
        sk_http_pause(request->transfer);
}

static void begin_try(struct sk_request *request)
{
    const struct sk_endpoint *endpoint = sk_request_endpoint(request);
    SK_AUTO_FREE char *text = sk_printf("%s/%s", endpoint->url.text, request->path);
    struct sk_err err;
    if (request->ops->is_whole && request->ops->is_whole(request)) {
        finish(request, NULL);
        return;
    }
    request->redirects = request->proofs = 0;
    request->foreign = request->renewed = false;
    sk_url_fini(&request->url);
    if (sk_url_parse(text, &request->url, &err) == SK_OK)
        sk_request_send(request);
    else
        sk_request_end_for_good(request, &err);
}

static void copy_ask(struct sk_request *request, const struct sk_registry_ask *ask, const char *path)
{
    struct sk_arena *arena = &request->arena;
    request->registry_name = sk_arena_strdup(arena, ask->reference->registry);
    request->repository = sk_arena_strdup(arena, ask->reference->repository);
    request->path = sk_arena_printf(arena, "%s/%s", request->repository, path);
    if (!ask->login)
        return;
    struct sk_image_login *login = sk_arena_alloc(arena, sizeof(*login));
    *login = sk_image_login_copy(arena, ask->login);
    request->asker = login;
}

static enum sk_code find_endpoints(struct sk_request *request, unsigned skip, struct sk_err *err)
{
    enum sk_code code = sk_endpoints_of(request->config, request->registry_name, &request->endpoints, err);
    if (code == SK_OK && skip >= request->endpoints.len)
        code = sk_fail(err, SK_OUT_OF_RANGE, "%s has no further place to ask at", request->registry_name);
    request->at = skip;
    return code;
}

static void first_try(struct sk_timer *timer)
{
    begin_try(sk_container_of(timer, struct sk_request, pause));
}

void sk_request_start(struct sk_request *request, const struct sk_registry_ask *ask, const char *path,
                      struct sk_done *done)
{
    struct sk_loop *loop = request->registry->loop;
    struct sk_err err;
    copy_ask(request, ask, path);
    sk_buf_init(&request->refusal, SK_ANSWER_BODY_MAX);
    request->done = done;
    request->registry->requests++;
    request->config = sk_registry_find_host(request->registry, request->registry_name);
    request->over = find_endpoints(request, ask->skip, &err) != SK_OK;
    if (request->over)
        sk_done_later(loop, done, &err);
    else
        sk_timer_start(loop, &request->pause, sk_loop_now(loop), first_try);
}

void sk_request_cancel(struct sk_request *request)
{
    struct sk_err err;
    if (request->over)
        return;
    drop_try(request);
    request->over = true;
    (void)!sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_done_later(request->registry->loop, request->done, &err);
}

void sk_request_fini(struct sk_request *request)
{
    assert(!request->transfer && !request->pause.slot && !request->token.is_waiting);
    if (request->asker)
        sk_image_login_wipe(request->asker);
    sk_buf_fini(&request->refusal);
    sk_url_fini(&request->url);
    sk_endpoints_fini(&request->endpoints);
    sk_arena_fini(&request->arena);
    sk_registry_let_go(request->registry); /* whose settings it has used until here */
}

void sk_request_hold(struct sk_request *request, bool held)
{
    request->held = held;
    if (request->transfer && held)
        sk_http_pause(request->transfer);
    else if (request->transfer)
        sk_http_resume(request->transfer);
}
