/* lag.h: how late the loop is: a timer that is due twice a second, and how
 * much later than that it fires. What blocks the loop, or keeps the machine
 * from running it, shows here first.
 *
 * Threads: loop only. */
#ifndef SK_METRICS_LAG_H
#define SK_METRICS_LAG_H

#include "loop/loop.h"
#include "metrics/metrics.h"

struct sk_lag {
    struct sk_loop *loop;
    struct sk_series *seconds;
    struct sk_timer timer;
};

/* The loop is borrowed. */
void sk_lag_start(struct sk_lag *lag, struct sk_loop *loop, struct sk_metrics *metrics);
/* Harmless if not started. */
void sk_lag_stop(struct sk_lag *lag);

#endif
