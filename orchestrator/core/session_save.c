/* session_save.c: a session's way to the store, and from there to its shown state. */
#include "core/session_impl.h"
#include "loop/failpoint.h"

static struct sk_session *of(const struct sk_saver *saver)
{
    return sk_container_of(saver, struct sk_session, saver);
}

static const char *state_word(enum sk_session_state state)
{
    static const char *const words[] = {"", "open", "closing", "closed"};
    return words[state];
}

static void pass(const struct sk_session *session, const char *side)
{
    sk_failpoint_pass(session->node->loop, "session", state_word(session->packed), side);
}

static const char *key(const struct sk_saver *saver)
{
    return of(saver)->record->id;
}

static enum sk_code pack(struct sk_saver *saver, struct sk_buf *out, struct sk_err *err)
{
    struct sk_session *session = of(saver);
    enum sk_session_state shown = session->record->state;

    session->packed = session->state;
    pass(session, SK_BEFORE);
    session->record->state = session->state;
    enum sk_code code = sk_session_record_pack(session->record, out, err);
    session->record->state = shown;
    return code;
}

/* As with sandboxes, a disk that refuses delays no end. */
static void answered(struct sk_saver *saver, const struct sk_err *err)
{
    struct sk_session *session = of(saver);

    pass(session, SK_AFTER);
    if (err)
        sk_log_err(sk_session_log(session), SK_ERROR, "session.save_failed", err);
    if (err && !session->durable)
        return; /* it never existed: the opening withdraws it */
    session->durable = true;
    session->record->state = session->packed;
    if (session->packed == SK_SESSION_CLOSED)
        sk_list_remove(&session->unclosed);
    if (session->packed != SK_SESSION_OPEN)
        sk_session_tell_holders(session);
    sk_session_fire_closings(session);
}

static bool retries(const struct sk_saver *saver)
{
    return of(saver)->durable;
}

static void keep(struct sk_saver *saver)
{
    (void)sk_session_ref(of(saver));
    sk_node_hold(saver->node);
}

static void drop(struct sk_saver *saver)
{
    struct sk_node *node = saver->node;

    sk_session_unref(of(saver));
    sk_node_unhold(node);
}

const struct sk_saver_ops sk_session_saver_ops = {
    .kind = SK_KIND_SESSION,
    .key = key,
    .pack = pack,
    .answered = answered,
    .retries = retries,
    .keep = keep,
    .drop = drop,
};

void sk_session_move(struct sk_session *session, enum sk_session_state state, const char *reason)
{
    session->state = state;
    if (reason)
        sk_session_record_set_reason(session->record, reason);
    if (state == SK_SESSION_CLOSED) {
        session->record->closed = sk_loop_wall(session->node->loop);
        session->node->open_sessions--;
        sk_due_drop(&session->due);
    }
    sk_log(sk_session_log(session), SK_INFO, "session.state", SK_STR("state", state_word(state)),
           SK_STR("reason", session->record->state_reason));
    sk_timeline_add(&session->node->timeline, sk_loop_wall(session->node->loop), "session",
                    session->record->id, "%s%s%s", state_word(state),
                    session->record->state_reason[0] ? ": " : "", session->record->state_reason);
    sk_saver_save(&session->saver, NULL);
}
