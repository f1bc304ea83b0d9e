/* session_lease.c: a session lives while somebody holds it, and for the lease after that. */
#include "core/session_impl.h"
#include "core/when.h"

#include <stdio.h>

static void expire(struct sk_session *session)
{
    struct sk_loop *loop = session->node->loop;
    char reason[96], when[SK_WHEN_MAX];

    sk_series_add(session->node->meters.expired[SK_EXPIRED_LEASE], 1);
    sk_when_print(sk_loop_wall(loop), when);
    (void)snprintf(reason, sizeof(reason), "its lease of %d s ran out (%s)",
                   (int)session->record->lease_seconds, when);
    sk_session_end(session, SK_SEC(session->record->expire_grace_seconds), reason);
}

static void on_lease(struct sk_timer *timer)
{
    expire(sk_container_of(timer, struct sk_session, lease));
}

void sk_session_lease_begin(struct sk_session *session)
{
    struct sk_node *node = session->node;

    if (session->state != SK_SESSION_OPEN || session->holder_count > 0 || node->stopping)
        return;
    session->expires = sk_instant_add(sk_loop_now(node->loop), SK_SEC(session->record->lease_seconds));
    sk_timer_start(node->loop, &session->lease, session->expires, on_lease);
}

void sk_session_lease_end(struct sk_session *session)
{
    session->expires = (struct sk_instant){0};
    sk_timer_stop(session->node->loop, &session->lease);
}

/* --- renewals -------------------------------------------------------------- */

static enum sk_code check(const struct sk_session *session, struct sk_err *err)
{
    if (session->node->stopping) {
        sk_node_stopping_err(err);
        return SK_UNAVAILABLE;
    }
    if (session->state == SK_SESSION_OPEN)
        return SK_OK;
    sk_session_closed_err(session, err);
    return SK_FAILED_PRECONDITION;
}

enum sk_code sk_session_renew(struct sk_session *session, struct sk_err *err)
{
    enum sk_code code = check(session, err);

    if (code == SK_OK)
        sk_session_lease_begin(session);
    return code;
}

/* --- holders --------------------------------------------------------------- */

static void fire(struct sk_task *task)
{
    struct sk_session_holder *holder = sk_container_of(task, struct sk_session_holder, task);
    holder->closed(holder);
}

enum sk_code sk_session_hold(struct sk_session *session, struct sk_session_holder *holder,
                             void (*closed)(struct sk_session_holder *holder), struct sk_err *err)
{
    enum sk_code code = check(session, err);

    if (code != SK_OK)
        return code;
    *holder = (struct sk_session_holder){.closed = closed, .session = sk_session_ref(session)};
    sk_list_append(&session->holders, &holder->link);
    session->holder_count++;
    sk_session_lease_end(session);
    return SK_OK;
}

static void detach(struct sk_session *session, struct sk_session_holder *holder)
{
    sk_list_remove(&holder->link);
    session->holder_count--;
}

void sk_session_let_go(struct sk_session_holder *holder)
{
    struct sk_session *session = sk_take(holder->session);

    if (!session)
        return;
    if (sk_list_is_linked(&holder->link)) {
        detach(session, holder);
        sk_session_lease_begin(session);
    }
    sk_loop_undefer(&holder->task);
    sk_session_unref(session);
}

void sk_session_tell_holders(struct sk_session *session)
{
    sk_list_each(&session->holders, link)
    {
        struct sk_session_holder *holder = sk_list_entry(link, struct sk_session_holder, link);
        detach(session, holder);
        sk_loop_defer(session->node->loop, &holder->task, fire);
    }
}
