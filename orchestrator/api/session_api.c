/* session_api.c: GetSession, ListSessions, RenewSession, CloseSession. */
#include "api/encode.h"
#include "api/fan_out.h"
#include "api/handlers.h"
#include "api/merge.h"
#include "api/page.h"
#include "api/session_encode.h"

static void reply(struct sk_call *call, const struct sk_session *session)
{
    sk_call_reply(call, &sk_encode_session(call->arena, session)->base);
}

/* NULL: the call has been answered. */
static struct sk_session *find(struct sk_call *call, const char *id)
{
    struct sk_session *session;
    struct sk_err err = {0};
    if (sk_call_find_session(call, id, &session, &err))
        sk_call_fail(call, &err);
    return session;
}

void sk_get_session(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(GetSessionRequest) *in = (const void *)request;
    const struct sk_session *session = find(call, in->session_id);
    if (session)
        reply(call, session);
}

void sk_renew_session(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(RenewSessionRequest) *in = (const void *)request;
    struct sk_session *session = find(call, in->session_id);
    struct sk_err err = {0};
    if (!session)
        return;
    if (sk_session_renew(session, &err))
        sk_call_fail(call, &err);
    else
        reply(call, session);
}

/* --- list ---------------------------------------------------------------------- */

/* Encodes sessions as far as one answer holds them, at least one. */
static void encode_page(struct sk_call *call, struct sk_session *const *found, size_t count,
                        SK_OWN_PB(ListSessionsResponse) * out)
{
    size_t total = 0;
    out->sessions = sk_arena_alloc(call->arena, (count + 1) * sizeof(void *));
    while (out->n_sessions < count) {
        SK_OWN_PB(Session) *one = sk_encode_session(call->arena, found[out->n_sessions]);
        total += protobuf_c_message_get_packed_size(&one->base);
        if (out->n_sessions && total > SK_PAGE_BYTES_MAX)
            return;
        out->sessions[out->n_sessions++] = one;
    }
}

static enum sk_code fill_page(struct sk_call *call, const SK_OWN_PB(ListSessionsRequest) * in,
                              SK_OWN_PB(ListSessionsResponse) * out, struct sk_err *err)
{
    struct sk_session_query query = {.tenant = sk_call_scope(call),
                                     .show_closed = in->show_closed,
                                     .after = in->page_token,
                                     .limit = sk_page_size(in->page_size)};
    size_t count = 0;
    char next[SK_PAGE_TOKEN_MAX] = "";
    struct sk_session **found = sk_arena_alloc(call->arena, query.limit * sizeof(void *));
    enum sk_code code = sk_session_list(call->node, &query, found, &count, next, err);
    if (code)
        return code;
    encode_page(call, found, count, out);
    query.limit = out->n_sessions;
    if (query.limit < count) /* the same list again, shorter, for the token that fits it */
        code = sk_session_list(call->node, &query, found, &count, next, err);
    out->next_page_token = sk_arena_strdup(call->arena, next);
    return code;
}

/* With the other nodes' sessions. */
struct listing {
    struct sk_call *call;
    struct sk_fan_out fan_out;
    SK_OWN_PB(ListSessionsResponse) * own;
    size_t limit;
};

static size_t gather(const SK_OWN_PB(ListSessionsResponse) * page, struct sk_merge_item *items)
{
    for (size_t i = 0; i < page->n_sessions; i++)
        items[i] = (struct sk_merge_item){
            .created = sk_decode_time(page->sessions[i]->create_time),
            .id = page->sessions[i]->session_id,
            .message = page->sessions[i],
            .is_cut = page->next_page_token[0] && i + 1 == page->n_sessions,
        };
    return page->n_sessions;
}

