/* sessions.h: sessions in a world (world.h), for tests. */
#ifndef SK_TESTS_SESSIONS_H
#define SK_TESTS_SESSIONS_H

#include "core/session.h"
#include "support/world.h"

/* An answer to an open that is waited for. */
struct opened {
    struct sk_done done;
    int count;
    struct sk_err err; /* SK_OK = success */
    struct sk_session *session;
};

/* A record as the API makes it: 30 s of lease, no limit. */
struct sk_session_record *session_record(struct world *w, const char *request_id);
void session_open(struct world *w, struct sk_session_record *record, struct opened *opened);
/* Open; the id is copied, for it outlives the node. */
void session_new(struct world *w, char id[SK_ID_MAX + 1]);

/* By id, since sessions are borrowed. */
struct sk_session *session_of(struct world *w, const char *id);
enum sk_session_state session_state(struct world *w, const char *id);
struct sk_session_counts session_counts(struct world *w, const char *id);
/* The state that a restart would see; 0 = no record. */
int session_stored(struct world *w, const char *id);
void session_close(struct world *w, const char *id, struct sk_duration grace, bool wait,
                   struct answer *answer);

/* A sandbox's record in that session. */
struct sk_record *session_sandbox(struct world *w, const char *id, const char *request_id);
/* RUNNING there; with `argv` as its command, unless NULL. */
struct sk_sandbox *session_running(struct world *w, const char *id, const char *const *argv);
/* Its id, copied. */
void copy_id(char out[SK_ID_MAX + 1], struct sk_sandbox *s);
enum sk_state state_of(struct world *w, const char *sandbox_id);
const char *reason_of(struct world *w, const char *sandbox_id);

#endif
