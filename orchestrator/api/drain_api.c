/* drain_api.c: Drain and Undrain. Only admins come here. */
#include "api/handlers.h"
#include "core/drain.h"

#define TIMEOUT_MAX_S 31536000

struct draining {
    struct sk_call *call;
    struct sk_done done;
    bool waits;
};

static void reply(struct draining *d)
{
    static const SK_OWN_PB(NodeState) states[] = {
        [SK_SERVING] = SK_OWN_PBE(NODE_STATE, NODE_STATE_SERVING),
        [SK_DRAINING] = SK_OWN_PBE(NODE_STATE, NODE_STATE_DRAINING),
        [SK_DRAINED] = SK_OWN_PBE(NODE_STATE, NODE_STATE_DRAINED),
    };
    struct sk_drain_status status = sk_drain_status(d->call->node);
    SK_OWN_PB(DrainResponse) *out = SK_OWN_PB_NEW(d->call->arena, drain_response);
    out->state = states[status.state];
    out->streams = (int64_t)status.streams;
    out->sandboxes = (int64_t)status.sandboxes;
    sk_call_reply(d->call, &out->base);
}

static void on_over(struct sk_done *done, const struct sk_err *err)
{
    struct draining *d = sk_container_of(done, struct draining, done);
    d->call->on_cancel = NULL;
    if (err)
        sk_call_fail(d->call, err);
    else
        reply(d);
}

/* Who waits no longer has drained it all the same. */
static void on_cancel(struct sk_call *call)
{
    sk_done_cancel(&((struct draining *)call->state)->done);
}

static void on_stored(struct sk_done *done, const struct sk_err *err)
{
    struct draining *d = sk_container_of(done, struct draining, done);
    if (err) {
        sk_call_fail(d->call, err);
    } else if (!d->waits) {
        reply(d);
    } else {
        d->call->state = d;
        d->call->on_cancel = on_cancel;
        sk_done_init(&d->done, on_over);
        sk_drain_await(d->call->node, &d->done);
    }
}

static void read_timeout(const Google__Protobuf__Duration *timeout, struct sk_drain_ask *ask,
                         struct sk_check *check)
{
    const struct sk_path *path = SK_FIELD(NULL, "timeout");
    if (!timeout || !sk_check_range(check, SK_FIELD(path, "seconds"), timeout->seconds, 0, TIMEOUT_MAX_S) ||
        !sk_check_range(check, SK_FIELD(path, "nanos"), timeout->nanos, 0, 999999999))
        return;
    ask->has_timeout = true;
    ask->timeout = SK_NS(timeout->seconds * 1000000000 + timeout->nanos);
}

static void read_sandboxes(SK_OWN_PB(DrainRequest__Sandboxes) sandboxes, struct sk_drain_ask *ask,
                           struct sk_check *check)
{
    switch (sandboxes) {
    case SK_OWN_PBE(DRAIN_REQUEST__SANDBOXES, SANDBOXES_UNSPECIFIED):
        break;
    case SK_OWN_PBE(DRAIN_REQUEST__SANDBOXES, SANDBOXES_LEAVE):
        ask->sandboxes = SK_DRAIN_LEAVE;
        break;
    case SK_OWN_PBE(DRAIN_REQUEST__SANDBOXES, SANDBOXES_STOP):
        ask->sandboxes = SK_DRAIN_STOP;
        break;
    default:
        sk_check_violated(check, SK_FIELD(NULL, "sandboxes"), "must be one of LEAVE and STOP, or nothing");
    }
}

void sk_drain_node(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(DrainRequest) *in = (const void *)request;
    struct sk_drain_ask ask = {.has_timeout = false};
    struct sk_check check = {.arena = call->arena};
    read_timeout(in->timeout, &ask, &check);
    read_sandboxes(in->sandboxes, &ask, &check);
    if (check.count) {
        sk_call_fail_check(call, &check);
        return;
    }
    struct draining *d = sk_arena_alloc(call->arena, sizeof(*d));
    d->call = call;
    d->waits = in->wait;
    sk_done_init(&d->done, on_stored);
    sk_drain_begin(call->node, &ask, &d->done);
}

static void on_undrained(struct sk_done *done, const struct sk_err *err)
{
    struct draining *d = sk_container_of(done, struct draining, done);
    SK_OWN_PB(UndrainResponse) *out = SK_OWN_PB_NEW(d->call->arena, undrain_response);
    if (err)
        sk_call_fail(d->call, err);
    else
        sk_call_reply(d->call, &out->base);
}

void sk_undrain_node(struct sk_call *call, ProtobufCMessage *request)
{
    struct draining *d = sk_arena_alloc(call->arena, sizeof(*d));
    (void)request;
    d->call = call;
    sk_done_init(&d->done, on_undrained);
    sk_drain_end(call->node, &d->done);
}
