/* handed.h: listening sockets that the service manager hands over (sd_listen_fds(3)): see handed.c.
 *
 * Threads: any, once settled. */
#ifndef SK_RPC_HANDED_H
#define SK_RPC_HANDED_H

#include "base/log.h"

/* Once, before anything is started: programs that the daemon runs do not get them. Returns how many there
 * are. */
int sk_handed_settle(void);
/* Once all listeners are open: says which of them are the manager's, and warns of those that nobody accepts
 * from: whoever connects there waits for ever. */
void sk_handed_tell(const struct sk_log *log);

#endif
