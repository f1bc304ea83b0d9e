/* marks.h: what a spec asks of this daemon in annotations and tags, by which
 * clients that know nothing of sessions take part in them. Pure.
 *
 *   sandkeep.dev/session: ID                the session it lives and ends with
 *   sandkeep.dev/start: now | on-first-use
 *   sandkeep.dev/idle-timeout-seconds: N    0: never
 *   the tag sandkeep-session.ID             the same as the first */
#ifndef SK_API_MARKS_H
#define SK_API_MARKS_H

#include "api/check.h"
#include "api/messages.h"

#define SK_MARK_SESSION      "sandkeep.dev/session"
#define SK_MARK_START        "sandkeep.dev/start"
#define SK_MARK_IDLE_TIMEOUT "sandkeep.dev/idle-timeout-seconds"
#define SK_MARK_SESSION_TAG  "sandkeep-session."

#define SK_LIFETIME_MAX 2592000 /* 30 days, in seconds */

/* The session's id, "" when none is named. Two names must be the same. */
const char *sk_marks_session(const SK_PB(Sandbox) * sandbox, const struct sk_path *top,
                             struct sk_check *check);
/* Names the session in an annotation, where none does yet. */
void sk_marks_set_session(SK_PB(Sandbox) * sandbox, const char *session_id, struct sk_arena *arena);

struct sk_marks {
    bool start_on_first_use;
    int32_t idle_timeout_seconds; /* -1 = nothing said */
};
struct sk_marks sk_marks_read(const SK_PB(Sandbox) * sandbox, const struct sk_path *top,
                              struct sk_check *check);

#endif
