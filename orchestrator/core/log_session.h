/* log_session.h: the id of one reading of a log, which says all that is needed
 * to go on with it: where it began and how it was written out. Nothing is kept
 * for it, so it works for as long as the log does, restarts included.
 *
 * A session is bound to its sandbox by a checksum; what the client changes, or
 * brings from elsewhere, is no session. It protects from mistakes: a session
 * grants nothing that its holder could not read anyway. Pure. */
#ifndef SK_CORE_LOG_SESSION_H
#define SK_CORE_LOG_SESSION_H

#include "base/clock.h"

#include <stddef.h>

/* Start, flags, nonce, checksum, in hexadecimal. */
#define SK_LOG_SESSION_LEN (16 + 1 + 16 + 16)
#define SK_LOG_MARKER_MAX  80

struct sk_log_session {
    uint64_t start;  /* the first byte of the journal that was asked for and kept */
    bool timestamps; /* before each line */
    bool whole;      /* all was asked for: a line says what was no longer kept */
    uint64_t nonce;  /* no two sessions are alike */
};

void sk_log_session_print(const struct sk_log_session *session, const char *sandbox_id,
                          char out[SK_LOG_SESSION_LEN + 1]);
/* False for everything that sk_log_session_print did not write for this sandbox. */
bool sk_log_session_parse(const char *text, const char *sandbox_id, struct sk_log_session *out_session);

/* The line that a session begins with when older output is gone; its length, 0 = none. */
size_t sk_log_session_marker(const struct sk_log_session *session, char out[SK_LOG_MARKER_MAX]);

#endif
