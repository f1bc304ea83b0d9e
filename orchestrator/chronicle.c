#include "chronicle.h"

#include <string.h>

static enum sk_audit_sync sync_of(const char *word)
{
    if (strcmp(word, "group") == 0)
        return SK_AUDIT_SYNC_GROUP;
    return strcmp(word, "second") == 0 ? SK_AUDIT_SYNC_SECOND : SK_AUDIT_SYNC_NEVER;
}

static struct sk_audit_options options_of(const struct sk_config *config)
{
    return (struct sk_audit_options){
        .limits = {.sync = sync_of(config->audit_sync),
                   .file_bytes = config->audit_file_bytes,
                   .files = (size_t)config->audit_files,
                   .keeps = strcmp(config->audit_full, "refuse_changes") == 0,
                   .days = config->audit_days,
                   .ring_folder = config->run_dir},
        .commands = config->audit_commands,
        .reads = config->audit_reads,
        .required = config->audit_required,
    };
}

enum sk_code sk_chronicle_open(struct sk_loop *loop, const struct sk_log *log, const struct sk_config *config,
                               struct sk_audit **out_audit, struct sk_err *err)
{
    SK_AUTO_FREE char *folder = sk_printf("%s/audit", config->state_dir);
    struct sk_audit_options options = options_of(config);
    options.loop = loop;
    options.log = log;
    options.folder = folder;
    *out_audit = NULL;
    return config->audit ? sk_audit_open(&options, out_audit, err) : SK_OK;
}

void sk_chronicle_reaudit(struct sk_audit *audit, const struct sk_config *config)
{
    const struct sk_audit_options options = options_of(config);
    sk_audit_configure(audit, &options);
}

enum sk_code sk_chronicle_trace(struct sk_loop *loop, const struct sk_log *log,
                                const struct sk_config *config, const char *node_id,
                                struct sk_tracer **out_tracer, struct sk_err *err)
{
    const struct sk_tracer_options options = {
        .loop = loop,
        .log = log,
        .url = config->trace_url,
        .sample_percent = (unsigned)config->trace_sample_percent,
        .node_id = node_id,
    };
    *out_tracer = NULL;
    return sk_tracer_new(&options, out_tracer, err);
}

void sk_chronicle_retrace(struct sk_tracer *tracer, const struct sk_config *config)
{
    sk_tracer_configure(tracer, config->trace_url, (unsigned)config->trace_sample_percent);
}

/* --- how they are doing ---------------------------------------------------------- */

static const struct sk_metric metric_lines = {
    .name = "audit_lines_total", .help = "Lines written to the audit.", .kind = SK_COUNTER};
static const struct sk_metric metric_lost = {
    .name = "audit_lost_total",
    .help = "What the audit had no room for while its disk refused; it tells of each such gap.",
    .kind = SK_COUNTER};
static const struct sk_metric metric_success = {.name = "audit_write_success",
                                                .help = "0 while the disk refuses the audit's lines, else 1.",
                                                .kind = SK_GAUGE};
static const struct sk_metric metric_room = {
    .name = "audit_room_ratio",
    .help =
        "How much of the audit's files is to be filled before changes are refused; 1 where the oldest go.",
    .kind = SK_GAUGE};
static const struct sk_metric metric_sent = {
    .name = "trace_spans_sent_total", .help = "Spans that the collector took.", .kind = SK_COUNTER};
static const struct sk_metric metric_dropped = {.name = "trace_spans_dropped_total",
                                                .help = "Spans that the collector did not take in time.",
                                                .kind = SK_COUNTER};

static void read_meters(struct sk_metrics_reader *reader)
{
    struct sk_chronicle_meters *meters = sk_container_of(reader, struct sk_chronicle_meters, reader);
    const struct sk_audit_stats audit = sk_audit_stats(*meters->audit);

    sk_series_set(meters->lines, (double)audit.lines);
    sk_series_set(meters->lost, (double)audit.lost);
    sk_series_set(meters->success, !audit.failing);
    sk_series_set(meters->room, audit.room);
    if (!*meters->tracer)
        return;
    const struct sk_trace_stats trace = sk_tracer_stats(*meters->tracer);
    sk_series_set(meters->sent, (double)trace.sent);
    sk_series_set(meters->dropped, (double)trace.dropped);
}

void sk_chronicle_meters_init(struct sk_chronicle_meters *meters, struct sk_metrics *metrics,
                              struct sk_audit *const *audit, struct sk_tracer *const *tracer)
{
    *meters = (struct sk_chronicle_meters){
        .reader = {.fn = read_meters},
        .metrics = metrics,
        .audit = audit,
        .tracer = tracer,
        .lines = sk_metrics_series(metrics, &metric_lines, NULL, NULL),
        .lost = sk_metrics_series(metrics, &metric_lost, NULL, NULL),
        .success = sk_metrics_series(metrics, &metric_success, NULL, NULL),
        .room = sk_metrics_series(metrics, &metric_room, NULL, NULL),
        .sent = sk_metrics_series(metrics, &metric_sent, NULL, NULL),
        .dropped = sk_metrics_series(metrics, &metric_dropped, NULL, NULL),
    };
    sk_metrics_add_reader(metrics, &meters->reader);
}

void sk_chronicle_meters_fini(struct sk_chronicle_meters *meters)
{
    sk_metrics_remove_reader(meters->metrics, &meters->reader);
}
