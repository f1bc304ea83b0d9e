/* containerd.h: the runtime driver and the image store over containerd's gRPC API (1.6, 1.7, 2.x): one
 * connection, one containerd namespace, two contracts.
 *
 * Threads: loop only. */
#ifndef SK_CONTAINERD_H
#define SK_CONTAINERD_H

#include "base/log.h"
#include "drivers/content.h"
#include "drivers/runtime.h"
#include "metrics/metrics.h"
#include "rpc/bridge.h"

/* Strings are copied. */
struct sk_containerd_options {
    const char *socket;         /* path of containerd's socket */
    const char *namespace;      /* containerd namespace, made if missing */
    const char *snapshotter;    /* e.g. "overlayfs" */
    const char *runtime_type;   /* e.g. "io.containerd.runc.v2"; an absolute path names a shim */
    const char *runtime;        /* OCI runtime that a runc shim is to use: "crun", "runc" or an absolute
                                 * path; "" = the shim's own. Not told to other shims. */
    unsigned shim_group_max;    /* sandboxes that may share a shim; 0 or 1 = none */
    const char *cgroup_parent;  /* below the cgroup root, no slash at either end; "" = the root */
    const char *guest_path;     /* the guest program on the host, absolute */
    const struct sk_log *log;   /* borrowed, may be NULL */
    struct sk_bridge *bridge;   /* borrowed; its loop is ours */
    struct sk_metrics *metrics; /* borrowed, may be NULL */
};

struct sk_containerd;

/* Does not wait for containerd: while it does not answer, calls fail with
 * SK_UNAVAILABLE; SK_RUNTIME_BACK is told when it has come (back).
 * Errors: SK_INVALID_ARGUMENT (an option), SK_INTERNAL. */
SK_MUST_CHECK enum sk_code sk_containerd_open(const struct sk_containerd_options *options,
                                              struct sk_containerd **out_containerd, struct sk_err *err);
/* Call list() once before the first create, so that shims already shared are known. */
struct sk_runtime *sk_containerd_runtime(struct sk_containerd *containerd);
/* Its writers must be closed before it is. */
struct sk_content *sk_containerd_content(struct sk_containerd *containerd);
/* No event fires any more; calls under way answer first. Then frees, then fires. */
void sk_containerd_close(struct sk_containerd *containerd, struct sk_done *done);

#endif
