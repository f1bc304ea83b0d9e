/* spec.h: from a sandbox to an OCI runtime spec (config.json). Pure.
 *
 * Safe by default: new pid, mount, ipc, uts, network and cgroup namespaces,
 * a capability set within Docker's, no_new_privs, a seccomp profile, masked
 * and read-only paths, no devices beyond the usual harmless ones. The
 * process is always the guest; what the sandbox's user wants to run, with
 * its environment and arguments, never stands in the spec. */
#ifndef SK_CONTAINERD_SPEC_H
#define SK_CONTAINERD_SPEC_H

#include "base/err.h"
#include "drivers/runtime.h"

/* What the spec needs to know of the host and the configuration. */
struct sk_spec_host {
    const char *guest_path;    /* the guest program, on the host */
    const char *cgroup_parent; /* "" = the root; no leading slash */
    const char *machine;       /* as uname(2) says */
    uint64_t nofile_hard;      /* our own hard limit of open files: runtimes cannot raise it */
    bool swap_accounting;      /* the kernel can limit swap */
};

/* *out_text is on the heap, the caller's. `group` names the shim that
 * sandboxes share, "" = one of its own.
 * Errors: SK_INVALID_ARGUMENT (a string is not UTF-8, a limit is negative). */
SK_MUST_CHECK enum sk_code sk_spec_make(const struct sk_box *box, const struct sk_spec_host *host,
                                        const char *group, char **out_text, size_t *out_len,
                                        struct sk_err *err);

#endif
