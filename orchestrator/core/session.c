#include "core/session_impl.h"

#include "core/drain_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What the sandboxes of an expired session get, unless its opener said otherwise. */
#define EXPIRE_GRACE_SECONDS 10

/* --- the struct ------------------------------------------------------------ */

struct sk_session *sk_session_new(struct sk_node *node, struct sk_session_record *record_take)
{
    struct sk_session *session = sk_alloc(sizeof(*session));

    session->node = node;
    session->refs = 1;
    session->record = record_take;
    session->state = record_take->state;
    session->log = (struct sk_log){.parent = node->log, .fields = {SK_STR("session", record_take->id)}};
    sk_saver_init(&session->saver, node, &sk_session_saver_ops);
    sk_list_init(&session->sandboxes);
    sk_list_init(&session->holders);
    sk_list_init(&session->closings);
    return session;
}

struct sk_session *sk_session_ref(struct sk_session *session)
{
    session->refs++;
    return session;
}

void sk_session_unref(struct sk_session *session)
{
    if (--session->refs > 0)
        return;
    assert(sk_list_is_empty(&session->sandboxes) && sk_list_is_empty(&session->closings));
    assert(sk_list_is_empty(&session->holders));
    sk_session_lease_end(session);
    sk_saver_fini(&session->saver);
    sk_session_record_free(session->record);
    free(session);
}

const struct sk_log *sk_session_log(const struct sk_session *session)
{
    return session->log.parent ? &session->log : NULL;
}

const struct sk_session_record *sk_session_record(const struct sk_session *session)
{
    return session->record;
}

/* --- indexes --------------------------------------------------------------- */

static bool comes_before(const struct sk_session *a, const struct sk_session *b)
{
    if (a->record->created.ns != b->record->created.ns)
        return a->record->created.ns < b->record->created.ns;
    return strcmp(a->record->id, b->record->id) < 0;
}

static void insert_unclosed(struct sk_node *node, struct sk_session *session)
{
    struct sk_list *at = node->unclosed.prev;

    while (at != &node->unclosed && comes_before(session, sk_list_entry(at, struct sk_session, unclosed)))
        at = at->prev;
    sk_list_prepend(at, &session->unclosed);
}

static void insert_request(struct sk_session *session)
{
    struct sk_session_record *record = session->record;
    const char *key = sk_node_request_key(&record->arena, record->tenant, record->request_id);

    if (!sk_map_find(&session->node->session_by_request, key))
        sk_map_add(&session->node->session_by_request, &session->by_request, key);
}

static const struct sk_holding one_session = {{[SK_QUOTA_SESSIONS] = 1}};

static void count(struct sk_session *session)
{
    session->node->open_sessions++;
    sk_due_take(&session->due, &session->node->tenants, session->record->tenant, &one_session);
}

void sk_session_insert(struct sk_session *session)
{
    struct sk_node *node = session->node;
    struct sk_list *at = node->sessions.prev;

    while (at != &node->sessions && comes_before(session, sk_list_entry(at, struct sk_session, link)))
        at = at->prev;
    sk_list_prepend(at, &session->link); /* right behind `at` */
    if (session->record->state != SK_SESSION_CLOSED)
        insert_unclosed(node, session);
    sk_map_add(&node->session_by_id, &session->by_id, session->record->id);
    if (session->record->request_id[0])
        insert_request(session);
    if (session->record->created.ns > node->last_created.ns)
        node->last_created = session->record->created;
    if (session->state != SK_SESSION_CLOSED)
        count(session);
}

void sk_session_withdraw(struct sk_session *session)
{
    struct sk_node *node = session->node;

    sk_list_remove(&session->link);
    sk_list_remove(&session->unclosed);
    sk_map_remove(&node->session_by_id, &session->by_id);
    sk_map_remove(&node->session_by_request, &session->by_request);
    node->open_sessions -= session->state != SK_SESSION_CLOSED;
    sk_due_drop(&session->due);
    sk_session_lease_end(session);
    sk_session_unref(session);
}

struct sk_session *sk_session_find(struct sk_node *node, const char *id)
{
    struct sk_map_node *found = sk_map_find(&node->session_by_id, id);
    struct sk_session *session = found ? sk_map_entry(found, struct sk_session, by_id) : NULL;

    return session && session->durable ? session : NULL;
}

void sk_session_not_found(struct sk_err *err, const char *id)
{
    (void)sk_fail(err, SK_NOT_FOUND, "there is no session %.64s", id);
    (void)sk_err_reason(err, "SESSION_NOT_FOUND");
}

