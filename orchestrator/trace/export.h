/* export.h: spans on their way to the collector: written as JSON when they
 * end, sent many at a time, one request after the other. For trace.c.
 *
 * Threads: loop only. */
#ifndef SK_TRACE_EXPORT_H
#define SK_TRACE_EXPORT_H

#include "base/buf.h"
#include "drivers/http/exchange.h"
#include "trace/trace.h"

struct sk_trace_export {
    struct sk_loop *loop;
    const struct sk_log *log;
    struct sk_http *http;
    char *url, *node_id;
    struct sk_buf waiting; /* spans, separated by commas */
    uint64_t waiting_count;
    struct sk_buf body; /* of the request under way */
    uint64_t body_count;
    unsigned tries; /* of it, that failed */
    struct sk_exchange exchange;
    struct sk_done answered;
    struct sk_timer pause;
    bool sending, failing;
    struct sk_trace_stats stats;

    bool closing;
    struct sk_task gone;
    struct sk_timer limit; /* of the closing */
    void (*on_closed)(struct sk_trace_export *export, struct sk_done *done);
    struct sk_done *closed;
};

SK_MUST_CHECK enum sk_code sk_trace_export_open(struct sk_trace_export *export,
                                                const struct sk_tracer_options *options, struct sk_err *err);
/* Where spans go from now on, those that wait included; "": nowhere, and they are dropped. */
void sk_trace_export_send_to(struct sk_trace_export *export, const char *url);
void sk_trace_export_add(struct sk_trace_export *export, const struct sk_span *span, const char *name,
                         bool is_call, const struct sk_err *err, const struct sk_span_fact *facts);
/* on_closed may free the export. */
void sk_trace_export_close(struct sk_trace_export *export,
                           void (*on_closed)(struct sk_trace_export *export, struct sk_done *done),
                           struct sk_done *done);

#endif
