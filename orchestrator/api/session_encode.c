#include "api/session_encode.h"
#include "api/encode.h"

static SK_OWN_PB(SessionState) state_of(const struct sk_session_record *record)
{
    switch (record->state) {
    case SK_SESSION_OPEN:
        return SK_OWN_PBE(SESSION_STATE, SESSION_STATE_OPEN);
    case SK_SESSION_CLOSING:
        return SK_OWN_PBE(SESSION_STATE, SESSION_STATE_CLOSING);
    case SK_SESSION_CLOSED:
        return SK_OWN_PBE(SESSION_STATE, SESSION_STATE_CLOSED);
    }
    return SK_OWN_PBE(SESSION_STATE, SESSION_STATE_UNSPECIFIED);
}

SK_OWN_PB(SessionState) sk_encode_over(const struct sk_session *session)
{
    const struct sk_session_record *record = sk_session_record(session);
    return record->state == SK_SESSION_OPEN ? SK_OWN_PBE(SESSION_STATE, SESSION_STATE_CLOSING)
                                            : state_of(record);
}

SK_OWN_PB(Session) * sk_encode_session(struct sk_arena *arena, const struct sk_session *session)
{
    const struct sk_session_record *record = sk_session_record(session);
    struct sk_session_counts counts = sk_session_counts(session);
    SK_OWN_PB(Session) *out = SK_OWN_PB_NEW(arena, session);
    out->session_id = sk_arena_strdup(arena, record->id);
    out->state = state_of(record);
    out->state_reason = sk_arena_strdup(arena, record->state_reason);
    out->display_name = sk_arena_strdup(arena, record->display_name);
    /* NULL, and so left out, when another daemon wrote what this one cannot read. */
    out->defaults = sk_pb_unpack(arena, &sandkeep__v1__sandbox_defaults__descriptor, record->defaults,
                                 record->defaults_len);
    out->lease_seconds = record->lease_seconds;
    out->create_time = sk_encode_time(arena, record->created);
    out->lease_expire_time = sk_encode_time(arena, counts.expires);
    out->close_time = sk_encode_time(arena, record->closed);
    out->live_sandboxes = (int32_t)counts.live;
    out->created_sandboxes = (int64_t)counts.created;
    out->holders = (int32_t)counts.holders;
    return out;
}
