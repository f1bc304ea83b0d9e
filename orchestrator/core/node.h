/* node.h: the root of all state: every sandbox, its indexes, the drivers in
 * use, and the verbs the API calls on them.
 *
 * Threads: loop only. Sandboxes are borrowed until the caller returns to the
 * loop; to keep one longer take a reference (sandbox.h). */
#ifndef SK_CORE_NODE_H
#define SK_CORE_NODE_H

#include "base/id.h"
#include "base/log.h"
#include "base/map.h"
#include "base/quota.h"
#include "core/capacity.h"
#include "core/images.h"
#include "core/page_token.h"
#include "core/timeline.h"
#include "drivers/agent.h"
#include "drivers/device.h"
#include "drivers/edge.h"
#include "drivers/image.h"
#include "drivers/names.h"
#include "drivers/runtime.h"
#include "metrics/metrics.h"
#include "store/records.h"
#include "store/store.h"

struct sk_audit;
struct sk_tracer;
struct sk_sandbox;

/* The reason of what is refused while the runtime is away; it may be asked again in a few seconds. */
#define SK_REASON_BACKEND "BACKEND_UNAVAILABLE"

#define SK_CPU_MAX 1024 /* as many as cpu_set_t knows */

/* What the node can do for services and rules with names; from the config and from what is installed. */
struct sk_network_config {
    bool has_names;      /* rules with names can be enforced */
    const char *address; /* of the node, as clients know it: "192.0.2.7", "[2001:db8::7]", "node7.example";
                            borrowed */
    uint16_t first_port, last_port; /* of the node, for services by port; 0 = there are none */
    const char *domain;             /* below which services have host names; "" = there are none; borrowed */
    uint16_t https_port;            /* of the node, for services by name */
};

#define SK_RUNNER_TEXT 64

/* What sandboxes get whose creators ask for nothing, and the most that may be asked for, beside cpu, memory
 * and lifetime. Zeroed: the API's own. Borrowed from the config in force. */
struct sk_box_config {
    const char *image;
    const char *const *command; /* NULL-terminated; empty or NULL = the image's */
    struct sk_env_list env;
    const char *user; /* "" or NULL = the image's */
    bool read_only_root;
    bool no_egress;                       /* without rules nothing is reached */
    const char *const *drop_capabilities; /* of every sandbox; NULL-terminated or NULL; "ALL" */
    int32_t idle_timeout_seconds;         /* 0 = never */
    int32_t max_idle_timeout_seconds, max_lifetime_seconds;
    size_t max_tags, max_annotations, max_services, max_files, max_files_bytes;
};

/* Settings of the node, from the config; copied, what they point to only where it says so. */
struct sk_node_config {
    char node_id[SK_NODE_MAX + 1];
    char organization[SK_RUNNER_TEXT + 1], runner_group[SK_RUNNER_TEXT + 1]; /* as clients are told */
    const char *architecture;                                                /* "amd64"; static */
    struct sk_duration create_hold;      /* how long a create may wait for RUNNING before it answers */
    struct sk_duration delete_hold;      /* how long a delete may wait for the end before it answers */
    struct sk_duration create_limit;     /* a create that takes longer FAILS */
    struct sk_duration retention;        /* of ended sandboxes' records */
    struct sk_duration max_grace;        /* ceiling of a delete's grace */
    struct sk_duration drain_timeout;    /* of a drain that says nothing: how long streams may go on */
    bool drain_stops;                    /* the end of service ends sandboxes, too */
    struct sk_duration drain_grace;      /* which they then get */
    struct sk_duration shutdown_timeout; /* how long the daemon's stop waits for calls */
    int32_t default_lifetime_seconds;
    int32_t default_lease_seconds, max_lease_seconds; /* of sessions */
    size_t max_sessions;                              /* that are not closed */
    int64_t default_cpu_millis, default_memory_bytes;
    int64_t default_cpu_request_millis, default_memory_request_bytes; /* 0 = those */
    struct sk_amount capacity;    /* to be given out, overcommitment included; the GPUs are those below */
    const struct sk_device *gpus; /* borrowed for as long as the node */
    size_t gpu_count;
    struct sk_quota_table quotas;                     /* of tenants; borrowed */
    int64_t ceiling_cpu_millis, ceiling_memory_bytes; /* of one sandbox */
    struct sk_box_config box;
    int64_t pids_limit;
    int64_t exec_output_max;   /* bytes kept of each stream of a unary exec */
    int64_t log_max;           /* bytes kept of each main process's output */
    int64_t log_rate;          /* of them in a second; 0 = no limit */
    char log_dir[1152];        /* where they are kept; exists */
    unsigned cpu_count;        /* cpus that sandboxes may use */
    uint16_t cpus[SK_CPU_MAX]; /* their numbers: those of a host need not be 0 to n-1 */
    struct sk_network_config network;
    struct sk_images_config images;
    struct sk_metrics *metrics;      /* borrowed; NULL = nothing is counted */
    struct sk_tracer *tracer;        /* borrowed; NULL: nothing is traced */
    struct sk_audit *audit;          /* borrowed; NULL: nobody is told */
    struct sk_secret_lookup secrets; /* for logins to registries; zeroed = no stores */
};

struct sk_node;

struct sk_node_drivers {
    struct sk_runtime *runtime;
    struct sk_image_driver *images;
    struct sk_agent *agent;
    struct sk_network *network;
    struct sk_names *names; /* NULL: sandboxes' questions are answered by nobody */
    struct sk_edge *edge;   /* NULL: there is none */
};

/* Heap. Drivers and store are borrowed and must outlive the node. */
struct sk_node *sk_node_new(struct sk_loop *loop, const struct sk_log *log,
                            const struct sk_node_config *config, const struct sk_node_drivers *drivers,
                            struct sk_store *store);
