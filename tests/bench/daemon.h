/* daemon.h: the daemon under test, found by the environment: SANDKEEP_ADDRESS,
 * CWSANDBOX_API_KEY. */
#ifndef SK_BENCH_DAEMON_H
#define SK_BENCH_DAEMON_H

#include "bench/call.h"

/* An environment variable; ends the program when it is not set. */
const char *setting(const char *name);

/* One at a time. Begins the use of gRPC: what forks must have done so. */
void daemon_open(struct caller *daemon);
void daemon_close(struct caller *daemon);

#endif
