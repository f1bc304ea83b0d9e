/* session_api.c: GetSession, ListSessions, RenewSession, CloseSession. */
#include "api/handlers.h"
#include "api/page.h"
#include "api/session_encode.h"

static void reply(struct sk_call *call, const struct sk_session *session)
{
    sk_call_reply(call, &sk_encode_session(call->arena, session)->base);
}

/* NULL: the call has been answered. */
static struct sk_session *find(struct sk_call *call, const char *id)
{
    struct sk_session *session = sk_session_find(call->node, id);
    struct sk_err err = {0};
    if (!session) {
        sk_session_not_found(&err, id);
        sk_call_fail(call, &err);
    }
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
    size_t limit = sk_page_size(in->page_size), count = 0;
    char next[SK_PAGE_TOKEN_MAX] = "";
    struct sk_session **found = sk_arena_alloc(call->arena, limit * sizeof(void *));
    enum sk_code code =
        sk_session_list(call->node, in->show_closed, in->page_token, limit, found, &count, next, err);
    if (code)
        return code;
    encode_page(call, found, count, out);
    if (out->n_sessions < count) /* the same list again, shorter, for the token that fits it */
        code = sk_session_list(call->node, in->show_closed, in->page_token, out->n_sessions, found, &count,
                               next, err);
    out->next_page_token = sk_arena_strdup(call->arena, next);
    return code;
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
    struct sk_session *session = find(call, in->session_id);
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
