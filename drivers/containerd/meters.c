#include "drivers/containerd/meters.h"

static const struct sk_metric rpc_seconds = {
    .name = "containerd_rpc_duration_seconds",
    .help = "Calls of containerd, however they ended.",
    .kind = SK_HISTOGRAM,
    .label = "method",
};
static const struct sk_metric rpc_failures = {
    .name = "containerd_rpc_failures_total",
    .help =
        "Calls of containerd that did not succeed, other than by finding what was expected not to be there.",
    .kind = SK_COUNTER,
    .label = "method",
};

void sk_ctd_meters_record(struct sk_ctd_meters *m, unsigned method, const char *name, struct sk_instant began,
                          struct sk_instant now, bool failed)
{
    if (!m->metrics)
        return;
    if (!m->seconds[method]) {
        m->seconds[method] = sk_metrics_series(m->metrics, &rpc_seconds, name, NULL);
        m->failures[method] = sk_metrics_series(m->metrics, &rpc_failures, name, NULL);
    }
    sk_series_observe_since(m->seconds[method], began, now);
    sk_series_add(m->failures[method], failed);
}
