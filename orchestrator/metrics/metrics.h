/* metrics.h: counters, gauges and histograms, and how Prometheus reads them
 * (text exposition format 0.0.4).
 *
 * A registry is made once; families and the series in them are declared at
 * start, so that recording is an addition and allocates nothing. Names are
 * "sandkeep_…" in base units (seconds, bytes), or "process_…" as in every
 * program; labels have few values, known
 * beforehand: never ids, never what strangers choose.
 *
 * Threads: loop only; what other threads know is posted to the loop. A NULL
 * series, or one of a NULL registry, records nothing: code under test needs no
 * registry. */
#ifndef SK_METRICS_METRICS_H
#define SK_METRICS_METRICS_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>

struct sk_metrics; /* the registry */
struct sk_series;  /* one line of it, or one histogram */

enum sk_metric_kind { SK_COUNTER, SK_GAUGE, SK_HISTOGRAM };

/* A family; lives as long as the registry, usually static. */
struct sk_metric {
    const char *name; /* without "sandkeep_"; ends with its unit, or with "_total" */
    const char *help; /* one sentence */
    enum sk_metric_kind kind;
    const char *label; /* of its series; NULL = one series without a label */
    const char *label2;
    const double *buckets; /* of a histogram: upper bounds, ascending; NULL = SK_BUCKETS_SECONDS */
    size_t bucket_count;
};

/* 0.5 ms to 60 s. */
extern const double SK_BUCKETS_SECONDS[];
extern const size_t SK_BUCKETS_SECONDS_COUNT;

/* Heap; one owner. */
struct sk_metrics *sk_metrics_new(void);
void sk_metrics_free(struct sk_metrics *metrics); /* NULL is fine */

/* The series with these values of the family's labels (NULL where it has none); made at the first call, with
 * its family, and borrowed for as long as the registry. Texts of values are copied. metrics NULL gives NULL.
 */
struct sk_series *sk_metrics_series(struct sk_metrics *metrics, const struct sk_metric *metric,
                                    const char *value, const char *value2);

/* --- recording ---------------------------------------------------------------- */
void sk_series_add(struct sk_series *series, double by); /* counters, gauges */
void sk_series_set(struct sk_series *series, double to); /* gauges; counters that somebody else counts */
void sk_series_observe(struct sk_series *series, double value); /* histograms */
void sk_series_observe_since(struct sk_series *series, struct sk_instant began, struct sk_instant now);

/* --- reading ------------------------------------------------------------------ */
/* Called before each exposition, for gauges that are counted only when somebody looks. Lives as long as the
 * registry, or until it is removed. */
struct sk_metrics_reader {
    void (*fn)(struct sk_metrics_reader *reader);
    struct sk_metrics_reader *next; /* the registry's */
};
void sk_metrics_add_reader(struct sk_metrics *metrics, struct sk_metrics_reader *reader);
void sk_metrics_remove_reader(struct sk_metrics *metrics, struct sk_metrics_reader *reader);

/* Appends all of it. Errors: SK_RESOURCE_EXHAUSTED at the buffer's ceiling. */
SK_MUST_CHECK enum sk_code sk_metrics_write(struct sk_metrics *metrics, struct sk_buf *out);

#endif
