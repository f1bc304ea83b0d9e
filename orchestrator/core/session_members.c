/* session_members.c: the sandboxes of a session: who may come in, who is there, who has ended. */
#include "core/session_impl.h"

void sk_session_closed_err(const struct sk_session *session, struct sk_err *err)
{
    (void)sk_fail(err, SK_FAILED_PRECONDITION, "session %s is %s", session->record->id,
                  session->state == SK_SESSION_CLOSING ? "being closed" : "closed");
    (void)sk_err_reason(err, "SESSION_CLOSED");
}

enum sk_code sk_session_admit(const struct sk_session *session, struct sk_err *err)
{
    int32_t most = session->record->max_sandboxes;

    if (session->state != SK_SESSION_OPEN) {
        sk_session_closed_err(session, err);
        return SK_FAILED_PRECONDITION;
    }
    if (most > 0 && session->live >= (size_t)most) {
        (void)sk_fail(err, SK_RESOURCE_EXHAUSTED, "session %s has %d live sandboxes, as many as it may",
                      session->record->id, (int)most);
        return sk_err_reason(err, "SESSION_FULL");
    }
    return SK_OK;
}

void sk_session_join(struct sk_session *session, struct sk_sandbox *s)
{
    s->session = session;
    session->known++;
    if (sk_state_is_final(s->record->state))
        return;
    sk_list_append(&session->sandboxes, &s->in_session);
    session->live++;
}

void sk_session_ended(struct sk_sandbox *s)
{
    struct sk_session *session = s->session;

    if (!sk_list_is_linked(&s->in_session))
        return;
    sk_list_remove(&s->in_session);
    session->live--;
    sk_session_settle(session);
}

void sk_session_leave(struct sk_sandbox *s)
{
    struct sk_session *session = s->session;

    if (!session)
        return;
    sk_session_ended(s);
    session->known--;
    s->session = NULL;
}

void sk_session_count_pruned(struct sk_sandbox *s)
{
    if (!s->session)
        return;
    s->session->record->pruned_sandboxes++;
    sk_saver_save(&s->session->saver, NULL);
}

struct sk_session_counts sk_session_counts(const struct sk_session *session)
{
    struct sk_session_counts counts = {
        .live = session->live,
        .created = (uint64_t)session->record->pruned_sandboxes + session->known,
        .holders = session->holder_count,
    };

    if (sk_instant_is_set(session->expires))
        counts.expires = sk_node_wall(session->node, session->expires);
    return counts;
}
