#include "trace/export.h"

#include "base/hex.h"
#include "base/json_out.h"

#include <inttypes.h>
#include <string.h>

#define QUEUE_BYTES ((size_t)1 << 20)
#define SOON_BYTES  ((size_t)256 << 10) /* then it is not waited for more */
#define FRAME_BYTES 1024                /* around the spans */
#define TEXT_MAX    1024
#define GATHER      SK_SEC(1)
#define RETRY       SK_SEC(2)
#define STALL       SK_SEC(10)
#define LAST        SK_SEC(3)
#define ANSWER_MAX  ((int64_t)64 << 10)

enum { TRIES_MAX = 3, KIND_INTERNAL = 1, KIND_SERVER = 2, STATUS_ERROR = 2 };

static void send_now(struct sk_trace_export *x);

/* --- a span as JSON -------------------------------------------------------------------- */

static enum sk_code put_times(struct sk_trace_export *x, struct sk_buf *out, const struct sk_span *span)
{
    int64_t end = sk_loop_wall(x->loop).ns;
    int64_t took = sk_instant_diff(sk_loop_now(x->loop), span->began).ns;
    return sk_buf_printf(out, ",\"startTimeUnixNano\":\"%" PRId64 "\",\"endTimeUnixNano\":\"%" PRId64 "\"",
                         end - took, end);
}

static enum sk_code put_ids(struct sk_buf *out, const struct sk_span *span, bool is_call)
{
    static const uint8_t none[8] = {0};
    char trace[33], id[17], parent[17] = "";
    sk_hex_print(span->context.trace, 16, trace);
    sk_hex_print(span->context.span, 8, id);
    if (memcmp(span->parent, none, sizeof(none)) != 0)
        sk_hex_print(span->parent, 8, parent);
    return sk_buf_printf(
        out, "{\"traceId\":\"%s\",\"spanId\":\"%s\",\"parentSpanId\":\"%s\",\"kind\":%d,\"name\":", trace, id,
        parent, is_call ? KIND_SERVER : KIND_INTERNAL);
}

static enum sk_code put_fact(struct sk_buf *out, const struct sk_span_fact *fact, bool is_first)
{
    enum sk_code code = sk_buf_printf(out, "%s{\"key\":\"%s\",\"value\":{", is_first ? "" : ",", fact->key);
    if (code == SK_OK && !fact->text)
        return sk_buf_printf(out, "\"intValue\":\"%" PRId64 "\"}}", fact->number);
    if (code == SK_OK)
        code = sk_buf_printf(out, "\"stringValue\":");
    if (code == SK_OK)
        code = sk_json_out_text(out, fact->text, TEXT_MAX);
    return code == SK_OK ? sk_buf_printf(out, "}}") : code;
}

static enum sk_code put_facts(struct sk_buf *out, const struct sk_span_fact *facts)
{
    enum sk_code code = sk_buf_printf(out, ",\"attributes\":[");
    bool is_first = true;
    for (; code == SK_OK && facts && facts->key; facts++) {
        if (facts->text && !*facts->text)
            continue;
        code = put_fact(out, facts, is_first);
        is_first = false;
    }
    return code == SK_OK ? sk_buf_printf(out, "]") : code;
}

static enum sk_code put_status(struct sk_buf *out, const struct sk_err *err)
{
    enum sk_code code = SK_OK;
    if (err)
        code = sk_buf_printf(out, ",\"status\":{\"code\":%d,\"message\":", STATUS_ERROR);
    if (err && code == SK_OK)
        code = sk_json_out_text(out, err->text, TEXT_MAX);
    return code == SK_OK ? sk_buf_printf(out, "%s", err ? "}}" : "}") : code;
}

static enum sk_code put_span(struct sk_trace_export *x, struct sk_buf *out, const struct sk_span *span,
                             const char *name, bool is_call, const struct sk_err *err,
                             const struct sk_span_fact *facts)
{
    enum sk_code code = x->waiting_count > 0 ? sk_buf_append(out, ",", 1) : SK_OK;
    if (code == SK_OK)
        code = put_ids(out, span, is_call);
    if (code == SK_OK)
        code = sk_json_out_text(out, name, TEXT_MAX);
    if (code == SK_OK)
        code = put_times(x, out, span);
    if (code == SK_OK)
        code = put_facts(out, facts);
    return code == SK_OK ? put_status(out, err) : code;
}

/* --- sending ----------------------------------------------------------------------------- */

static void let_go(struct sk_task *task)
{
    struct sk_trace_export *x = sk_container_of(task, struct sk_trace_export, gone);
    sk_timer_stop(x->loop, &x->pause);
    sk_timer_stop(x->loop, &x->limit);
    sk_exchange_fini(&x->exchange);
    sk_http_free(x->http);
    sk_buf_fini(&x->waiting);
    sk_buf_fini(&x->body);
    free(x->url);
    free(x->node_id);
    x->on_closed(x, x->closed);
}

static void on_pause(struct sk_timer *timer)
{
    send_now(sk_container_of(timer, struct sk_trace_export, pause));
}

static void send_after(struct sk_trace_export *x, struct sk_duration pause)
{
    sk_timer_start(x->loop, &x->pause, sk_instant_add(sk_loop_now(x->loop), pause), on_pause);
}

/* What comes next: more of it, or the end. */
static void go_on(struct sk_trace_export *x)
{
    if (x->body_count > 0)
        send_after(x, RETRY);
    else if (x->waiting_count > 0)
        send_after(x, x->closing || x->waiting.len > SOON_BYTES ? SK_NS(0) : GATHER);
    else if (x->closing)
        sk_loop_defer(x->loop, &x->gone, let_go);
}

