#include "drivers/edge/meters.h"

#include "drivers/edge/driver.h"

static const struct sk_metric edge_up = {
    .name = "edge_up",
    .help = "1 while the edge (HAProxy) runs and is as it should be.",
    .kind = SK_GAUGE,
};
static const struct sk_metric edge_restarts = {
    .name = "edge_restarts_total",
    .help = "How often the edge had to be started again.",
    .kind = SK_COUNTER,
};

static void on_read(struct sk_metrics_reader *reader)
{
    struct sk_haproxy_meters *m = sk_container_of(reader, struct sk_haproxy_meters, reader);
    const struct sk_haproxy *edge = sk_container_of(m, struct sk_haproxy, meters);

    sk_series_set(m->up, edge->state == SK_HAPROXY_UP ? 1 : 0);
}

void sk_haproxy_meters_init(struct sk_haproxy_meters *m, struct sk_metrics *metrics)
{
    *m = (struct sk_haproxy_meters){
        .metrics = metrics,
        .reader.fn = on_read,
        .up = sk_metrics_series(metrics, &edge_up, NULL, NULL),
        .starts = sk_metrics_series(metrics, &edge_restarts, NULL, NULL),
    };
    sk_metrics_add_reader(metrics, &m->reader);
}

void sk_haproxy_meters_fini(struct sk_haproxy_meters *m)
{
    sk_metrics_remove_reader(m->metrics, &m->reader);
}
