/* meters.h: how long containerd takes for what it is asked, by method.
 *
 * Threads: loop only. */
#ifndef SK_CONTAINERD_METERS_H
#define SK_CONTAINERD_METERS_H

#include "metrics/metrics.h"

#define SK_CTD_METERS_MAX 64 /* methods */

/* A zeroed one records nothing. */
struct sk_ctd_meters {
    struct sk_metrics *metrics;                                                 /* borrowed */
    struct sk_series *seconds[SK_CTD_METERS_MAX], *failures[SK_CTD_METERS_MAX]; /* once there is something */
};

/* One call is over. method: which, below SK_CTD_METERS_MAX; name: "Tasks/Create". */
void sk_ctd_meters_record(struct sk_ctd_meters *meters, unsigned method, const char *name,
                          struct sk_instant began, struct sk_instant now, bool failed);

#endif
