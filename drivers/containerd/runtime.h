/* runtime.h: the runtime contract over snapshots, containers and tasks; the
 * driver's side, shared by the files that implement its slots. */
#ifndef SK_CONTAINERD_RUNTIME_H
#define SK_CONTAINERD_RUNTIME_H

#include "drivers/containerd/client.h"
#include "drivers/containerd/events.h"
#include "drivers/containerd/host.h"
#include "drivers/containerd/shims.h"
#include "drivers/containerd/spec.h"
#include "drivers/containerd/strays.h"

/* Where runc shims let the OCI runtime keep its state, by namespace. */
#define SK_RUNTIME_STATE_FOLDER "/run/containerd/runc"

/* The labels we write; nothing else ever becomes one. */
#define SK_LABEL_SANDBOX "sandkeep.dev/sandbox"  /* on snapshots: the id */
#define SK_LABEL_GROUP   "sandkeep.dev/group"    /* on containers: the shim group, absent if none */
#define SK_LABEL_GC_ROOT "containerd.io/gc.root" /* on snapshots: containerd must not collect them */

struct sk_ctd_runtime {
    struct sk_runtime base;
    struct sk_ctd_client *client; /* borrowed */
    struct sk_ctd_events events;
    struct sk_shims shims;
    struct sk_strays strays;
    struct sk_host_facts facts;
    struct sk_spec_host host;                                  /* borrows the strings below and from facts */
    char *runtime_type, *runtime, *cgroup_parent, *guest_path; /* owned */
};

struct sk_containerd_options;
SK_MUST_CHECK enum sk_code sk_ctd_runtime_init(struct sk_ctd_runtime *rt, struct sk_ctd_client *client,
                                               const struct sk_containerd_options *options,
                                               struct sk_err *err);
/* After the client has been closed. */
void sk_ctd_runtime_fini(struct sk_ctd_runtime *rt);

static inline struct sk_ctd_runtime *sk_ctd_runtime_of(struct sk_runtime *base)
{
    return sk_container_of(base, struct sk_ctd_runtime, base);
}

/* rootfs.c, container.c, task.c, memory.c, measure_use.c, list.c, litter.c: slots of struct sk_runtime_ops.
 */
void sk_ctd_prepare_rootfs(struct sk_runtime *rt, const struct sk_box *box, struct sk_done *done);
void sk_ctd_remove_rootfs(struct sk_runtime *rt, const char *id, struct sk_done *done);
void sk_ctd_create_container(struct sk_runtime *rt, const struct sk_box *box, struct sk_done *done);
void sk_ctd_delete_container(struct sk_runtime *rt, const char *id, struct sk_done *done);
void sk_ctd_create_task(struct sk_runtime *rt, const struct sk_box *box, int *out_pid, struct sk_done *done);
void sk_ctd_start_task(struct sk_runtime *rt, const char *id, struct sk_done *done);
void sk_ctd_kill_task(struct sk_runtime *rt, const char *id, int signo, struct sk_done *done);
void sk_ctd_delete_task(struct sk_runtime *rt, const char *id, struct sk_done *done);
enum sk_code sk_ctd_oom_kills(struct sk_runtime *rt, const char *id, uint64_t *out_kills, struct sk_err *err);
void sk_ctd_measure_use(struct sk_runtime *rt, struct sk_runtime_use *items, size_t count,
                        struct sk_done *done);
void sk_ctd_list(struct sk_runtime *rt, struct sk_runtime_list *out_list, struct sk_done *done);
void sk_ctd_list_litter(struct sk_runtime *rt, struct sk_litter_list *out_list, struct sk_done *done);
void sk_ctd_remove_litter(struct sk_runtime *rt, const struct sk_litter *litter, struct sk_done *done);

/* What a runc shim is told, packed; len 0 for other shims. Heap, the caller's. */
uint8_t *sk_ctd_runc_options(const struct sk_ctd_runtime *rt, size_t *out_len);
#define SK_CTD_RUNC_OPTIONS_TYPE "containerd.runc.v1.Options"

#endif