/* Only after sk_node_stop has fired (or before anything was started). NULL is fine. */
void sk_node_free(struct sk_node *node);

/* After a restart: loads the records, compares them with what the drivers
 * hold, adopts, finishes or cleans; done fires when requests may be served.
 * See recover.h. */
void sk_node_recover(struct sk_node *node, struct sk_done *done);

/* Lets go of everything without ending a sandbox: they live on for the next
 * daemon. Execs and flows under way are abandoned or awaited. */
void sk_node_stop(struct sk_node *node, struct sk_done *done);

/* False while creates are refused: the runtime does not answer (sandboxes run on, execs and files work,
 * deletes are recorded and finish later), or the node is drained or stops (drain.h, shutdown.h). */
bool sk_node_is_available(const struct sk_node *node);

const struct sk_node_config *sk_node_config(const struct sk_node *node);
/* Other settings, for all that begins from now on: what is under way keeps what it began with. Not what is
 * settled at the start: node_id, log_dir, cpus, network, secrets, and the salt of images. */
void sk_node_configure(struct sk_node *node, const struct sk_node_config *config);
struct sk_loop *sk_node_loop(const struct sk_node *node);
struct sk_images *sk_node_images(const struct sk_node *node);
/* When this daemon took over. */
struct sk_wall sk_node_began(const struct sk_node *node);
/* Sandboxes on record by state, ended ones included. */
void sk_node_count(const struct sk_node *node, size_t out_counts[SK_STATE_TERMINATED + 1]);
/* What happened lately, and what did not pass of late (kind = the rule). */
const struct sk_timeline *sk_node_timeline(const struct sk_node *node);
const struct sk_timeline *sk_node_denials(const struct sk_node *node);
const struct sk_capacity *sk_node_capacity(const struct sk_node *node);
/* Another size from here on, but for GPUs; what was admitted stays. */
void sk_node_resize(struct sk_node *node, const struct sk_amount *total);

/* --- verbs --------------------------------------------------------------- */

/* One CreateSandbox. record_take: from sk_record_new with owner, request id
 * and hash, and spec filled in; consumed. When done fires without error,
 * *out_sandbox is the sandbox, its record durable, and either it is RUNNING
 * or over, or the hold has passed. A request id seen before gives the
 * original sandbox (also one still being recorded), whatever has become of
 * its session. With start_on_first_use it stays PENDING until an exec, a file
 * or a log is asked for. Errors: SK_INVALID_ARGUMENT (same request id, other
 * body; field "request_id"), SK_UNAVAILABLE + RUNNER_UNAVAILABLE (draining, stopping),
 * SK_UNAVAILABLE + SK_REASON_BACKEND (the runtime is away),
 * SK_RESOURCE_EXHAUSTED + SK_REASON_CAPACITY (what it asks for is not free),
 * SK_RESOURCE_EXHAUSTED (no port is left for its services; + SK_REASON_CAPACITY: the node or the tenant's
 * quota is full; + SK_REASON_OVERLOADED: the tenant creates too fast), those of the store; of the record's
 * session SK_NOT_FOUND + SESSION_NOT_FOUND, SK_FAILED_PRECONDITION + SESSION_CLOSED, SK_RESOURCE_EXHAUSTED +
 * SESSION_FULL. */
void sk_node_create(struct sk_node *node, struct sk_record *record_take, struct sk_sandbox **out_sandbox,
                    struct sk_done *done);

/* Whether a tenant's call that the audit tells of may go on, by the tenant's quota of the audit, of which
 * SK_TOLD_BEFOREHAND is taken then. Errors: SK_RESOURCE_EXHAUSTED + SK_REASON_OVERLOADED, naming the quota.
 */
SK_MUST_CHECK enum sk_code sk_node_admit_told(struct sk_node *node, const char *tenant, struct sk_err *err);
/* The audit was told so much of a tenant's call beyond what was taken; < 0: less. */
void sk_node_told(struct sk_node *node, const char *tenant, int64_t bytes);
/* What lines of a tenant's calls wait to be written; borrowed. */
struct sk_audit_share *sk_node_audit_share(struct sk_node *node, const char *tenant);

/* NULL when there is none. Any text may be asked for. */
struct sk_sandbox *sk_node_find(struct sk_node *node, const char *id);

struct sk_list_query {
    const char *tenant;      /* of this one alone; NULL = all */
    const char *const *tags; /* all must match; NULL-terminated or NULL */
    int state;               /* enum sk_state, 0 = any */
    bool show_terminated;    /* final ones too when state is 0 */
    bool ascending;          /* else newest first */
    const char *after;       /* page token of the last call, or "" */
    size_t limit;            /* > 0 */
};

/* Fills out (query->limit slots) in the order (created, id); *out_next is a
 * page token or "" at the end. Errors: SK_INVALID_ARGUMENT for a bad token (field "page_token"). */
SK_MUST_CHECK enum sk_code sk_node_list(struct sk_node *node, const struct sk_list_query *query,
                                        struct sk_sandbox **out, size_t *out_count,
                                        char out_next[SK_PAGE_TOKEN_MAX], struct sk_err *err);

/* Asks for the end of a sandbox. done fires when the intent is durable, and
 * either the end has come or the hold has passed; the sandbox is then
 * TERMINATING or final. grace: 0 = SIGKILL now, else SIGTERM
 * first; clamped to max_grace. Already TERMINATING or ended by itself:
 * success, unchanged but for the `deleted` mark (an earlier kill_at wins).
 * Errors: SK_NOT_FOUND + SANDBOX_NOT_FOUND when it was deleted and is over. */
void sk_node_delete(struct sk_node *node, struct sk_sandbox *sandbox, struct sk_duration grace,
                    struct sk_done *done);

#endif
