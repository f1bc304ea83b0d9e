/* meters.h: what core counts and measures of its own work, as series of the
 * node's registry (metrics/metrics.h). The names, and what they mean, are all
 * in meters.c.
 *
 * Threads: loop only. Without a registry every series is NULL, and nothing is
 * recorded. */
#ifndef SK_CORE_METERS_H
#define SK_CORE_METERS_H

#include "metrics/metrics.h"
#include "store/records.h"
#include "store/session_records.h"

struct sk_node;

enum sk_share { SK_SHARE_TOTAL, SK_SHARE_CHARGED, SK_SHARES };
enum sk_create_path { SK_CREATE_COLD, SK_CREATE_PULLED, SK_CREATE_PATHS };
enum sk_create_result { SK_CREATE_RUNNING, SK_CREATE_FAILED, SK_CREATE_CANCELLED, SK_CREATE_RESULTS };
enum sk_exec_path { SK_EXEC_UNARY, SK_EXEC_STREAM, SK_EXEC_PATHS };
enum sk_exec_result { SK_EXEC_EXITED, SK_EXEC_FAILED, SK_EXEC_ABANDONED, SK_EXEC_RESULTS };
enum sk_file_way { SK_FILE_READ, SK_FILE_WRITE, SK_FILE_WAYS };
enum sk_pull_result { SK_PULL_DONE, SK_PULL_FAILED, SK_PULL_CANCELLED, SK_PULL_RESULTS };
enum sk_expiry { SK_EXPIRED_LIFETIME, SK_EXPIRED_IDLE, SK_EXPIRED_LEASE, SK_EXPIRIES };

struct sk_meters {
    struct sk_node *node;
    struct sk_metrics *metrics; /* borrowed; NULL = none */
    struct sk_metrics_reader reader;

    /* Counted when somebody looks. */
    struct sk_series *sandboxes[SK_STATE_TERMINATED + 1];
    struct sk_series *sessions[SK_SESSION_CLOSED + 1];
    struct sk_series *backend_up, *unsaved, *drain_start;
    struct sk_series *cpu[SK_SHARES], *memory[SK_SHARES], *gpus[SK_SHARES];

    struct sk_series *create_seconds[SK_CREATE_PATHS], *creates[SK_CREATE_RESULTS];
    struct sk_series *exec_seconds[SK_EXEC_PATHS], *exec_first_byte[SK_EXEC_PATHS];
    struct sk_series *execs[SK_EXEC_PATHS][SK_EXEC_RESULTS], *execs_open;
    struct sk_series *file_seconds[SK_FILE_WAYS], *file_bytes[SK_FILE_WAYS], *file_failures[SK_FILE_WAYS];
    struct sk_series *pull_seconds, *pull_bytes, *pulls[SK_PULL_RESULTS];
    struct sk_series *expired[SK_EXPIRIES], *memory_kills;
    struct sk_series *log_bytes_dropped;
    struct sk_series *names_asked, *names_denied, *network_restored;
    struct sk_series *reconcile_seconds;
};

/* Registry and the rest by the node's config. */
void sk_meters_init(struct sk_meters *meters, struct sk_node *node);
void sk_meters_fini(struct sk_meters *meters);

/* Words of drivers, which are few: why something did not pass; what kind of thing was left behind. */
void sk_meters_denied(struct sk_meters *meters, const char *rule);
void sk_meters_orphan(struct sk_meters *meters, const char *kind);
void sk_meters_reaped(struct sk_meters *meters, const char *kind);
/* Known and not yet gone: one more (1), one less (-1). */
void sk_meters_pending(struct sk_meters *meters, const char *kind, int by);

#endif
