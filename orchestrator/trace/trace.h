/* trace.h: spans, sent by OTLP over HTTP as JSON (opentelemetry-proto,
 * docs/specification.md; field names as in proto3's JSON) to a collector.
 *
 * A span costs nothing unless its trace is sampled: as the caller's
 * traceparent says, or else for a share of calls. Spans wait in a queue with a
 * ceiling; what does not fit, and what the collector does not take, is counted
 * and dropped. Nobody waits for it.
 *
 * Threads: loop only. In every function but new and close `tracer` may be NULL: nothing is traced. */
#ifndef SK_TRACE_TRACE_H
#define SK_TRACE_TRACE_H

#include "base/log.h"
#include "loop/done.h"
#include "trace/context.h"

struct sk_tracer;

struct sk_tracer_options {
    struct sk_loop *loop;     /* borrowed */
    const struct sk_log *log; /* borrowed */
    const char *url;          /* "http://127.0.0.1:4318/v1/traces"; "": nothing is traced; copied */
    unsigned sample_percent;  /* of calls whose caller does not say */
    const char *node_id;      /* copied */
};

SK_MUST_CHECK enum sk_code sk_tracer_new(const struct sk_tracer_options *options,
                                         struct sk_tracer **out_tracer, struct sk_err *err);
/* The same two from now on. */
void sk_tracer_configure(struct sk_tracer *tracer, const char *url, unsigned sample_percent);
/* Sends what waits, for a few seconds at most, frees, then fires. */
void sk_tracer_close(struct sk_tracer *tracer, struct sk_done *done);

/* Something that takes time. Zeroed: not traced. */
struct sk_span {
    struct sk_trace_context context;
    uint8_t parent[8]; /* zeros = none */
    struct sk_instant began;
};

struct sk_span_fact {
    const char *key, *text; /* text NULL: the number */
    int64_t number;
};

/* A call's, which continues the trace of `traceparent` (may be NULL). */
struct sk_span sk_span_of_call(struct sk_tracer *tracer, const char *traceparent);
/* One below `context`, that began at `began`. */
struct sk_span sk_span_below(struct sk_tracer *tracer, const struct sk_trace_context *context,
                             struct sk_instant began);
/* It is over. `facts` ends with a NULL key; what is NULL or "" is left out; err may be NULL. */
void sk_span_end(struct sk_tracer *tracer, const struct sk_span *span, const char *name, bool is_call,
                 const struct sk_err *err, const struct sk_span_fact *facts);

/* What is being done now, on the loop: set while a call's handler runs, so that what it begins knows whose it
 * is. NULL = nobody's. */
void sk_tracer_enter(struct sk_tracer *tracer, const struct sk_trace_context *context);
struct sk_trace_context sk_tracer_current(const struct sk_tracer *tracer);

struct sk_trace_stats {
    uint64_t sent, dropped; /* spans */
};
struct sk_trace_stats sk_tracer_stats(const struct sk_tracer *tracer);

#endif
