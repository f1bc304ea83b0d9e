/* session_output.h: sessions on standard output.
 *
 * As JSON: id, state, state_reason, name, image, tags, lease_seconds,
 * idle_timeout_seconds, max_sandboxes, lifetime_seconds, live_sandboxes,
 * created_sandboxes, holders, created, lease_expires, closed (RFC 3339 or
 * null). Fields are only ever added. */
#ifndef SK_CLI_SESSION_OUTPUT_H
#define SK_CLI_SESSION_OUTPUT_H

#include "base/buf.h"

#include "sandkeep/session.pb-c.h"

#include <stdbool.h>

/* "open", "closing", "closed"; "unknown" for a number this program does not know. */
const char *sk_session_state_name(Sandkeep__V1__SessionState state);
/* A table, or a JSON array. Returns the exit code. */
int sk_session_output_list(Sandkeep__V1__Session *const *sessions, size_t count, bool json);
/* "key: value" lines, or a JSON object. Returns the exit code. */
int sk_session_output_one(const Sandkeep__V1__Session *session, bool json);

#endif
