/* exec_impl.h: what the rest of core/ does to a sandbox's execs. */
#ifndef SK_CORE_EXEC_IMPL_H
#define SK_CORE_EXEC_IMPL_H

#include "core/exec.h"
#include "core/sandbox_impl.h"

/* The state or the guest's readiness has changed: those that wait look again. */
void sk_execs_poke(struct sk_sandbox *sandbox);
/* From the guest. */
void sk_execs_exited(struct sk_sandbox *sandbox, uint64_t key, int status);
/* A process whose stream went with an earlier daemon: it is drained and let run. */
void sk_execs_found(struct sk_sandbox *sandbox, uint64_t key, int stdout_take, int stderr_take);
/* Every process of the sandbox is gone, reported or not, and the guest is about to be closed. */
void sk_execs_gone(struct sk_sandbox *sandbox);
/* The daemon stops and the guest was closed: owners are told with SK_UNAVAILABLE, the rest is dropped. */
void sk_execs_stop(struct sk_sandbox *sandbox);

#endif
