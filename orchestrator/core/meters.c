#include "core/meters.h"

#include "core/sandbox_impl.h"
#include "core/session_impl.h"

/* From a warm start to a pull of many gigabytes. */
static const double long_bounds[] = {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800};

#define COUNTER(text, ...) .name = (text), .kind = SK_COUNTER, __VA_ARGS__
#define GAUGE(text, ...)   .name = (text), .kind = SK_GAUGE, __VA_ARGS__
#define SECONDS(text, ...) .name = (text), .kind = SK_HISTOGRAM, __VA_ARGS__
#define LONG               .buckets = long_bounds, .bucket_count = sk_array_len(long_bounds)

static const struct sk_metric sandboxes = {GAUGE(
    "sandboxes", .label = "state", .help = "Sandboxes on record, by state; ended ones until retention.")};
static const struct sk_metric sessions = {GAUGE("sessions", .label = "state", .help = "Sessions on record.")};
static const struct sk_metric backend_up = {GAUGE("backend_up", .help = "1 while containerd answers.")};
static const struct sk_metric unsaved = {
    GAUGE("store_unsaved", .help = "Records whose last change the disk has refused so far.")};
static const struct sk_metric drain_start = {GAUGE(
    "drain_start_timestamp_seconds", .help = "When the drain that is in force began; 0 = the node serves.")};

static const struct sk_metric cpu = {GAUGE(
    "capacity_cpu_cores", .label = "kind",
    .help = "Cores to be promised to sandboxes (total, overcommitment included), and promised (charged).")};
static const struct sk_metric memory = {
    GAUGE("capacity_memory_bytes", .label = "kind", .help = "The same of memory.")};
static const struct sk_metric gpus = {
    GAUGE("capacity_gpus", .label = "kind", .help = "The same of graphics processors.")};

static const struct sk_metric create_seconds = {SECONDS(
    "create_duration_seconds", .label = "path", LONG,
    .help = "From the start of a create to RUNNING: cold (its image was here), pulled (it was not).")};
static const struct sk_metric creates = {
    COUNTER("creates_total", .label = "result", .help = "Creates that are over.")};

static const struct sk_metric exec_seconds = {
    SECONDS("exec_duration_seconds", .label = "path", .help = "From the request of a command to its exit.")};
static const struct sk_metric exec_first_byte = {
    SECONDS("exec_first_byte_seconds", .label = "path",
            .help = "From the request of a command to its first output.")};
static const struct sk_metric execs = {
    COUNTER("execs_total", .label = "path", .label2 = "result", .help = "Commands that are over.")};
static const struct sk_metric execs_open = {GAUGE("execs_open", .help = "Commands under way.")};

static const struct sk_metric file_seconds = {
    SECONDS("file_duration_seconds", .label = "op", .help = "Calls that read or write a file.")};
static const struct sk_metric file_bytes = {
    COUNTER("file_bytes_total", .label = "op", .help = "Bytes of files read and written.")};
static const struct sk_metric file_failures = {
    COUNTER("file_failures_total", .label = "op", .help = "Calls for files that did not succeed.")};

static const struct sk_metric pull_seconds = {
    SECONDS("image_pull_duration_seconds", LONG, .help = "Pulls that succeeded.")};
static const struct sk_metric pull_bytes = {
    COUNTER("image_pull_bytes_total", .help = "Compressed bytes of the images pulled.")};
static const struct sk_metric pulls = {
    COUNTER("image_pulls_total", .label = "result", .help = "Pulls that are over.")};

static const struct sk_metric expired = {
    COUNTER("expired_total", .label = "kind",
            .help = "Sandboxes ended by their lifetime or for being idle, sessions by their lease.")};
static const struct sk_metric limit_kills = {
    COUNTER("limit_kills_total", .label = "kind", .help = "Kills in sandboxes at a limit.")};
static const struct sk_metric log_bytes_dropped = {
    COUNTER("log_bytes_dropped_total", .help = "Output of main processes that no disk would take.")};

static const struct sk_metric egress_denied = {COUNTER(
    "egress_denied_total", .label = "reason",
    .help = "What did not pass to or from sandboxes, as far as it was reported: floods are sampled.")};