static bool is_worth_another_try(const struct sk_trace_export *x, const struct sk_err *err)
{
    int status = x->exchange.status;
    return x->tries < TRIES_MAX && (err || status == 429 || status >= 500);
}

static void note(struct sk_trace_export *x, const struct sk_err *err, bool fine)
{
    if (!fine && !x->failing)
        sk_log_err(x->log, SK_WARN, "trace.not_taken", err, SK_STR("url", x->url),
                   SK_INT("status", x->exchange.status));
    else if (fine && x->failing)
        sk_log(x->log, SK_INFO, "trace.taken_again", SK_INT("dropped", x->stats.dropped));
    x->failing = !fine;
}

static void on_answered(struct sk_done *done, const struct sk_err *err)
{
    struct sk_trace_export *x = sk_container_of(done, struct sk_trace_export, answered);
    bool fine = !err && x->exchange.status >= 200 && x->exchange.status < 300;
    x->sending = false;
    note(x, err, fine);
    x->tries++;
    if (fine || !is_worth_another_try(x, err)) {
        *(fine ? &x->stats.sent : &x->stats.dropped) += x->body_count;
        x->body_count = 0;
    }
    go_on(x);
}

static enum sk_code frame(struct sk_trace_export *x)
{
    sk_buf_clear(&x->body);
    enum sk_code code =
        sk_buf_printf(&x->body,
                      "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
                      "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"sandkeep\"}},"
                      "{\"key\":\"service.version\",\"value\":{\"stringValue\":\"%s\"}},"
                      "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"%s\"}}]},"
                      "\"scopeSpans\":[{\"scope\":{\"name\":\"sandkeep\"},\"spans\":[",
                      SK_VERSION, x->node_id);
    if (code == SK_OK)
        code = sk_buf_append(&x->body, x->waiting.data, x->waiting.len);
    return code == SK_OK ? sk_buf_printf(&x->body, "]}]}]}") : code;
}

static void drop_all(struct sk_trace_export *x)
{
    x->stats.dropped += x->body_count + x->waiting_count;
    x->body_count = x->waiting_count = 0;
    sk_buf_clear(&x->waiting);
    if (x->closing)
        go_on(x);
}

static void send_now(struct sk_trace_export *x)
{
    if (x->sending)
        return;
    if (!*x->url) {
        drop_all(x);
        return;
    }
    if (x->body_count == 0) {
        bool fits = frame(x) == SK_OK; /* its ceiling is the queue's and what is around it */
        x->body_count = x->waiting_count;
        x->tries = fits ? 0 : TRIES_MAX;
        sk_buf_clear(&x->waiting);
        x->waiting_count = 0;
    }
    const struct sk_http_request request = {
        .url = x->url,
        .body = x->body.data,
        .body_len = x->body.len,
        .content_type = "application/json",
        .internal = true, /* the operator named it */
        .max_bytes = ANSWER_MAX,
        .stall = STALL,
    };
    x->sending = true;
    sk_done_init(&x->answered, on_answered);
    sk_exchange_start(&x->exchange, x->http, &request, &x->answered);
}

void sk_trace_export_add(struct sk_trace_export *x, const struct sk_span *span, const char *name,
                         bool is_call, const struct sk_err *err, const struct sk_span_fact *facts)
{
    size_t before = x->waiting.len;
    bool is_first = x->waiting_count == 0;
    if (x->closing || put_span(x, &x->waiting, span, name, is_call, err, facts) != SK_OK) {
        x->waiting.len = before;
        x->stats.dropped++;
        return;
    }
    x->waiting_count++;
    if (x->sending || x->body_count > 0)
        return; /* when that is answered */
    if (is_first)
        send_after(x, GATHER);
    else if (before < SOON_BYTES && x->waiting.len >= SOON_BYTES)
        send_after(x, SK_NS(0));
}

void sk_trace_export_send_to(struct sk_trace_export *x, const char *url)
{
    if (strcmp(x->url, url) == 0)
        return;
    free(x->url);
    x->url = sk_strdup(url);
    x->failing = false; /* that was another collector */
}

/* --- open, close --------------------------------------------------------------------------- */

enum sk_code sk_trace_export_open(struct sk_trace_export *x, const struct sk_tracer_options *options,
                                  struct sk_err *err)
{
    const struct sk_http_options http = {
        .loop = options->loop, .log = options->log, .proxy = "", .max_connections = 1};
    *x = (struct sk_trace_export){.loop = options->loop, .log = options->log};
    enum sk_code code = sk_http_new(&http, &x->http, err);
    if (code != SK_OK)
        return code;
    x->url = sk_strdup(options->url);
    x->node_id = sk_strdup(options->node_id);
    sk_buf_init(&x->waiting, QUEUE_BYTES);
    sk_buf_init(&x->body, QUEUE_BYTES + FRAME_BYTES);
    return SK_OK;
}

/* The collector had its time. */
static void on_limit(struct sk_timer *timer)
{
    struct sk_trace_export *x = sk_container_of(timer, struct sk_trace_export, limit);
    x->stats.dropped += x->body_count + x->waiting_count;
    sk_loop_undefer(&x->gone);
    let_go(&x->gone);
}

void sk_trace_export_close(struct sk_trace_export *x,
                           void (*on_closed)(struct sk_trace_export *export, struct sk_done *done),
                           struct sk_done *done)
{
    x->closing = true;
    x->on_closed = on_closed;
    x->closed = done;
    sk_timer_start(x->loop, &x->limit, sk_instant_add(sk_loop_now(x->loop), LAST), on_limit);
    if (!x->sending)
        go_on(x);
}
