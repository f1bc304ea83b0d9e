#include "api/fan_out.h"

/* Time to put the answers together and bring them to the caller. */
#define MARGIN_MOST SK_SEC(1)

void sk_fan_out_receive(struct sk_call *call)
{
    const char *tenant;

    call->is_hop = call->caller.is_admin && sk_server_call_header(call->rpc, SK_HOP_HEADER);
    tenant = call->is_hop ? sk_server_call_header(call->rpc, SK_HOP_TENANT_HEADER) : NULL;
    if (!tenant)
        return;
    call->caller.tenant = sk_arena_strdup(call->arena, tenant);
    call->caller.is_admin = false;
}

bool sk_fan_out_is_due(const struct sk_call *call)
{
    return !call->is_hop && sk_fleet_size(call->fleet) > 0;
}

/* The caller's time less a tenth; 0 = it has no end. */
static struct sk_duration time_for(const struct sk_call *call)
{
    struct sk_instant deadline = sk_server_call_deadline(call->rpc);
    struct sk_duration left, margin;

    if (!sk_instant_is_set(deadline))
        return SK_NS(0);
    left = sk_instant_diff(deadline, sk_loop_now(sk_node_loop(call->node)));
    margin = SK_NS(left.ns / 10 < MARGIN_MOST.ns ? left.ns / 10 : MARGIN_MOST.ns);
    return SK_NS(left.ns > margin.ns ? left.ns - margin.ns : 1);
}

static void on_answers(struct sk_done *done, const struct sk_err *err)
{
    struct sk_fan_out *f = sk_container_of(done, struct sk_fan_out, done);

    f->call->on_cancel = NULL;
    f->then(f, err);
}

static void on_cancel(struct sk_call *call)
{
    sk_done_cancel(&call->fan_out->done);
}

void sk_fan_out_start(struct sk_fan_out *f, struct sk_call *call, const ProtobufCMessage *request,
                      const char *const *only,
                      void (*then)(struct sk_fan_out *fan_out, const struct sk_err *err))
{
    const struct sk_fleet_question question = {
        .method = sk_server_call_method(call->rpc),
        .request = request,
        .answer = call->method.type->output,
        .tenant = sk_call_scope(call),
        .only = only,
        .timeout = time_for(call),
    };

    *f = (struct sk_fan_out){.call = call, .then = then};
    sk_done_init(&f->done, on_answers);
    call->fan_out = f;
    call->on_cancel = on_cancel;
    sk_fleet_ask(call->fleet, &question, call->arena, &f->answers, &f->done);
}
