/* landing.h: a local file that appears whole or not at all: written under
 * another name beside its own, then renamed. What is no regular file (a
 * device, a pipe) is written as it is. */
#ifndef SK_CLI_LANDING_H
#define SK_CLI_LANDING_H

#include "base/err.h"

#include <sys/types.h>

struct sk_landing {
    int fd;     /* -1 = not open */
    char *path; /* what it will be; links are followed */
    char *temp; /* NULL = written as it is */
};

/* The new file has `mode`, less the umask; only its lowest nine bits count. */
SK_MUST_CHECK enum sk_code sk_landing_open(struct sk_landing *landing, const char *path, mode_t mode,
                                           struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_landing_commit(struct sk_landing *landing, struct sk_err *err);
/* Removes what was not committed. Harmless twice. */
void sk_landing_close(struct sk_landing *landing);

#endif
