/* session_keep_alive.c: KeepAlive: a stream that holds a session's lease.
 *
 * However the stream ends (reset, deadline, lost connection), the hold ends
 * with it. That the client says nothing more is no end. */
#include "api/handlers.h"
#include "api/session_encode.h"
#include "rpc/message.h"

#include <string.h>

struct hold {
    struct sk_call *call;
    struct sk_session *session; /* NULL until the first message; kept by the holder */
    struct sk_session_holder holder;
};

static void end(struct hold *h, SK_OWN_PB(SessionState) state)
{
    SK_OWN_PB(KeepAliveResponse) *out = SK_OWN_PB_NEW(h->call->arena, keep_alive_response);
    out->state = state;
    sk_session_let_go(&h->holder);
    sk_call_reply(h->call, &out->base);
}

static void fail(struct hold *h, const struct sk_err *err)
{
    sk_session_let_go(&h->holder);
    sk_call_fail(h->call, err);
}

/* Told also when the daemon stops: then the session is as open as before. */
static void on_closed(struct sk_session_holder *holder)
{
    struct hold *h = sk_container_of(holder, struct hold, holder);
    struct sk_err err = {0};
    if (sk_session_record(h->session)->state != SK_SESSION_OPEN) {
        end(h, sk_encode_over(h->session));
        return;
    }
    (void)sk_fail(&err, SK_UNAVAILABLE, "the server is stopping; session %s lives on",
                  sk_session_record(h->session)->id);
    (void)sk_err_reason(&err, "RUNNER_UNAVAILABLE");
    fail(h, &err);
}

static void say_held(struct hold *h)
{
    SK_OWN_PB(KeepAliveResponse) out;
    sandkeep__v1__keep_alive_response__init(&out);
    out.state = SK_OWN_PBE(SESSION_STATE, SESSION_STATE_OPEN);
    sk_server_call_send(h->call->rpc, &out.base);
}

static void begin(struct hold *h, const char *id)
{
    struct sk_session *session;
    struct sk_err err = {0};
    if (sk_call_find_session(h->call, id, &session, &err)) {
        sk_call_fail(h->call, &err);
        return;
    }
    enum sk_code code = sk_session_hold(session, &h->holder, on_closed, &err);
    if (code == SK_FAILED_PRECONDITION) {
        end(h, sk_encode_over(session));
    } else if (code) {
        sk_call_fail(h->call, &err);
    } else {
        h->session = session;
        say_held(h);
    }
}

static void go_on(struct hold *h, const char *id)
{
    struct sk_check check = {.arena = h->call->arena};
    if (!id[0] || strcmp(id, sk_session_record(h->session)->id) == 0) {
        say_held(h);
        return;
    }
    sk_check_violated(&check, SK_FIELD(NULL, "session_id"), "must not change within a stream");
    sk_session_let_go(&h->holder);
    sk_call_fail_check(h->call, &check);
}

/* A stream may live for weeks: its messages must not pile up in the call's arena. */
static void take(struct hold *h, grpc_byte_buffer *bytes)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    ProtobufCMessage *message = NULL;
    struct sk_err err = {0};
    if (sk_message_unpack(&arena, h->call->method.type->input, bytes, &message, &err)) {
        fail(h, &err);
        return;
    }
    const SK_OWN_PB(KeepAliveRequest) *in = (const void *)message;
    if (h->session)
        go_on(h, in->session_id);
    else
        begin(h, in->session_id);
}

static void on_message(void *arg, grpc_byte_buffer *bytes)
{
    struct hold *h = arg;
    struct sk_err err = {0};
    if (bytes) {
        take(h, bytes);
    } else if (!h->session) {
        (void)sk_fail(&err, SK_INVALID_ARGUMENT, "the call carries no request");
        sk_call_fail(h->call, &err);
    }
}

static void on_sent(void *arg)
{
    sk_server_call_want(((struct hold *)arg)->call->rpc);
}

static void on_cancel(void *arg)
{
    struct hold *h = arg;
    struct sk_err err = {0};
    sk_call_gone(h->call, &err);
    fail(h, &err);
}

void sk_keep_alive(struct sk_call *call)
{
    static const struct sk_server_call_events events = {
        .on_message = on_message, .on_sent = on_sent, .on_cancel = on_cancel};
    struct hold *h = sk_arena_alloc(call->arena, sizeof(*h));
    h->call = call;
    sk_server_call_set(call->rpc, &events, h);
    sk_server_call_want(call->rpc);
}
