/* session_recover.c: all sessions of the node: restart, retention, stop. */
#include "core/session_impl.h"

#include <stdio.h>
#include <string.h>

/* What a sandbox gets whose session is not known any more. */
#define STRAY_GRACE SK_SEC(10)

/* --- restart --------------------------------------------------------------- */

static void load_one(void *arg, const char *key, const uint8_t *data, size_t len)
{
    struct sk_node *node = arg;
    struct sk_session_record *record = NULL;
    struct sk_err err = {0};

    if (sk_session_record_unpack(data, len, &record, &err) != SK_OK) {
        sk_log_err(node->log, SK_ERROR, "recover.bad_session", &err, SK_STR("key", key));
        return; /* its bytes stay in the store as evidence */
    }
    if (strcmp(record->id, key) != 0 || sk_session_find(node, record->id)) {
        sk_log(node->log, SK_ERROR, "recover.misplaced_session", SK_STR("key", key));
        sk_session_record_free(record);
        return;
    }
    struct sk_session *session = sk_session_new(node, record);
    session->durable = true;
    sk_session_insert(session);
}

enum sk_code sk_sessions_load(struct sk_node *node, struct sk_err *err)
{
    return sk_store_load(node->store, SK_KIND_SESSION, load_one, node, err);
}

void sk_session_rejoin(struct sk_sandbox *s)
{
    struct sk_session *session = sk_session_find(s->node, s->record->session_id);

    if (session)
        sk_session_join(session, s);
}

static void take_up(struct sk_session *session)
{
    struct sk_session_record *record = session->record;

    record->kill_at = sk_node_instant(session->node, record->boot_id, record->kill_at, record->kill_at_wall);
    record->boot_id = session->node->boot_id;
    if (session->state == SK_SESSION_OPEN)
        sk_session_lease_begin(session);
    else
        sk_session_end_members(session);
}

static void end_stray(struct sk_sandbox *s)
{
    char reason[128];

    if (!s->record->session_id[0] || s->session || sk_state_is_final(s->state))
        return;
    (void)snprintf(reason, sizeof(reason), "session %s is not known any more", s->record->session_id);
    sk_sandbox_end(s, STRAY_GRACE, reason);
}

void sk_sessions_take_up(struct sk_node *node)
{
    sk_list_each(&node->sandboxes, link) end_stray(sk_list_entry(link, struct sk_sandbox, link));
    sk_list_each(&node->sessions, link) take_up(sk_list_entry(link, struct sk_session, link));
}

/* --- retention ------------------------------------------------------------- */

static bool is_past(const struct sk_session *session, struct sk_wall before)
{
    const struct sk_session_record *record = session->record;

    return record->state == SK_SESSION_CLOSED && session->known == 0 && record->closed.ns <= before.ns &&
           sk_saver_is_idle(&session->saver);
}

void sk_sessions_prune(struct sk_node *node, struct sk_wall before)
{
    sk_list_each(&node->sessions, link)
    {
        struct sk_session *session = sk_list_entry(link, struct sk_session, link);
        if (!is_past(session, before))
            continue;
        sk_store_delete(node->store, SK_KIND_SESSION, session->record->id, NULL);
        sk_session_withdraw(session);
    }
}

/* --- stop ------------------------------------------------------------------ */

void sk_sessions_stop(struct sk_node *node)
{
    sk_list_each(&node->sessions, link)
    {
        struct sk_session *session = sk_list_entry(link, struct sk_session, link);
        sk_session_lease_end(session);
        sk_session_tell_holders(session);
        sk_session_stop_closings(session);
    }
}