static const struct sk_metric names_asked = {
    COUNTER("names_asked_total", .help = "Names that sandboxes have asked for.")};
static const struct sk_metric names_denied = {
    COUNTER("names_denied_total", .help = "Of them, those that were not answered as asked.")};
static const struct sk_metric network_restored = {
    COUNTER("network_restored_total", .help = "How often somebody else's changes to our rules were undone.")};

static const struct sk_metric reconcile_seconds = {
    SECONDS("reconcile_duration_seconds", .help = "Listing the runtime and comparing it with the records.")};
static const struct sk_metric orphans_found = {COUNTER(
    "orphans_found_total", .label = "kind", .help = "Things found that belong to no sandbox of ours.")};
static const struct sk_metric gc_reaped = {
    COUNTER("gc_reaped_total", .label = "kind", .help = "Of such things, those taken away.")};
static const struct sk_metric gc_pending = {
    GAUGE("gc_pending", .label = "kind", .help = "Of such things, those known and not yet gone.")};

static const char *const shares[] = {"total", "charged"};
static const char *const create_paths[] = {"cold", "pulled"};
static const char *const create_results[] = {"running", "failed", "cancelled"};
static const char *const exec_paths[] = {"unary", "stream"};
static const char *const exec_results[] = {"exited", "failed", "abandoned"};
static const char *const file_ways[] = {"read", "write"};
static const char *const pull_results[] = {"done", "failed", "cancelled"};
static const char *const expiries[] = {"lifetime", "idle", "lease"};
static const char *const session_states[] = {"", "open", "closing", "closed"};

/* --- declaring -------------------------------------------------------------------- */

static struct sk_series *one(const struct sk_meters *m, const struct sk_metric *metric)
{
    return sk_metrics_series(m->metrics, metric, NULL, NULL);
}

static void each(const struct sk_meters *m, const struct sk_metric *metric, const char *const *words,
                 size_t count, struct sk_series **out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = sk_metrics_series(m->metrics, metric, words[i], NULL);
}

static void declare_states(struct sk_meters *m)
{
    for (size_t i = SK_STATE_PENDING; i < sk_array_len(m->sandboxes); i++)
        m->sandboxes[i] = sk_metrics_series(m->metrics, &sandboxes, sk_state_word((enum sk_state)i), NULL);
    each(m, &sessions, &session_states[1], SK_SESSION_CLOSED, &m->sessions[1]);
    m->backend_up = one(m, &backend_up);
    m->unsaved = one(m, &unsaved);
    m->drain_start = one(m, &drain_start);
    each(m, &cpu, shares, SK_SHARES, m->cpu);
    each(m, &memory, shares, SK_SHARES, m->memory);
    each(m, &gpus, shares, SK_SHARES, m->gpus);
}

static void declare_execs(struct sk_meters *m)
{
    each(m, &exec_seconds, exec_paths, SK_EXEC_PATHS, m->exec_seconds);
    each(m, &exec_first_byte, exec_paths, SK_EXEC_PATHS, m->exec_first_byte);
    for (size_t i = 0; i < SK_EXEC_PATHS; i++)
        for (size_t j = 0; j < SK_EXEC_RESULTS; j++)
            m->execs[i][j] = sk_metrics_series(m->metrics, &execs, exec_paths[i], exec_results[j]);
    m->execs_open = one(m, &execs_open);
}

static void declare_rest(struct sk_meters *m)
{
    each(m, &create_seconds, create_paths, SK_CREATE_PATHS, m->create_seconds);
    each(m, &creates, create_results, SK_CREATE_RESULTS, m->creates);
    each(m, &file_seconds, file_ways, SK_FILE_WAYS, m->file_seconds);
    each(m, &file_bytes, file_ways, SK_FILE_WAYS, m->file_bytes);
    each(m, &file_failures, file_ways, SK_FILE_WAYS, m->file_failures);
    m->pull_seconds = one(m, &pull_seconds);
    m->pull_bytes = one(m, &pull_bytes);
    each(m, &pulls, pull_results, SK_PULL_RESULTS, m->pulls);
    each(m, &expired, expiries, SK_EXPIRIES, m->expired);
    m->memory_kills = sk_metrics_series(m->metrics, &limit_kills, "memory", NULL);
    m->log_bytes_dropped = one(m, &log_bytes_dropped);
    m->names_asked = one(m, &names_asked);
    m->names_denied = one(m, &names_denied);
    m->network_restored = one(m, &network_restored);
    m->reconcile_seconds = one(m, &reconcile_seconds);
}

