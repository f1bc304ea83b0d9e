/* session_encode.h: a session as the message clients read. Pure. */
#ifndef SK_API_SESSION_ENCODE_H
#define SK_API_SESSION_ENCODE_H

#include "api/messages.h"
#include "core/session.h"

/* Lives in the arena. */
SK_OWN_PB(Session) * sk_encode_session(struct sk_arena *arena, const struct sk_session *session);
/* Never OPEN: for a session that is told to be over, whatever the store has got to. */
SK_OWN_PB(SessionState) sk_encode_over(const struct sk_session *session);

#endif
