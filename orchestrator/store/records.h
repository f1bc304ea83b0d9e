/* records.h: what is remembered of a sandbox across restarts, and its bytes.
 *
 * Pure: no I/O. A record owns all its memory through its arena; setters copy. Bytes are the
 * protobuf message sandkeep.records.v1.SandboxRecord (proto/sandkeep/), so
 * that older and newer daemons can read each other's. */
#ifndef SK_STORE_RECORDS_H
#define SK_STORE_RECORDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/strings.h"
#include "base/tenant.h"
#include "base/variable.h"
#include "net/policy.h"

#include <stdbool.h>

/* Numbers are stored: never change them. Order is the order of life, except
 * that every state may go to TERMINATING or an end. */
enum sk_state {
    SK_STATE_PENDING = 1,     /* recorded, nothing started */
    SK_STATE_CREATING = 2,    /* being made */
    SK_STATE_RUNNING = 3,     /* an exec works */
    SK_STATE_TERMINATING = 4, /* being ended */
    SK_STATE_COMPLETED = 5,   /* the main process ended by itself; has an exit code */
    SK_STATE_FAILED = 6,      /* could not run, or broke; has a reason */
    SK_STATE_TERMINATED = 7,  /* ended by request or lifetime */
};

static inline bool sk_state_is_final(enum sk_state s)
{
    return s >= SK_STATE_COMPLETED;
}

/* A file that a sandbox finds in place when it starts, read-only. */
struct sk_mounted_file {
    const char *path; /* absolute and canonical */
    const uint8_t *content;
    size_t len;
};

/* Which secret holds the login for an image's registry; never the login itself. */
struct sk_login_source {
    const char *registry; /* as in full image names */
    const char *store;    /* "" = there is none */
    const char *path;
    const char *field; /* "" = the path's own */
};

/* What was asked for, validated and with defaults filled in. All strings and
 * arrays live in the arena of the record that holds it. */
struct sk_spec {
    const char *image;
    struct sk_login_source login;
    const char **command;    /* replaces the image's entrypoint; NULL-terminated, NULL = not given */
    const char **args;       /* replaces the image's cmd; NULL-terminated, NULL = not given */
    const char *working_dir; /* "" = the image's */
    const char *user;        /* "" = the image's */
    struct sk_env *env;
    size_t env_count;
    const char **tags; /* NULL-terminated, never NULL; duplicates allowed */
    int64_t cpu_limit_millis, cpu_request_millis;
    int64_t memory_limit_bytes, memory_request_bytes;
    int64_t gpu_count;            /* that it asks for, as many as it has devices once it was let in */
    const char *gpu_type;         /* "" = any; while it is let in */
    const char **devices;         /* of the host, its alone (core/gpus.h); NULL-terminated, never NULL */
    int32_t max_lifetime_seconds; /* effective, never 0 */
    bool read_only_root;
    const char **drop_capabilities; /* NULL-terminated, never NULL */
    struct sk_mounted_file *files;
    size_t file_count;
    struct sk_arena contents; /* of the files: the one big part, given back first */
    /* NULL: a sandbox of a daemon that knew no networks: loopback alone, and no place with the driver. */
    struct sk_net_policy *network;
    /* The caller's words as accepted: a packed coreweave.sandbox.v1.Sandbox with
     * spec and display_name alone, without the contents of files. Opaque to everything but the API, which
     * echoes it. */
    const uint8_t *echo;
    size_t echo_len;
    struct sk_arena changed; /* network and echo, once they are others than at the create */
};

/* How processes are started in a running sandbox: image and spec resolved. */
struct sk_process_defaults {
    const char **argv; /* of the main process */
    const char **env;  /* "K=V"; image, then spec */
    const char *working_dir;
    const char *user;
    int stop_signal;
};

struct sk_record {
    struct sk_arena arena;
    const char *id;
    const char *owner;        /* key id of the creator; "" = came without a key */
    const char *tenant;       /* whose it is; never "" */
    const char *request_id;   /* "" = none */
    uint8_t request_hash[32]; /* of the create request's body, for duplicate detection */
    const char *template_id;  /* "" = none */
    int64_t template_revision;
    const char *session_id;       /* that it lives and ends with; "" = none */
    int32_t idle_timeout_seconds; /* without exec, file call or log stream it ends; 0 = never */
    bool start_on_first_use;      /* PENDING until then */
    struct sk_spec spec;

    enum sk_state state;
    const char *state_reason;               /* one sentence, valid UTF-8, or "" */
    struct sk_wall created, started, ended; /* 0 = not yet */
    bool has_exit_code;
    int32_t exit_code;
    bool deleted; /* a client asked for its end (or the lifetime did) */

    /* The deadline of its life, set at RUNNING. The boot-clock value counts
     * while boot_id matches this boot, else the wall time does. */
    const char *boot_id;
    struct sk_instant deadline;
    struct sk_wall deadline_wall;

    /* TERMINATING: when the grace ends, as above. */
    struct sk_instant kill_at;
    struct sk_wall kill_at_wall;

    struct sk_process_defaults process; /* set before RUNNING */
};

/* Heap. A fresh record with empty strings and arrays in place. */
struct sk_record *sk_record_new(const char *id);
void sk_record_free(struct sk_record *record);
/* Gives up the contents of the mounted files, for a sandbox that is over. */
void sk_record_forget_contents(struct sk_record *record);
/* Other rules, and the words for them; both are copied, and may be the record's own. */
void sk_record_set_network(struct sk_record *record, const struct sk_net_policy *policy, const uint8_t *echo,
                           size_t echo_len);
/* A sentence from anywhere, cleaned to valid UTF-8 and cut at 512 bytes. */
const char *sk_reason_clean(struct sk_arena *arena, const char *reason);
/* Replaces the reason, cleaned. */
void sk_record_set_reason(struct sk_record *record, const char *reason);

/* Appends the packed record to `out` (which sets the ceiling). */
SK_MUST_CHECK enum sk_code sk_record_pack(const struct sk_record *record, struct sk_buf *out,
                                          struct sk_err *err);
/* Heap, the caller's. Errors: SK_DATA_LOSS with what is wrong; never trusts the bytes. */
SK_MUST_CHECK enum sk_code sk_record_unpack(const uint8_t *data, size_t len, struct sk_record **out_record,
                                            struct sk_err *err);

#endif
