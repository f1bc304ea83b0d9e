/* metrics_impl.h: the inside of a registry, for metrics/ alone. */
#ifndef SK_METRICS_METRICS_IMPL_H
#define SK_METRICS_METRICS_IMPL_H

#include "base/list.h"
#include "metrics/metrics.h"

#include <stdint.h>

struct sk_family {
    struct sk_list link;
    const struct sk_metric *metric;
    struct sk_list series; /* in the order in which they were declared */
};

struct sk_series {
    struct sk_list link;
    const struct sk_family *family;
    char *value, *value2; /* of the labels; heap; NULL = the family has none */
    double number;        /* of a histogram: the sum */
    uint64_t count;       /* of a histogram, as all below */
    const double *bounds;
    size_t bound_count;
    uint64_t buckets[]; /* one more than there are bounds; each its own, not those below */
};

struct sk_metrics {
    struct sk_list families; /* in the order in which they were declared */
    struct sk_metrics_reader *readers;
};

#endif
