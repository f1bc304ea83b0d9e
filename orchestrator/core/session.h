/* session.h: a group of sandboxes that end together: at its close, or when
 * nobody holds its lease any more.
 *
 *   OPEN --close, lease over--> CLOSING --last sandbox ended--> CLOSED
 *
 * A session is a record of its own in the store; a sandbox names its session
 * in its record, for ever, and a session is remembered at least as long as
 * any of its sandboxes. Renewals are not stored: after a restart of the
 * daemon every open session gets its whole lease anew, so that a lease is
 * never called over too early.
 *
 * Threads: loop only. Sessions are borrowed until the caller returns to the
 * loop; by id from then on. */
#ifndef SK_CORE_SESSION_H
#define SK_CORE_SESSION_H

#include "core/node.h"
#include "store/session_records.h"

struct sk_session;

/* One OpenSession. record_take: id (sk_id_make_session), owner, request id and hash, display name, defaults
 * and limits filled in; consumed. lease_seconds and expire_grace_seconds: 0 = the node's default. done fires
 * when it is durable and *out_session set. A request id seen before gives the original, also when it is
 * closed. Errors: SK_INVALID_ARGUMENT (same request id, other body: field "request_id"; a lease beyond
 * max_lease: field "lease_seconds"), SK_RESOURCE_EXHAUSTED (max_sessions), SK_UNAVAILABLE (stopping), those
 * of the store. */
void sk_session_open(struct sk_node *node, struct sk_session_record *record_take,
                     struct sk_session **out_session, struct sk_done *done);
/* NULL when there is none. Any text may be asked for. */
struct sk_session *sk_session_find(struct sk_node *node, const char *id);
/* SK_NOT_FOUND + SESSION_NOT_FOUND, in the words that everyone is told. */
void sk_session_not_found(struct sk_err *err, const char *id);
/* Borrowed, read-only. */
const struct sk_session_record *sk_session_record(const struct sk_session *session);
/* False as soon as its close has begun, whether that is stored or not. */
bool sk_session_is_open(const struct sk_session *session);

struct sk_session_counts {
    size_t live;      /* sandboxes that have not ended */
    uint64_t created; /* ever */
    size_t holders;
    struct sk_wall expires; /* 0 = held, or not open */
};
struct sk_session_counts sk_session_counts(const struct sk_session *session);

struct sk_session_query {
    const char *tenant; /* of this one alone; NULL = all */
    bool show_closed;
    const char *after; /* page token of the last call, or "" */
    size_t limit;      /* > 0 */
};

/* Newest first, as sk_node_list. Fills out (query->limit slots); *out_next is a page token or "" at the end.
 * Errors: SK_INVALID_ARGUMENT for a bad token (field "page_token"). */
SK_MUST_CHECK enum sk_code sk_session_list(struct sk_node *node, const struct sk_session_query *query,
                                           struct sk_session **out, size_t *out_count,
                                           char out_next[SK_PAGE_TOKEN_MAX], struct sk_err *err);

/* The lease begins anew. Errors: SK_FAILED_PRECONDITION + SESSION_CLOSED, SK_UNAVAILABLE (stopping). */
SK_MUST_CHECK enum sk_code sk_session_renew(struct sk_session *session, struct sk_err *err);

/* Holds the lease from attach to detach; storage is the caller's, zeroed. closed fires (once, not inside a
 * call) when the session is no longer open, and when the node stops: its record's state tells which. */
struct sk_session_holder {
    void (*closed)(struct sk_session_holder *holder);
    struct sk_list link;
    struct sk_task task;
    struct sk_session *session; /* a reference, from attach to detach */
};
/* Errors: as sk_session_renew. */
SK_MUST_CHECK enum sk_code sk_session_hold(struct sk_session *session, struct sk_session_holder *holder,
                                           void (*closed)(struct sk_session_holder *holder),
                                           struct sk_err *err);
/* Also after `closed`. Harmless if it was never attached. */
void sk_session_let_go(struct sk_session_holder *holder);

/* Ends it and every sandbox in it. done fires when the intent is durable, and, with `wait`, the last sandbox
 * has ended (cancel: it answers at once, with success). grace: as in sk_node_delete. Closed or closing:
 * success, an earlier kill wins. Errors: SK_UNAVAILABLE (stopping), those of the store: it is closed all the
 * same. */
void sk_session_close(struct sk_session *session, struct sk_duration grace, bool wait, struct sk_done *done);

#endif
