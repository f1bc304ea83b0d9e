/* session_close.c: the end of a session. First the intent is stored, then the
 * sandboxes are ended, all at once; with the last one the session is closed. */
#include "core/session_impl.h"

#include <stdio.h>
#include <string.h>

#define BY_REQUEST "closed by request"

/* --- ending the sandboxes -------------------------------------------------- */

static struct sk_duration grace_left(const struct sk_session *session)
{
    int64_t left = session->record->kill_at.ns - sk_loop_now(session->node->loop).ns;
    return SK_NS(left > 0 ? left : 0);
}

static void end_one(const struct sk_session *session, struct sk_sandbox *s)
{
    const struct sk_session_record *record = session->record;
    bool by_request = strcmp(record->state_reason, BY_REQUEST) == 0;
    char reason[640];

    (void)snprintf(reason, sizeof(reason), "session %s was closed%s%s", record->id, by_request ? "" : ": ",
                   by_request ? "" : record->state_reason);
    sk_sandbox_end(s, grace_left(session), reason);
}

/* Those that are not stored yet are ended when they are (sk_session_missed). */
static void end_all(struct sk_session *session)
{
    sk_list_each(&session->sandboxes, link)
    {
        struct sk_sandbox *s = sk_list_entry(link, struct sk_sandbox, in_session);
        if (s->durable)
            end_one(session, s);
    }
}

bool sk_session_missed(struct sk_sandbox *s)
{
    struct sk_session *session = s->session;

    if (!session || session->state == SK_SESSION_OPEN)
        return false;
    if (session->ending)
        end_one(session, s);
    return true;
}

void sk_session_settle(struct sk_session *session)
{
    if (session->state == SK_SESSION_CLOSING && session->live == 0 && !session->node->stopping)
        sk_session_move(session, SK_SESSION_CLOSED, NULL);
}

void sk_session_end_members(struct sk_session *session)
{
    if (session->node->stopping)
        return; /* the next daemon goes on */
    session->ending = true;
    end_all(session);
    sk_session_settle(session);
}

/* --- the intent ------------------------------------------------------------ */

static void on_intent(struct sk_done *intent, const struct sk_err *err)
{
    (void)err; /* a full disk delays no end */
    sk_session_end_members(sk_container_of(intent, struct sk_session, intent));
}

/* False when an earlier moment stands. */
static bool set_kill_at(struct sk_session *session, struct sk_duration grace)
{
    struct sk_node *node = session->node;
    struct sk_session_record *record = session->record;
    struct sk_duration most = node->config.max_grace;

    grace = grace.ns < 0 ? SK_NS(0) : grace.ns > most.ns ? most : grace;
    struct sk_instant at = sk_instant_add(sk_loop_now(node->loop), grace);
    if (sk_instant_is_set(record->kill_at) && record->kill_at.ns <= at.ns)
        return false;
    record->boot_id = node->boot_id; /* the node outlives the record */
    record->kill_at = at;
    record->kill_at_wall = sk_node_wall(node, at);
    return true;
}

static void begin(struct sk_session *session, const char *reason)
{
    sk_session_lease_end(session);
    sk_session_move(session, SK_SESSION_CLOSING, reason);
    sk_session_settle(session);
    sk_done_init(&session->intent, on_intent);
    sk_saver_save(&session->saver, &session->intent);
}

void sk_session_end(struct sk_session *session, struct sk_duration grace, const char *reason)
{
    if (session->state == SK_SESSION_CLOSED || !set_kill_at(session, grace))
        return;
    if (session->state == SK_SESSION_OPEN) {
        begin(session, reason);
        return;
    }
    sk_saver_save(&session->saver, NULL);
    if (session->ending)
        end_all(session);
}

bool sk_session_is_open(const struct sk_session *session)
{
    return session->state == SK_SESSION_OPEN;
}

/* --- answers --------------------------------------------------------------- */

struct closing {
    struct sk_list link;        /* session->closings, while it waits for the last sandbox */
    struct sk_session *session; /* a reference */
    bool wait;
    struct sk_done *done;
    struct sk_done stored;
    struct sk_task turn;
    struct sk_err err;
};

static void give(struct closing *c, const struct sk_err *err)
{
    struct sk_session *session = c->session;
    struct sk_node *node = session->node;
    struct sk_done *done = c->done;

    sk_list_remove(&c->link);
    sk_loop_undefer(&c->turn);
    free(c);
    sk_done_fire(done, err);
    sk_session_unref(session);
    sk_node_unhold(node);
}

static void on_turn(struct sk_task *task)
{
    struct closing *c = sk_container_of(task, struct closing, turn);
    struct sk_err err = c->err;

    give(c, err.code == SK_OK ? NULL : &err);
}

static void give_soon(struct closing *c)
{
    sk_loop_defer(c->session->node->loop, &c->turn, on_turn);
}

static void on_stored(struct sk_done *stored, const struct sk_err *err)
{
    struct closing *c = sk_container_of(stored, struct closing, stored);
    struct sk_session *session = c->session;

    if (err || !c->wait || session->record->state == SK_SESSION_CLOSED) {
        give(c, err);
        return;
    }
    sk_list_append(&session->closings, &c->link);
    if (session->node->stopping)
        sk_session_stop_closings(session);
}

static void cancel(struct sk_done *done)
{
    struct closing *c = done->callee;

    c->wait = false;
    if (sk_list_is_linked(&c->link))
        give_soon(c);
}

void sk_session_fire_closings(struct sk_session *session)
{
    if (session->record->state != SK_SESSION_CLOSED)
        return;
    sk_list_each(&session->closings, link) give_soon(sk_list_entry(link, struct closing, link));
}

void sk_session_stop_closings(struct sk_session *session)
{
    sk_list_each(&session->closings, link)
    {
        struct closing *c = sk_list_entry(link, struct closing, link);
        sk_node_stopping_err(&c->err);
        give_soon(c);
    }
}

void sk_session_close(struct sk_session *session, struct sk_duration grace, bool wait, struct sk_done *done)
{
    struct sk_node *node = session->node;
    struct sk_err err = {0};

    if (node->stopping) {
        sk_node_stopping_err(&err);
        sk_done_later(node->loop, done, &err);
        return;
    }
    sk_session_end(session, grace, BY_REQUEST);
    struct closing *c = sk_alloc(sizeof(*c));
    *c = (struct closing){.session = sk_session_ref(session), .wait = wait, .done = done};
    done->callee = c;
    done->cancel = cancel;
    sk_node_hold(node);
    sk_done_init(&c->stored, on_stored);
    sk_saver_await(&session->saver, &c->stored);
}
