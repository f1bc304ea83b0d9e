/* spool.h: what can be read only once, copied to an unlinked file. */
#ifndef SK_CLI_SPOOL_H
#define SK_CLI_SPOOL_H

#include "base/err.h"

/* The file lies in $TMPDIR, else /var/tmp, and goes with its descriptor. Errors: by errno;
 * SK_INVALID_ARGUMENT for a terminal. */
SK_MUST_CHECK enum sk_code sk_spool(int from, int *out_fd, struct sk_err *err);

#endif
