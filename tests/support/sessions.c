#include "support/sessions.h"

#include <stdio.h>

static void on_opened(struct sk_done *done, const struct sk_err *err)
{
    struct opened *opened = sk_container_of(done, struct opened, done);

    opened->count++;
    opened->err = err ? *err : (struct sk_err){0};
}

struct sk_session_record *session_record(struct world *w, const char *request_id)
{
    struct sk_id id = sk_id_make_session(w->config.node_id);
    struct sk_session_record *record = sk_session_record_new(id.text);

    record->request_id = sk_arena_strdup(&record->arena, request_id);
    memset(record->request_hash, 5, sizeof(record->request_hash));
    record->display_name = "a session";
    record->lease_seconds = 30;
    return record;
}

void session_open(struct world *w, struct sk_session_record *record, struct opened *opened)
{
    *opened = (struct opened){0};
    sk_done_init(&opened->done, on_opened);
    sk_session_open(w->node, record, &opened->session, &opened->done);
}

void session_new(struct world *w, char id[SK_ID_MAX + 1])
{
    struct opened opened;

    session_open(w, session_record(w, ""), &opened);
    world_settle(w);
    assert_int_equal(opened.count, 1);
    assert_int_equal(opened.err.code, SK_OK);
    (void)snprintf(id, SK_ID_MAX + 1, "%s", sk_session_record(opened.session)->id);
}

struct sk_session *session_of(struct world *w, const char *id)
{
    struct sk_session *session = sk_session_find(w->node, id);

    assert_non_null(session);
    return session;
}

enum sk_session_state session_state(struct world *w, const char *id)
{
    return sk_session_record(session_of(w, id))->state;
}

struct sk_session_counts session_counts(struct world *w, const char *id)
{
    return sk_session_counts(session_of(w, id));
}

int session_stored(struct world *w, const char *id)
{
    size_t len = 0;
    const uint8_t *bytes = sk_memstore_get(w->store, id, &len);
    struct sk_session_record *record = NULL;

    if (!bytes)
        return 0;
    assert_int_equal(sk_session_record_unpack(bytes, len, &record, NULL), SK_OK);
    int state = (int)record->state;
    sk_session_record_free(record);
    return state;
}

void session_close(struct world *w, const char *id, struct sk_duration grace, bool wait,
                   struct answer *answer)
{
    answer_init(answer);
    sk_session_close(session_of(w, id), grace, wait, &answer->done);
}

struct sk_record *session_sandbox(struct world *w, const char *id, const char *request_id)
{
    struct sk_record *record = world_record(w, request_id);

    record->session_id = sk_arena_strdup(&record->arena, id);
    record->spec.max_lifetime_seconds = 36000;
    return record;
}

struct sk_sandbox *session_running(struct world *w, const char *id, const char *const *argv)
{
    struct answer created;
    struct sk_record *record = session_sandbox(w, id, "");

    if (argv)
        world_command(record, argv);
    world_create(w, record, &created);
    world_settle(w);
    assert_int_equal(created.count, 1);
    assert_int_equal(created.err.code, SK_OK);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    return created.sandbox;
}

void copy_id(char out[SK_ID_MAX + 1], struct sk_sandbox *s)
{
    (void)snprintf(out, SK_ID_MAX + 1, "%s", sk_sandbox_record(s)->id);
}

enum sk_state state_of(struct world *w, const char *sandbox_id)
{
    struct sk_sandbox *s = sk_node_find(w->node, sandbox_id);

    assert_non_null(s);
    return sk_sandbox_record(s)->state;
}

const char *reason_of(struct world *w, const char *sandbox_id)
{
    return sk_sandbox_record(sk_node_find(w->node, sandbox_id))->state_reason;
}
