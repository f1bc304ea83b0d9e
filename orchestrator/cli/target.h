/* target.h: where the server is, as people write it. Pure.
 *
 *   "http://host[:port][/]"   plain, port 80
 *   "https://host[:port][/]"  TLS, port 443
 *   "host:port"               plain
 *   "unix:/path"              plain */
#ifndef SK_CLI_TARGET_H
#define SK_CLI_TARGET_H

#include "base/err.h"

#include <stdbool.h>

#define SK_TARGET_DEFAULT "http://127.0.0.1:7463" /* the daemon's own default */

/* Whoever may open it needs no key. */
#define SK_TARGET_ADMIN_SOCKET "/run/sandkeep/admin.sock"

struct sk_target {
    char text[300]; /* as gRPC wants it */
    bool tls;
};

/* Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_target_parse(const char *address, struct sk_target *out_target,
                                           struct sk_err *err);

#endif
