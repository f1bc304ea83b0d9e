/* chronicle.h: what the daemon tells of calls, as the config says: the audit,
 * and traces. */
#ifndef SK_CHRONICLE_H
#define SK_CHRONICLE_H

#include "audit/audit.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "trace/trace.h"

/* Blocking, for start-up. *out_audit is NULL when none is wanted. */
SK_MUST_CHECK enum sk_code sk_chronicle_open(struct sk_loop *loop, const struct sk_log *log,
                                             const struct sk_config *config, struct sk_audit **out_audit,
                                             struct sk_err *err);
/* What a changed config says of it; audit may be NULL. */
void sk_chronicle_reaudit(struct sk_audit *audit, const struct sk_config *config);
/* It traces nothing when the config names no collector. */
SK_MUST_CHECK enum sk_code sk_chronicle_trace(struct sk_loop *loop, const struct sk_log *log,
                                              const struct sk_config *config, const char *node_id,
                                              struct sk_tracer **out_tracer, struct sk_err *err);
/* What a changed config says of traces. */
void sk_chronicle_retrace(struct sk_tracer *tracer, const struct sk_config *config);

/* How both are doing, told to whoever reads the metrics. */
struct sk_chronicle_meters {
    struct sk_metrics_reader reader;
    struct sk_metrics *metrics;
    struct sk_audit *const *audit; /* where they are, once and as long as they are there */
    struct sk_tracer *const *tracer;
    struct sk_series *lines, *lost, *success, *room, *sent, *dropped;
};
/* All is borrowed until the fini. */
void sk_chronicle_meters_init(struct sk_chronicle_meters *meters, struct sk_metrics *metrics,
                              struct sk_audit *const *audit, struct sk_tracer *const *tracer);
void sk_chronicle_meters_fini(struct sk_chronicle_meters *meters);

#endif
