/* channel.h: the agent driver: the daemon's end of the channels to the guests.
 *
 * Each sandbox has a directory <run_dir>/agent/<id>/ which is shown to it
 * read-only: `sock`, where its guest connects, and `guest`, an empty file for
 * the runtime to put the guest program on. Frames: wire.h.
 *
 * A connection is one for good: when it breaks while the daemon lives, the
 * guest is lost. Only a new daemon is connected to anew.
 *
 * Threads: loop only. */
#ifndef SK_AGENT_CHANNEL_H
#define SK_AGENT_CHANNEL_H

#include "base/log.h"
#include "drivers/agent.h"

/* Makes <run_dir>/agent if need be, readable by nobody else. Heap; one owner;
 * log may be NULL and must otherwise outlive it. */
SK_MUST_CHECK enum sk_code sk_agent_channel_open(struct sk_loop *loop, const struct sk_log *log,
                                                 const char *run_dir, struct sk_agent **out_agent,
                                                 struct sk_err *err);
/* All guests must be closed. NULL is fine. */
void sk_agent_channel_close(struct sk_agent *agent);

#endif
