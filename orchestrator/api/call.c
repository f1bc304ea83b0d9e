#include "api/call.h"
#include "core/health.h"
#include "core/sandbox.h"
#include "fleet/fleet.h"
#include "rpc/message.h"

#include <string.h>

/* Beyond this a bulky call only keeps others out; it is what clients themselves wait. */
#define BULKY_LIMIT SK_SEC(300)

/* What a file may weigh, until it is known; and what a call costs in any case. */
#define BULK_MOST  ((size_t)32 << 20)
#define BULK_LEAST ((size_t)256 << 10)

static bool has_reason(const struct sk_err *err, const char *reason)
{
    return err->reason && strcmp(err->reason, reason) == 0;
}

static enum sk_level level_of(const struct sk_call *call, const struct sk_err *err)
{
    if (err->reason && strncmp(err->reason, "FILE_", 5) == 0)
        return SK_DEBUG; /* what a sandbox's files are like is its own affair */
    if (has_reason(err, "AUDIT_UNAVAILABLE") ||
        (has_reason(err, "RUNNER_UNAVAILABLE") && sk_node_health(call->node)))
        return SK_DEBUG; /* told when it began; who is refused comes again and again */
    switch (err->code) {
    case SK_UNKNOWN:
    case SK_INTERNAL:
    case SK_DATA_LOSS:
    case SK_UNAVAILABLE:
        return SK_WARN;
    default: /* the client's own doing: it is told, and must not be able to fill a disk with it */
        return SK_DEBUG;
    }
}

static struct sk_duration took(const struct sk_call *call)
{
    return sk_instant_diff(sk_loop_now(sk_node_loop(call->node)), call->began);
}

static void measure(struct sk_call *call, enum sk_code code)
{
    sk_call_meters_end(call->meters, sk_take(call->meter), code, call->began,
                       sk_loop_now(sk_node_loop(call->node)));
}

static struct sk_tracer *tracer_of(const struct sk_call *call)
{
    return sk_node_config(call->node)->tracer;
}

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

static void end_span(const struct sk_call *call, const struct sk_err *err)
{
    if (!call->span.context.sampled || !call->is_let_in) /* strangers' calls are nobody's trace */
        return;
    sk_span_end(tracer_of(call), &call->span, sk_server_call_method(call->rpc) + 1, true, err,
                (const struct sk_span_fact[]){{"rpc.system", "grpc", 0},
                                              {"rpc.grpc.status_code", NULL, err ? (int64_t)err->code : 0},
                                              {"sandkeep.request_id", call->request_id, 0},
                                              {"sandkeep.tenant", call->caller.tenant, 0},
                                              {"sandkeep.sandbox", text_or_none(call->about.sandbox), 0},
                                              {"sandkeep.session", text_or_none(call->about.session), 0},
                                              {0}});
}

void sk_call_reply(struct sk_call *call, const ProtobufCMessage *message)
{
    sk_log(call->log, SK_DEBUG, "rpc.ok", SK_STR("method", sk_server_call_method(call->rpc)),
           SK_MS("took", took(call)));
    sk_list_remove(&call->under_way);
    sk_guests_release(&call->guest_use);
    sk_stay_end(&call->stay);
    sk_witness_answer(call, message, SK_OK);
    end_span(call, NULL);
    measure(call, SK_OK);
    sk_server_call_finish(call->rpc, message, SK_OK, "", NULL, 0);
}

static void fail(struct sk_call *call, const struct sk_err *err, const struct sk_check *check,
                 const struct sk_fact *facts)
{
    struct sk_err why = {0};
    if (call->stay.is_cut) { /* its handler believes that the client went away */
        sk_stay_why(&call->stay, &why);
        err = &why;
    }
    sk_stay_end(&call->stay);
    struct sk_status status = sk_status_make(call->arena, err, check, facts, call->request_id);
    sk_log_err(call->log, call->is_let_in ? level_of(call, err) : SK_DEBUG, "rpc.failed", err,
               SK_STR("method", sk_server_call_method(call->rpc)),
               SK_STR("peer", sk_server_call_peer(call->rpc)), SK_STR("key", call->caller.key_id),
               SK_MS("took", took(call)));
    sk_list_remove(&call->under_way);
    sk_guests_release(&call->guest_use);
    sk_witness_answer(call, NULL, err->code);
    end_span(call, err);
    measure(call, status.code);
    sk_server_call_finish(call->rpc, NULL, status.code, status.text, status.details, status.details_len);
}

