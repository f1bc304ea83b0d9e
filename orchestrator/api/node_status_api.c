/* node_status_api.c: GetStatus: what the node is doing, measured anew if that is due. */
#include "api/handlers.h"
#include "api/node_status.h"

#define LIMIT_DEFAULT 1000
#define LIMIT_MAX     10000

struct asking {
    struct sk_call *call;
    struct sk_node_status_query query;
    struct sk_waiter waiter;
    struct sk_done done;
};

static void on_measured(struct sk_done *done, const struct sk_err *err)
{
    struct asking *a = sk_container_of(done, struct asking, done);
    struct sk_err why = {0};
    a->call->on_cancel = NULL;
    if (err && err->code == SK_CANCELLED) {
        sk_call_gone(a->call, &why);
        sk_call_fail(a->call, &why);
        return;
    }
    /* What could not be measured is told as it was: a node that is unwell is the one to be looked at. */
    sk_call_reply(a->call, &sk_encode_node_status(a->call->arena, a->call->node, &a->query)->base);
}

static void on_cancel(struct sk_call *call)
{
    sk_done_cancel(&((struct asking *)call->state)->done);
}

void sk_get_node_status(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(GetStatusRequest) *in = (const void *)request;
    struct sk_check check = {.arena = call->arena};
    if (in->limit < 0 || in->limit > LIMIT_MAX) {
        sk_check_violated(&check, SK_FIELD(NULL, "limit"), "must be between 0 and %d", LIMIT_MAX);
        sk_call_fail_check(call, &check);
        return;
    }
    struct asking *a = sk_arena_alloc(call->arena, sizeof(*a));
    a->call = call;
    a->query = (struct sk_node_status_query){.tenant = sk_call_scope(call),
                                             .is_admin = call->caller.is_admin,
                                             .with_sandboxes = in->with_sandboxes,
                                             .with_sessions = in->with_sessions,
                                             .limit = in->limit ? (size_t)in->limit : LIMIT_DEFAULT};
    call->state = a;
    call->on_cancel = on_cancel;
    sk_done_init(&a->done, on_measured);
    sk_node_measure(call->node, &a->waiter, &a->done);
}
