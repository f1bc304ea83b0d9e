/* runtime.h: the contract of runtime drivers: root file systems, containers
 * and their init task. Each call is one idempotent effect, so that core/ can
 * order them, undo them, and repeat them after a crash.
 *
 * Threads: loop only. Every call answers through `done`, exactly once, never
 * inside the call, and within the driver's own time limit even when what lies
 * behind it hangs (then SK_UNAVAILABLE or SK_DEADLINE_EXCEEDED, and the
 * effect may or may not have happened).
 * A call that fails because what lies behind has gone away answers after AWAY was told.
 * The removing calls treat "not there" as success. Strings in arguments are
 * borrowed until done fires. */
#ifndef SK_DRIVERS_RUNTIME_H
#define SK_DRIVERS_RUNTIME_H

#include "drivers/device.h"
#include "drivers/litter.h"
#include "loop/done.h"

/* Something of the host that a sandbox sees read-only at an absolute path. Missing directories on the way are
 * made in the sandbox's root, which links cannot lead out of. */
struct sk_bind {
    const char *source, *target;
};

/* A sandbox as the runtime sees it. */
struct sk_box {
    const char *id;
    const char *snapshot_parent; /* from struct sk_image */
    const char *image_name;      /* for records only */
    const char *hostname;
    const char *netns;          /* path of its network namespace; NULL = a new one, with loopback alone */
    const char *agent_dir;      /* host directory shown read-only at SK_GUEST_DIR */
    int64_t cpu_limit_millis;   /* 0 = none */
    int64_t cpu_request_millis; /* 0 = default weight */
    int64_t memory_limit_bytes; /* 0 = none */
    int64_t pids_limit;         /* 0 = none */
    const char *cpuset;         /* e.g. "0-1", or NULL for all */
    const struct sk_bind *binds;
    size_t bind_count;
    const struct sk_device *const *devices; /* of the host, that it is given; NULL-terminated; NULL = none */
    bool read_only_root;
    const char *const *drop_capabilities; /* "CAP_NET_RAW", NULL-terminated; NULL = none beyond the default */
};

/* Where the guest program and its socket appear inside every sandbox. */
#define SK_GUEST_DIR "/.sandkeep"

enum sk_runtime_event_kind {
    SK_RUNTIME_EXIT,   /* the init task ended */
    SK_RUNTIME_OOM,    /* the kernel killed something in the sandbox for memory */
    SK_RUNTIME_RESYNC, /* events may have been missed: list everything again */
    SK_RUNTIME_AWAY,   /* what lies behind the driver does not answer, and calls fail; all was well before */
    SK_RUNTIME_BACK,   /* it answers again; events may have been missed */
};

struct sk_runtime_event {
    enum sk_runtime_event_kind kind;
    const char *id;  /* borrowed; EXIT and OOM only, else NULL */
    int exit_status; /* EXIT only: 0-255, 128+N for signal N */
};

/* One thing the driver holds for an id, from list(). */
struct sk_runtime_holding {
    char id[64];
    bool rootfs, container, task;
    bool task_running; /* false: not started yet, or stopped and still to be deleted */
    int pid;           /* of the running task's init, 0 if none */
};

struct sk_runtime_list {
    struct sk_runtime_holding *items; /* heap, the caller's: free(items) */
    size_t len;
};

/* What a sandbox uses. */
struct sk_runtime_use {
    char id[64];
    bool is_measured;
    int64_t cpu_ns;       /* of all cores, since its start */
    int64_t memory_bytes; /* without what the kernel would give up at once (file pages out of use) */
    int64_t processes;    /* and threads */
};

struct sk_runtime;

struct sk_runtime_ops {
    /* Where events go; set once, before the first call. The callback runs on
     * the loop, never inside a call. */
    void (*listen)(struct sk_runtime *rt, void (*fn)(void *arg, const struct sk_runtime_event *event),
                   void *arg);

    /* A writable root from box->snapshot_parent, safe from the driver's
     * garbage collection from the first moment. Errors: SK_NOT_FOUND (no such parent). */
    void (*prepare_rootfs)(struct sk_runtime *rt, const struct sk_box *box, struct sk_done *done);
    void (*remove_rootfs)(struct sk_runtime *rt, const char *id, struct sk_done *done);

    void (*create_container)(struct sk_runtime *rt, const struct sk_box *box, struct sk_done *done);
    void (*delete_container)(struct sk_runtime *rt, const char *id, struct sk_done *done);

    /* Namespaces, cgroup and mounts are made; init has not run yet. *out_pid
     * (host pid of init) is written before done fires. */
    void (*create_task)(struct sk_runtime *rt, const struct sk_box *box, int *out_pid, struct sk_done *done);
    void (*start_task)(struct sk_runtime *rt, const char *id, struct sk_done *done);
    /* Sends a signal to init (SIGKILL: to every process). Gone = success. */
    void (*kill_task)(struct sk_runtime *rt, const char *id, int signo, struct sk_done *done);
    /* Kills what still runs, waits for its end, removes the task and its cgroup. */
    void (*delete_task)(struct sk_runtime *rt, const char *id, struct sk_done *done);

    /* How often the kernel has killed for memory in the sandbox so far; with SK_NOT_FOUND nobody knows. The
     * exception among the calls: it reads a number the kernel has at hand, and answers within the call. */
    SK_MUST_CHECK enum sk_code (*oom_kills)(struct sk_runtime *rt, const char *id, uint64_t *out_kills,
                                            struct sk_err *err);

    /* What these use: fills in the items, which are the caller's until done fires. Ids that nobody knows stay
     * as they are. Works while the runtime is away. */
    void (*measure)(struct sk_runtime *rt, struct sk_runtime_use *items, size_t count, struct sk_done *done);

    /* Everything the driver holds, whoever made it. */
    void (*list)(struct sk_runtime *rt, struct sk_runtime_list *out_list, struct sk_done *done);

    /* What lies on the host beside that, of sandboxes that live and of those that have gone (litter.h). */
    void (*list_litter)(struct sk_runtime *rt, struct sk_litter_list *out_list, struct sk_done *done);
    /* Takes one such thing away, with the processes in it. Absent is success. */
    void (*remove_litter)(struct sk_runtime *rt, const struct sk_litter *litter, struct sk_done *done);
};

struct sk_runtime {
    const struct sk_runtime_ops *ops;
};

#endif
