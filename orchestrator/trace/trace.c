#include "trace/trace.h"

#include "base/random.h"
#include "base/siphash.h"
#include "trace/export.h"

#include <string.h>

struct sk_tracer {
    struct sk_loop *loop;
    uint64_t key[2], count; /* ids come from these */
    unsigned sample_percent;
    struct sk_trace_context current;
    struct sk_trace_export export;
};

/* --- ids ---------------------------------------------------------------------------- */

static uint64_t next_number(struct sk_tracer *tracer)
{
    uint64_t number;
    do {
        tracer->count++;
        number = sk_siphash(tracer->key, &tracer->count, sizeof(tracer->count));
    } while (number == 0);
    return number;
}

static void make_span_id(struct sk_tracer *tracer, uint8_t out[8])
{
    uint64_t number = next_number(tracer);
    memcpy(out, &number, 8);
}

/* --- spans --------------------------------------------------------------------------- */

struct sk_span sk_span_of_call(struct sk_tracer *tracer, const char *traceparent)
{
    struct sk_span span = {.parent = {0}};
    if (!tracer || !*tracer->export.url)
        return span;
    if (sk_traceparent_parse(traceparent, &span.context)) {
        memcpy(span.parent, span.context.span, sizeof(span.parent));
    } else if (tracer->sample_percent > 0 && next_number(tracer) % 100 < tracer->sample_percent) {
        make_span_id(tracer, span.context.trace);
        make_span_id(tracer, span.context.trace + 8);
        span.context.sampled = true;
    }
    if (!span.context.sampled)
        return (struct sk_span){.parent = {0}};
    make_span_id(tracer, span.context.span);
    span.began = sk_loop_now(tracer->loop);
    return span;
}

struct sk_span sk_span_below(struct sk_tracer *tracer, const struct sk_trace_context *context,
                             struct sk_instant began)
{
    struct sk_span span = {.context = *context, .began = began};
    if (!tracer || !context->sampled)
        return (struct sk_span){.parent = {0}};
    memcpy(span.parent, context->span, sizeof(span.parent));
    make_span_id(tracer, span.context.span);
    return span;
}

void sk_span_end(struct sk_tracer *tracer, const struct sk_span *span, const char *name, bool is_call,
                 const struct sk_err *err, const struct sk_span_fact *facts)
{
    if (tracer && *tracer->export.url && span->context.sampled)
        sk_trace_export_add(&tracer->export, span, name, is_call, err, facts);
}

void sk_tracer_enter(struct sk_tracer *tracer, const struct sk_trace_context *context)
{
    if (tracer)
        tracer->current = context ? *context : (struct sk_trace_context){.sampled = false};
}

struct sk_trace_context sk_tracer_current(const struct sk_tracer *tracer)
{
    return tracer ? tracer->current : (struct sk_trace_context){.sampled = false};
}

struct sk_trace_stats sk_tracer_stats(const struct sk_tracer *tracer)
{
    return tracer ? tracer->export.stats : (struct sk_trace_stats){0};
}

/* --- new, close ------------------------------------------------------------------------ */

enum sk_code sk_tracer_new(const struct sk_tracer_options *options, struct sk_tracer **out_tracer,
                           struct sk_err *err)
{
    struct sk_tracer *tracer = sk_alloc(sizeof(*tracer));
    tracer->loop = options->loop;
    tracer->sample_percent = options->sample_percent;
    sk_random(tracer->key, sizeof(tracer->key));
    enum sk_code code = sk_trace_export_open(&tracer->export, options, err);
    if (code != SK_OK) {
        free(tracer);
        return sk_err_wrap(err, "traces");
    }
    *out_tracer = tracer;
    return SK_OK;
}

void sk_tracer_configure(struct sk_tracer *tracer, const char *url, unsigned sample_percent)
{
    tracer->sample_percent = sample_percent;
    sk_trace_export_send_to(&tracer->export, url);
}

static void on_closed(struct sk_trace_export *export, struct sk_done *done)
{
    free(sk_container_of(export, struct sk_tracer, export));
    sk_done_fire(done, NULL);
}

void sk_tracer_close(struct sk_tracer *tracer, struct sk_done *done)
{
    sk_trace_export_close(&tracer->export, on_closed, done);
}
