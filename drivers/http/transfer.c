#include "drivers/http/transfer.h"

#include "drivers/http/http_ask.h"
#include "drivers/http/vet.h"

#include <assert.h>
#include <netdb.h>
#include <string.h>

/* --- the end ------------------------------------------------------------------ */

/* It neither waits nor runs any more. */
static void leave(struct sk_http_transfer *transfer)
{
    struct sk_http *http = transfer->http;
    if (transfer->running)
        http->running--;
    transfer->running = false;
    sk_list_remove(&transfer->link);
    sk_timer_stop(http->loop, &transfer->stalled);
    sk_loop_undefer(&transfer->resume);
}

/* Out of curl's hands already. The owner may close it in on_end: nothing of it is touched afterwards. */
static void end(struct sk_http_transfer *transfer)
{
    struct sk_http *http = transfer->http;
    leave(transfer);
    sk_http_admit_later(http);
    transfer->events.on_end(transfer->arg, transfer->err.code ? &transfer->err : NULL);
}

static enum sk_code code_of(CURLcode result)
{
    switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, which anything is */
    case CURLE_WEIRD_SERVER_REPLY:
        return SK_FAILED_PRECONDITION;
    case CURLE_OUT_OF_MEMORY: /* a line of the header that has no end */
        return SK_RESOURCE_EXHAUSTED;
    case CURLE_URL_MALFORMAT:
        return SK_INVALID_ARGUMENT;
    default:
        return SK_UNAVAILABLE;
    }
}

static void judge(struct sk_http_transfer *transfer, CURLcode result)
{
    const char *said = *transfer->trouble ? transfer->trouble : curl_easy_strerror(result);
    if (transfer->err.code || result == CURLE_OK)
        return;
    if (transfer->refused.code && !transfer->tried)
        transfer->err = transfer->refused;
    else
        (void)sk_fail(&transfer->err, code_of(result), "%s: %s", transfer->site, said);
}

void sk_transfer_done(struct sk_http_transfer *transfer, CURLcode result)
{
    if (transfer->closed)
        return;
    judge(transfer, result);
    if (!transfer->err.code && !transfer->head.over)
        (void)sk_fail(&transfer->err, SK_UNAVAILABLE, "%s: no answer came", transfer->site);
    end(transfer);
}

/* --- time --------------------------------------------------------------------- */

static void on_stall(struct sk_timer *timer);

/* What the owner holds up does not stall. */
static void wait_for_byte(struct sk_http_transfer *transfer)
{
    struct sk_loop *loop = transfer->http->loop;
    if (transfer->paused)
        transfer->last_byte = sk_loop_now(loop);
    sk_timer_start(loop, &transfer->stalled, sk_instant_add(transfer->last_byte, transfer->stall), on_stall);
}

static void on_stall(struct sk_timer *timer)
{
    struct sk_http_transfer *transfer = sk_container_of(timer, struct sk_http_transfer, stalled);
    struct sk_instant now = sk_loop_now(transfer->http->loop);
    if (transfer->paused || sk_instant_diff(now, transfer->last_byte).ns < transfer->stall.ns) {
        wait_for_byte(transfer);
        return;
    }
    sk_multi_remove(transfer->multi, transfer->easy);
    (void)sk_fail(&transfer->err, SK_UNAVAILABLE, "%s: %s came for %lld ms", transfer->site,
                  transfer->since > 0 ? "hardly anything" : "nothing",
                  (long long)sk_duration_ms(transfer->stall));
    end(transfer);
}

static void touch(struct sk_http_transfer *transfer)
{
    transfer->since = 0;
    transfer->last_byte = sk_loop_now(transfer->http->loop);
}

/* Else a byte now and then would keep the connection, and all who wait for the body, for as long as it
 * likes. */
static void touch_by(struct sk_http_transfer *transfer, size_t len)
{
    transfer->since += (int64_t)len;
    if (transfer->since >= transfer->least)
        touch(transfer);
}

/* --- what comes; inside curl: 0 makes it give the transfer up -------------------- */

static void tell_head(struct sk_http_transfer *transfer)
{
    const struct sk_http_head *values = &transfer->head.values;
    touch(transfer);
    transfer->events.on_head(transfer->arg, values);
    if (!transfer->closed && values->length > transfer->max_bytes)
        (void)sk_fail(&transfer->err, SK_RESOURCE_EXHAUSTED, "%s announces %lld bytes where %lld are allowed",
                      transfer->site, (long long)values->length, (long long)transfer->max_bytes);
}

static size_t on_line(char *line, size_t size, size_t count, void *arg)
{
    struct sk_http_transfer *transfer = arg;
    size_t len = size * count;
    bool was_over = transfer->head.over;
    if (transfer->closed)
        return 0;
    if (sk_head_line(&transfer->head, line, len, sk_loop_wall(transfer->http->loop), &transfer->err) != SK_OK)
        (void)sk_err_wrap(&transfer->err, "%s", transfer->site);
    else if (transfer->head.over && !was_over)
        tell_head(transfer);
    return transfer->closed || transfer->err.code ? 0 : len;
}