void sk_call_fail(struct sk_call *call, const struct sk_err *err)
{
    fail(call, err, NULL, NULL);
}

void sk_call_fail_with(struct sk_call *call, const struct sk_err *err, const struct sk_fact *facts)
{
    fail(call, err, NULL, facts);
}

void sk_call_fail_check(struct sk_call *call, const struct sk_check *check)
{
    struct sk_err err = {0};
    (void)!sk_check_result(check, &err);
    fail(call, &err, check, NULL);
}

enum sk_code sk_call_cancel_code(const struct sk_call *call)
{
    struct sk_instant deadline = sk_server_call_deadline(call->rpc);
    bool late = sk_instant_is_set(deadline) && sk_loop_now(sk_node_loop(call->node)).ns >= deadline.ns;
    return late ? SK_DEADLINE_EXCEEDED : SK_CANCELLED;
}

void sk_call_gone(const struct sk_call *call, struct sk_err *out_err)
{
    (void)sk_fail(out_err, sk_call_cancel_code(call), "the client went away");
}

enum sk_code sk_call_unpack(struct sk_call *call, grpc_byte_buffer *bytes, ProtobufCMessage **out_message,
                            struct sk_err *err)
{
    enum sk_code code = sk_message_unpack(call->arena, call->method.type->input, bytes, out_message, err);
    if (code == SK_OK)
        sk_witness_request(call, *out_message);
    return code;
}

/* Of an id that names nothing here. */
static enum sk_code check_elsewhere(const struct sk_call *call, const char *id, struct sk_err *err)
{
    bool has_shape = sk_id_is_valid(id) || sk_id_is_session(id);
    const char *maker = has_shape ? sk_fleet_maker(call->fleet, id) : NULL;
    if (!maker)
        return SK_OK;
    (void)sk_fail(err, SK_UNAVAILABLE, "\"%.64s\" is on node %s, not on this one", id, maker);
    return sk_err_reason(err, "RUNNER_UNAVAILABLE");
}

enum sk_code sk_call_find(struct sk_call *call, const char *id, struct sk_sandbox **out_sandbox,
                          struct sk_err *err)
{
    *out_sandbox = sk_node_find(call->node, id);
    if (*out_sandbox && sk_caller_sees(&call->caller, sk_sandbox_record(*out_sandbox)->tenant))
        return SK_OK;
    *out_sandbox = NULL;
    if (check_elsewhere(call, id, err))
        return SK_UNAVAILABLE;
    (void)sk_fail(err, SK_NOT_FOUND, "there is no sandbox \"%.64s\"", id);
    return sk_err_reason(err, "SANDBOX_NOT_FOUND");
}

enum sk_code sk_call_find_session(struct sk_call *call, const char *id, struct sk_session **out_session,
                                  struct sk_err *err)
{
    *out_session = sk_session_find(call->node, id);
    if (*out_session && sk_caller_sees(&call->caller, sk_session_record(*out_session)->tenant))
        return SK_OK;
    *out_session = NULL;
    if (check_elsewhere(call, id, err))
        return SK_UNAVAILABLE;
    sk_session_not_found(err, id);
    return SK_NOT_FOUND;
}

const char *sk_call_scope(const struct sk_call *call)
{
    return call->caller.is_admin ? NULL : call->caller.tenant;
}

