/* journald.h: log lines as entries of the systemd journal, by its native
 * protocol (systemd, docs/JOURNAL_NATIVE_PROTOCOL.md): one datagram a line,
 * with MESSAGE ("event key=value …"), PRIORITY, SYSLOG_IDENTIFIER, and each
 * field as SANDKEEP_<KEY>.
 *
 * Threads: any. Nothing here waits: what the journal does not take at once is
 * the caller's to put elsewhere. */
#ifndef SK_BASE_JOURNALD_H
#define SK_BASE_JOURNALD_H

#include "base/log.h"

#include <sys/socket.h>
#include <sys/un.h>

#define SK_JOURNALD_PATH "/run/systemd/journal/socket"

struct sk_journald {
    int fd;
    struct sockaddr_un address;
};

/* Errors: SK_UNAVAILABLE when nobody listens at `path` now. */
SK_MUST_CHECK enum sk_code sk_journald_open(struct sk_journald *journald, const char *path,
                                            struct sk_err *err);
void sk_journald_close(struct sk_journald *journald);

/* False: the journal has not taken it. `error` and `fields` end with a NULL key. */
bool sk_journald_write(const struct sk_journald *journald, enum sk_level level, const char *event,
                       const struct sk_log *log, const struct sk_field *fields, const struct sk_field *error);

#endif
