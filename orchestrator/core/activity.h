/* activity.h: who uses a sandbox: execs, file calls and log streams, each from
 * its open to its close.
 *
 * The first use begins a sandbox that was made to start on first use. One with
 * an idle timeout ends when it has been RUNNING without any use for so long.
 * The moment of the last use is not stored: after a restart of the daemon the
 * time begins anew, so that nothing ends too early. Threads: loop only. */
#ifndef SK_CORE_ACTIVITY_H
#define SK_CORE_ACTIVITY_H

#include "core/sandbox_impl.h"

void sk_activity_attach(struct sk_sandbox *sandbox);
void sk_activity_detach(struct sk_sandbox *sandbox);

/* RUNNING begins, or was found after a restart. */
void sk_activity_begin(struct sk_sandbox *sandbox);
/* The sandbox's end, or the daemon's. */
void sk_activity_end(struct sk_sandbox *sandbox);

#endif