/* What comes while the owner has paused is kept by curl: no more than its buffer, for it stops reading. */
static size_t on_piece(char *data, size_t size, size_t count, void *arg)
{
    struct sk_http_transfer *transfer = arg;
    size_t len = size * count;
    if (transfer->closed)
        return 0;
    if (transfer->paused) {
        transfer->held = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    touch_by(transfer, len);
    if ((uint64_t)len > (uint64_t)(transfer->max_bytes - transfer->received)) {
        (void)sk_fail(&transfer->err, SK_RESOURCE_EXHAUSTED, "%s sends more than the %lld bytes allowed",
                      transfer->site, (long long)transfer->max_bytes);
        return 0;
    }
    transfer->received += (int64_t)len;
    transfer->events.on_data(transfer->arg, (const uint8_t *)data, len);
    return transfer->closed ? 0 : len;
}

/* --- where it goes -------------------------------------------------------------- */

bool sk_transfer_may_reach(struct sk_http_transfer *transfer, const struct sockaddr *address, socklen_t len)
{
    char text[NI_MAXHOST] = "?";
    enum sk_vet verdict = sk_vet_address(address, len);
    if (verdict == SK_VET_PUBLIC && !transfer->internal && sk_vet_is_own(address, len))
        verdict = SK_VET_INTERNAL;
    if (verdict == SK_VET_PUBLIC || (verdict == SK_VET_INTERNAL && transfer->internal))
        return true;
    (void)getnameinfo(address, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
    (void)sk_fail(&transfer->refused, SK_PERMISSION_DENIED, "%s is at %s, %s", transfer->site, text,
                  verdict == SK_VET_INTERNAL ? "an internal address, where it may not be"
                                             : "an address that nothing is fetched from");
    sk_log_err(transfer->http->log, SK_WARN, "http.address_refused", &transfer->refused);
    return false;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct sk_http_transfer *transfer = arg;
    bool to_proxy = *transfer->http->proxy != '\0';
    (void)purpose;
    if (transfer->closed)
        return CURL_SOCKET_BAD;
    if (!to_proxy && !sk_transfer_may_reach(transfer, &address->addr, address->addrlen))
        return CURL_SOCKET_BAD;
    transfer->tried = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
}

/* --- open, close ------------------------------------------------------------------ */

/* None of these can fail. */
static void set_callbacks(struct sk_http_transfer *transfer)
{
    CURL *easy = transfer->easy;
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->trouble);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_piece);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, sk_multi_close_socket);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->multi);
}

struct sk_http_transfer *sk_http_start(struct sk_http *http, const struct sk_http_request *request,
                                       const struct sk_http_events *events, void *arg)
{
    assert(request->stall.ns > 0 && request->max_bytes >= 0);
    struct sk_http_transfer *transfer = sk_alloc(sizeof(*transfer));
    transfer->http = http;
    transfer->multi = &http->multis[request->internal];
    transfer->events = *events;
    transfer->arg = arg;
    transfer->internal = request->internal;
    transfer->bulk = request->bulk;
    transfer->max_bytes = request->max_bytes;
    transfer->stall = request->stall;
    transfer->least = request->least;
    transfer->easy = curl_easy_init();
    if (!transfer->easy)
        abort(); /* no memory, as in own.h */
    set_callbacks(transfer);
    sk_http_ask(transfer, request); /* its error is told when its turn comes */
    http->alive++;
    sk_list_append(&http->waiting, &transfer->link);
    sk_http_admit_later(http);
    return transfer;
}

void sk_transfer_begin(struct sk_http_transfer *transfer)
{
    if (transfer->err.code) {
        end(transfer);
        return;
    }
    transfer->running = true;
    transfer->http->running++;
    sk_list_append(&transfer->http->active, &transfer->link);
    touch(transfer);
    wait_for_byte(transfer);
    sk_multi_add(transfer->multi, transfer->easy);
}

void sk_http_pause(struct sk_http_transfer *transfer)
{
    transfer->paused = true;
}

static void resume(struct sk_task *task)
{
    struct sk_http_transfer *transfer = sk_container_of(task, struct sk_http_transfer, resume);
    if (transfer->paused || !transfer->held)
        return;
    transfer->held = false;
    sk_multi_unpause(transfer->multi, transfer->easy);
}

void sk_http_resume(struct sk_http_transfer *transfer)
{
    if (!transfer->paused)
        return;
    transfer->paused = false;
    touch(transfer);
    if (transfer->held && transfer->running)
        sk_loop_defer(transfer->http->loop, &transfer->resume, resume);
}

void sk_transfer_free(struct sk_http_transfer *transfer)
{
    sk_multi_remove(transfer->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->fields);
    sk_head_fini(&transfer->head);
    free(transfer->site);
    transfer->http->alive--;
    free(transfer);
}

void sk_http_close(struct sk_http_transfer *transfer)
{
    if (!transfer)
        return;
    assert(!transfer->closed);
    struct sk_http *http = transfer->http;
    transfer->closed = true;
    leave(transfer);
    if (sk_http_is_inside(http))
        sk_list_append(&http->doomed, &transfer->link);
    else
        sk_transfer_free(transfer);
    sk_http_admit_later(http);
}