enum sk_code sk_call_check_container(struct sk_call *call, const struct sk_sandbox *sandbox, const char *name,
                                     struct sk_err *err)
{
    const struct sk_spec *spec = &sk_sandbox_record(sandbox)->spec;
    if (!name[0])
        return SK_OK;
    const SK_PB(Sandbox) *echo =
        sk_pb_unpack(call->arena, &coreweave__sandbox__v1__sandbox__descriptor, spec->echo, spec->echo_len);
    const char *known = echo && echo->spec && echo->spec->n_containers ? echo->spec->containers[0]->name : "";
    if (strcmp(name, known[0] ? known : "main") == 0)
        return SK_OK;
    return sk_fail(err, SK_NOT_FOUND, "the sandbox has no container \"%.64s\"", name);
}

static void on_request(void *arg, grpc_byte_buffer *bytes)
{
    struct sk_call *call = arg;
    struct sk_err err = {0};
    ProtobufCMessage *request = NULL;
    call->on_cancel = NULL;
    if (!bytes)
        (void)sk_fail(&err, SK_INVALID_ARGUMENT, "the call carries no request");
    else if (!sk_call_unpack(call, bytes, &request, &err)) {
        struct sk_tracer *tracer = tracer_of(call);
        sk_tracer_enter(tracer, &call->span.context);
        call->method.unary(call, request); /* the call may be gone afterwards */
        sk_tracer_enter(tracer, NULL);
        return;
    }
    sk_call_fail(call, &err);
}

/* Before the request has come there is no handler that would answer. */
static void cancel_waiting(struct sk_call *call)
{
    struct sk_err err = {0};
    sk_gate_leave(&call->pass); /* one that was cut lives on for a moment, and must not be let in */
    (void)sk_fail(&err, sk_call_cancel_code(call), "the client went away before its request came");
    sk_call_fail(call, &err);
}

static void on_cancel(void *arg)
{
    struct sk_call *call = arg;
    if (call->on_cancel)
        call->on_cancel(call);
}

static void on_limit(struct sk_pass *pass)
{
    struct sk_call *call = sk_container_of(pass, struct sk_call, pass);
    sk_server_call_abort(call->rpc, SK_DEADLINE_EXCEEDED, "the call took too long");
}

static void on_pass(struct sk_pass *pass)
{
    sk_server_call_want(sk_container_of(pass, struct sk_call, pass)->rpc);
}

static void on_room(struct sk_pass *pass)
{
    struct sk_done *done = sk_take(sk_container_of(pass, struct sk_call, pass)->inside);
    done->cancel = NULL;
    sk_done_fire(done, NULL);
}

static void cancel_room(struct sk_done *done)
{
    struct sk_call *call = done->callee;
    struct sk_err err = {0};
    sk_gate_leave(&call->pass);
    call->inside = NULL;
    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_done_later(sk_node_loop(call->node), done, &err);
}

void sk_call_await_room(struct sk_call *call, struct sk_done *done)
{
    call->inside = done;
    done->callee = call;
    done->cancel = cancel_room;
    sk_gate_enter(call->gate, &call->pass, BULK_MOST, BULKY_LIMIT, on_room, on_limit);
}

void sk_call_need_room(struct sk_call *call, size_t bytes)
{
    sk_gate_shrink(&call->pass, bytes > BULK_LEAST ? bytes : BULK_LEAST);
}

static void on_over(void *arg)
{
    struct sk_call *call = arg;
    sk_gate_leave(&call->pass);
}

static void listen(struct sk_call *call)
{
    static const struct sk_server_call_events events = {
        .on_message = on_request, .on_cancel = on_cancel, .on_over = on_over};
    call->on_cancel = cancel_waiting;
    sk_server_call_set(call->rpc, &events, call);
}

void sk_call_run_bulky(struct sk_call *call)
{
    listen(call);
    sk_gate_enter(call->gate, &call->pass, BULK_MOST, BULKY_LIMIT, on_pass, on_limit);
}

void sk_call_run_unary(struct sk_call *call)
{
    listen(call);
    sk_server_call_want(call->rpc);
}
