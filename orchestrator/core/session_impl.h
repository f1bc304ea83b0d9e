/* session_impl.h: the inside of struct sk_session, and what the rest of core/
 * does to sessions.
 *
 * session.c is the birth, session_close.c the end, session_lease.c the lease
 * and its holders, session_members.c the sandboxes, session_save.c the way to
 * the store, session_recover.c restart and retention, session_list.c pages.
 *
 * Two states, as of a sandbox: `state` is the truth; record->state is what the
 * outside sees, and follows when the change is durable. */
#ifndef SK_CORE_SESSION_IMPL_H
#define SK_CORE_SESSION_IMPL_H

#include "core/sandbox_impl.h"
#include "core/saver.h"
#include "core/session.h"

struct sk_session {
    struct sk_node *node;
    unsigned refs;
    struct sk_log log; /* carries the id */
    struct sk_session_record *record;
    enum sk_session_state state;
    enum sk_session_state packed; /* in the put under way */
    bool durable;                 /* its first record is stored: it may be seen */
    struct sk_saver saver;
    struct sk_map_node by_id, by_request;
    struct sk_due due;       /* of its tenant, until it is closed */
    struct sk_list link;     /* node->sessions */
    struct sk_list unclosed; /* node->unclosed */

    struct sk_list sandboxes; /* that have not ended, as far as anybody can see */
    size_t live;              /* of them */
    size_t known;             /* sandboxes that the node remembers, ended ones included */

    struct sk_list holders; /* of the lease */
    size_t holder_count;
    struct sk_instant expires; /* unset while it is held, or not open */
    struct sk_timer lease;

    struct sk_done intent;   /* the close is durable */
    bool ending;             /* the intent is on its way, or carried out */
    struct sk_list closings; /* answers that wait for the last sandbox */
};

/* record_take: consumed. The new session has one reference and is in no index. */
struct sk_session *sk_session_new(struct sk_node *node, struct sk_session_record *record_take);
struct sk_session *sk_session_ref(struct sk_session *session);
void sk_session_unref(struct sk_session *session);
/* Puts it into the node's indexes (taking over one reference), and out. */
void sk_session_insert(struct sk_session *session_take);
void sk_session_withdraw(struct sk_session *session);
/* NULL when the node has no log. */
const struct sk_log *sk_session_log(const struct sk_session *session);
void sk_session_closed_err(const struct sk_session *session, struct sk_err *err);

/* --- saving --- */
extern const struct sk_saver_ops sk_session_saver_ops;
/* A change of the state, on its way to the store afterwards. */
void sk_session_move(struct sk_session *session, enum sk_session_state state, const char *reason);

/* --- sandboxes --- */
/* Whether one may be made in it now. Errors: SK_FAILED_PRECONDITION + SESSION_CLOSED, SK_RESOURCE_EXHAUSTED +
 * SESSION_FULL. */
SK_MUST_CHECK enum sk_code sk_session_admit(const struct sk_session *session, struct sk_err *err);
/* The sandbox is one of the session's from here on. */
void sk_session_join(struct sk_session *session, struct sk_sandbox *sandbox);
/* Its session's affair, if it has one: it is seen to have ended; it leaves the node's indexes. */
void sk_session_ended(struct sk_sandbox *sandbox);
void sk_session_leave(struct sk_sandbox *sandbox);
/* Its record is no longer kept. */
void sk_session_count_pruned(struct sk_sandbox *sandbox);
/* The sandbox has become durable: true when it came too late and was ended. */
bool sk_session_missed(struct sk_sandbox *sandbox);

/* --- lease --- */
void sk_session_lease_begin(struct sk_session *session);
void sk_session_lease_end(struct sk_session *session);
/* All that hold it are told. */
void sk_session_tell_holders(struct sk_session *session);

/* --- the end --- */
/* OPEN: closes it. CLOSING: an earlier kill wins. */
void sk_session_end(struct sk_session *session, struct sk_duration grace, const char *reason);
/* CLOSING, and the intent is stored: ends what still lives. */
void sk_session_end_members(struct sk_session *session);
/* CLOSING becomes CLOSED, if nothing lives. */
void sk_session_settle(struct sk_session *session);
/* Answers that wait for the end: it may have come; the daemon stops. */
void sk_session_fire_closings(struct sk_session *session);
void sk_session_stop_closings(struct sk_session *session);

/* --- the node's sessions --- */
/* Loads the records; before those of sandboxes. */
SK_MUST_CHECK enum sk_code sk_sessions_load(struct sk_node *node, struct sk_err *err);
/* A sandbox that was loaded joins its session. */
void sk_session_rejoin(struct sk_sandbox *sandbox);
/* After every sandbox was taken up: leases begin, closing goes on. */
void sk_sessions_take_up(struct sk_node *node);
/* Removes the records whose time has passed. */
void sk_sessions_prune(struct sk_node *node, struct sk_wall before);
/* Timers end, and everything that waits is answered. */
void sk_sessions_stop(struct sk_node *node);

#endif
