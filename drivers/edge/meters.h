/* meters.h: whether HAProxy is there, and how often it had to be started again. Threads: loop only. */
#ifndef SK_EDGE_METERS_H
#define SK_EDGE_METERS_H

#include "metrics/metrics.h"

/* A zeroed one records nothing. */
struct sk_haproxy_meters {
    struct sk_metrics *metrics; /* borrowed */
    struct sk_metrics_reader reader;
    struct sk_series *up, *starts;
};

/* Lies in a struct sk_haproxy, as its `meters`. */
void sk_haproxy_meters_init(struct sk_haproxy_meters *meters, struct sk_metrics *metrics);
void sk_haproxy_meters_fini(struct sk_haproxy_meters *meters);

#endif
