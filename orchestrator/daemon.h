/* daemon.h: the daemon: owns every long-lived object, starts them in order
 * and stops them in reverse. */
#ifndef SK_DAEMON_H
#define SK_DAEMON_H

#include "config/config.h"

/* Serves until SIGTERM or SIGINT, or until it cannot start. Sandboxes live
 * on. path: of the config, which SIGHUP has read again. Returns the exit code of the process. */
int sk_daemon_run(const struct sk_config *config, const char *path);

#endif
