#include "metrics/lag.h"

#include "base/own.h"

#define EVERY SK_MSEC(500)

/* From what nobody notices to what a watchdog ends. */
static const double bounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30};

static const struct sk_metric lag_seconds = {
    .name = "loop_lag_seconds",
    .help = "How much later than due a timer of the event loop fired.",
    .kind = SK_HISTOGRAM,
    .buckets = bounds,
    .bucket_count = sk_array_len(bounds),
};

static void on_timer(struct sk_timer *timer)
{
    struct sk_lag *lag = sk_container_of(timer, struct sk_lag, timer);
    struct sk_instant now = sk_loop_now(lag->loop);

    sk_series_observe_since(lag->seconds, timer->at, now);
    sk_timer_start(lag->loop, timer, sk_instant_add(now, EVERY), on_timer);
}

void sk_lag_start(struct sk_lag *lag, struct sk_loop *loop, struct sk_metrics *metrics)
{
    *lag = (struct sk_lag){.loop = loop, .seconds = sk_metrics_series(metrics, &lag_seconds, NULL, NULL)};
    sk_timer_start(loop, &lag->timer, sk_instant_add(sk_loop_now(loop), EVERY), on_timer);
}

void sk_lag_stop(struct sk_lag *lag)
{
    if (lag->loop)
        sk_timer_stop(lag->loop, &lag->timer);
}
