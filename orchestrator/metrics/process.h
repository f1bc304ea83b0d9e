/* process.h: what the daemon itself takes: the process_… metrics that every
 * Prometheus client library has, and which build it is.
 *
 * Threads: loop only. */
#ifndef SK_METRICS_PROCESS_H
#define SK_METRICS_PROCESS_H

#include "metrics/metrics.h"

struct sk_process_metrics {
    struct sk_metrics *metrics;
    struct sk_metrics_reader reader;
    struct sk_series *cpu, *resident, *virtual_bytes, *files, *files_max, *started;
};

/* metrics is borrowed, NULL is fine. */
void sk_process_metrics_init(struct sk_process_metrics *process, struct sk_metrics *metrics);
void sk_process_metrics_fini(struct sk_process_metrics *process);

#endif