/* --- open ------------------------------------------------------------------ */

struct opening {
    struct sk_session *session; /* a reference */
    bool is_new;
    struct sk_session **out;
    struct sk_done *done;
    struct sk_done stored;
};

static void on_stored(struct sk_done *stored, const struct sk_err *err)
{
    struct opening *o = sk_container_of(stored, struct opening, stored);
    struct sk_session *session = o->session;
    struct sk_node *node = session->node;
    struct sk_done *done = o->done;

    if (err && o->is_new)
        sk_session_withdraw(session);
    else if (o->is_new)
        sk_session_lease_begin(session);
    if (!err)
        *o->out = session;
    free(o);
    sk_done_fire(done, err);
    sk_session_unref(session);
    sk_node_unhold(node);
}

static void answer(struct sk_session *session, bool is_new, struct sk_session **out, struct sk_done *done)
{
    struct opening *o = sk_alloc(sizeof(*o));

    *o = (struct opening){.session = sk_session_ref(session), .is_new = is_new, .out = out, .done = done};
    sk_node_hold(session->node);
    sk_done_init(&o->stored, on_stored);
    if (is_new)
        sk_saver_save(&session->saver, &o->stored);
    else
        sk_saver_await(&session->saver, &o->stored);
}

static struct sk_session *find_request(struct sk_node *node, const struct sk_session_record *record)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena scratch = {0};
    struct sk_map_node *found = NULL;

    if (record->request_id[0])
        found = sk_map_find(&node->session_by_request,
                            sk_node_request_key(&scratch, record->tenant, record->request_id));
    return found ? sk_map_entry(found, struct sk_session, by_request) : NULL;
}

static enum sk_code refuse(struct sk_err *err, const char *field)
{
    (void)snprintf(err->field, sizeof(err->field), "%s", field);
    return SK_INVALID_ARGUMENT;
}

static enum sk_code check_same(const struct sk_session *original, const struct sk_session_record *record,
                               struct sk_err *err)
{
    if (memcmp(original->record->request_hash, record->request_hash, sizeof(record->request_hash)) == 0)
        return SK_OK;
    (void)sk_fail(err, SK_INVALID_ARGUMENT, "request id %.64s was used for another request",
                  record->request_id);
    return refuse(err, "request_id");
}

/* Fills in what was not said. */
static enum sk_code check_new(const struct sk_node *node, struct sk_session_record *record,
                              struct sk_err *err)
{
    const struct sk_node_config *config = &node->config;

    if (node->open_sessions >= config->max_sessions)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "the node has %zu sessions already, as many as it may",
                       node->open_sessions);
    if (sk_tenants_check(&node->tenants, &config->quotas, record->tenant, &one_session, err) != SK_OK)
        return SK_RESOURCE_EXHAUSTED;
    if (record->lease_seconds < 0 || record->lease_seconds > config->max_lease_seconds) {
        (void)sk_fail(err, SK_INVALID_ARGUMENT, "a lease lasts from 1 to %d s",
                      (int)config->max_lease_seconds);
        return refuse(err, "lease_seconds");
    }
    if (!record->lease_seconds)
        record->lease_seconds = config->default_lease_seconds;
    if (record->expire_grace_seconds <= 0)
        record->expire_grace_seconds = EXPIRE_GRACE_SECONDS;
    return SK_OK;
}

static enum sk_code check(struct sk_node *node, const struct sk_session *original,
                          struct sk_session_record *record, struct sk_err *err)
{
    if (node->stopping) {
        sk_node_stopping_err(err);
        return SK_UNAVAILABLE;
    }
    if (original)
        return check_same(original, record, err);
    return sk_drain_refuses(node, err) ? SK_UNAVAILABLE : check_new(node, record, err);
}

void sk_session_open(struct sk_node *node, struct sk_session_record *record, struct sk_session **out_session,
                     struct sk_done *done)
{
    struct sk_session *session = find_request(node, record);
    bool is_new = !session;
    struct sk_err err = {0};

    if (check(node, session, record, &err) != SK_OK) {
        sk_session_record_free(record);
        sk_done_later(node->loop, done, &err);
        return;
    }
    if (is_new) {
        record->state = SK_SESSION_OPEN;
        record->created = sk_node_next_created(node);
        session = sk_session_new(node, record);
        sk_session_insert(session);
    } else {
        sk_session_record_free(record);
    }
    answer(session, is_new, out_session, done);
}