/* So that these families are there before the first case: a reader tells "none yet" from "not known". */
static void declare_words(struct sk_meters *m)
{
    (void)sk_metrics_series(m->metrics, &egress_denied, "egress", NULL);
    (void)sk_metrics_series(m->metrics, &orphans_found, "container", NULL);
    (void)sk_metrics_series(m->metrics, &gc_reaped, "container", NULL);
    (void)sk_metrics_series(m->metrics, &gc_pending, "container", NULL);
}

/* --- looking ------------------------------------------------------------------------ */

static void count_sandboxes(struct sk_meters *m)
{
    size_t counts[sk_array_len(m->sandboxes)];

    sk_node_count(m->node, counts);
    for (size_t i = SK_STATE_PENDING; i < sk_array_len(counts); i++)
        sk_series_set(m->sandboxes[i], (double)counts[i]);
}

static void count_sessions(struct sk_meters *m)
{
    size_t counts[sk_array_len(m->sessions)] = {0};

    sk_list_each(&m->node->sessions, link) counts[sk_list_entry(link, struct sk_session, link)->state]++;
    for (size_t i = SK_SESSION_OPEN; i < sk_array_len(counts); i++)
        sk_series_set(m->sessions[i], (double)counts[i]);
}

static void read_amount(struct sk_meters *m, enum sk_share share, const struct sk_amount *amount)
{
    sk_series_set(m->cpu[share], (double)amount->cpu_millis / 1000);
    sk_series_set(m->memory[share], (double)amount->memory_bytes);
    sk_series_set(m->gpus[share], (double)amount->gpus);
}

static void on_read(struct sk_metrics_reader *reader)
{
    struct sk_meters *m = sk_container_of(reader, struct sk_meters, reader);
    size_t waiting = 0;

    count_sandboxes(m);
    count_sessions(m);
    sk_list_each(&m->node->unsaved, link) waiting++;
    sk_series_set(m->unsaved, (double)waiting);
    sk_series_set(m->drain_start, m->node->drain.is_on ? (double)m->node->drain.began.ns / 1e9 : 0);
    read_amount(m, SK_SHARE_TOTAL, &m->node->capacity.total);
    read_amount(m, SK_SHARE_CHARGED, &m->node->capacity.charged);
    sk_series_set(m->backend_up, m->node->away ? 0 : 1);
}

/* --- life --------------------------------------------------------------------------- */

void sk_meters_init(struct sk_meters *m, struct sk_node *node)
{
    *m = (struct sk_meters){.node = node, .metrics = node->config.metrics, .reader.fn = on_read};
    declare_states(m);
    declare_execs(m);
    declare_rest(m);
    declare_words(m);
    sk_metrics_add_reader(m->metrics, &m->reader);
}

void sk_meters_fini(struct sk_meters *m)
{
    sk_metrics_remove_reader(m->metrics, &m->reader);
}

/* --- words of drivers ------------------------------------------------------------------ */

void sk_meters_denied(struct sk_meters *m, const char *rule)
{
    sk_series_add(sk_metrics_series(m->metrics, &egress_denied, rule, NULL), 1);
}

void sk_meters_orphan(struct sk_meters *m, const char *kind)
{
    sk_series_add(sk_metrics_series(m->metrics, &orphans_found, kind, NULL), 1);
}

void sk_meters_reaped(struct sk_meters *m, const char *kind)
{
    sk_series_add(sk_metrics_series(m->metrics, &gc_reaped, kind, NULL), 1);
}

void sk_meters_pending(struct sk_meters *m, const char *kind, int by)
{
    sk_series_add(sk_metrics_series(m->metrics, &gc_pending, kind, NULL), by);
}