static void reply_merged(const struct listing *l)
{
    struct sk_arena *arena = l->call->arena;
    const struct sk_fleet_answers *answers = &l->fan_out.answers;
    SK_OWN_PB(ListSessionsResponse) *out = SK_OWN_PB_NEW(arena, list_sessions_response);
    char next[SK_PAGE_TOKEN_MAX] = "";
    size_t most = l->own->n_sessions, count;
    bool more = false;
    for (size_t i = 0; i < answers->len; i++)
        most += ((const SK_OWN_PB(ListSessionsResponse) *)answers->items[i])->n_sessions;
    struct sk_merge_item *items = sk_arena_alloc(arena, (most + 1) * sizeof(items[0]));
    count = gather(l->own, items);
    for (size_t i = 0; i < answers->len; i++)
        count += gather((const void *)answers->items[i], items + count);
    count = sk_merge_page(items, count, l->limit, false, &more);
    size_t fits = sk_merge_fit(arena, items, count);
    out->sessions = sk_arena_alloc(arena, (count + 1) * sizeof(void *));
    while (out->n_sessions < fits)
        out->sessions[out->n_sessions] = items[out->n_sessions].message, out->n_sessions++;
    if (more || fits < count)
        sk_page_print(items[fits - 1].created, items[fits - 1].id, next);
    out->next_page_token = sk_arena_strdup(arena, next);
    sk_call_reply(l->call, &out->base);
}

static void on_others(struct sk_fan_out *fan_out, const struct sk_err *err)
{
    const struct listing *l = sk_container_of(fan_out, struct listing, fan_out);
    if (err)
        sk_call_fail(l->call, err);
    else
        reply_merged(l);
}

static void ask_others(struct sk_call *call, const SK_OWN_PB(ListSessionsRequest) * in,
                       SK_OWN_PB(ListSessionsResponse) * own)
{
    struct listing *l = sk_arena_alloc(call->arena, sizeof(*l));
    *l = (struct listing){.call = call, .own = own, .limit = sk_page_size(in->page_size)};
    sk_fan_out_start(&l->fan_out, call, &in->base, NULL, on_others);
}

void sk_list_sessions(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(ListSessionsRequest) *in = (const void *)request;
    SK_OWN_PB(ListSessionsResponse) *out = SK_OWN_PB_NEW(call->arena, list_sessions_response);
    struct sk_check check = {.arena = call->arena};
    struct sk_err err = {0};
    if (!sk_check_range(&check, SK_FIELD(NULL, "page_size"), in->page_size, 0, INT32_MAX))
        sk_call_fail_check(call, &check);
    else if (fill_page(call, in, out, &err))
        sk_call_fail(call, &err);
    else if (sk_fan_out_is_due(call))
        ask_others(call, in, out);
    else
        sk_call_reply(call, &out->base);
}

/* --- close ----------------------------------------------------------------------- */

struct closing {
    struct sk_call *call;
    struct sk_done done;
    const char *id;
};

static void on_closed(struct sk_done *done, const struct sk_err *err)
{
    struct closing *c = sk_container_of(done, struct closing, done);
    const struct sk_session *session = NULL;
    if (err)
        sk_call_fail(c->call, err);
    else
        session = find(c->call, c->id);
    if (session)
        reply(c->call, session);
}

/* NULL: the call has been answered, also because the tenant's quota of the audit is full and nothing is to be
 * closed. */
static struct sk_session *find_to_close(struct sk_call *call, const char *id)
{
    struct sk_session *session = NULL;
    struct sk_err err = {0};
    enum sk_code code = sk_call_find_session(call, id, &session, &err);
    bool ends = code == SK_OK && sk_session_is_open(session);
    enum sk_code told = sk_witness_end(call, ends, &err);
    if (code == SK_OK && told == SK_OK)
        return session;
    sk_call_fail(call, &err);
    return NULL;
}

/* Nobody waits for the last sandbox any more; it is closed all the same. */
static void on_cancel(struct sk_call *call)
{
    sk_done_cancel(&((struct closing *)call->state)->done);
}

void sk_close_session(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(CloseSessionRequest) *in = (const void *)request;
    struct sk_check check = {.arena = call->arena};
    if (!sk_check_range(&check, SK_FIELD(NULL, "grace_period_seconds"), in->grace_period_seconds, 0,
                        INT32_MAX)) {
        sk_call_fail_check(call, &check);
        return;
    }
    struct sk_session *session = find_to_close(call, in->session_id);
    if (!session)
        return;
    struct closing *c = sk_arena_alloc(call->arena, sizeof(*c));
    c->call = call;
    c->id = in->session_id;
    call->state = c;
    call->on_cancel = on_cancel;
    sk_done_init(&c->done, on_closed);
    sk_session_close(session, SK_SEC(in->grace_period_seconds), in->wait, &c->done);
}
