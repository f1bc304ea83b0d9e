/* sandbox_api.c: CreateSandbox, GetSandbox, DeleteSandbox. */
#include "api/create.h"
#include "api/encode.h"
#include "api/handlers.h"
#include "api/marks.h"
#include "core/sandbox.h"

static const ProtobufCMessage *encoded(struct sk_call *call, const struct sk_sandbox *sandbox)
{
    return sk_encode_whole(call->arena, sandbox, sk_node_config(call->node));
}

/* --- create ---------------------------------------------------------------- */

/* The session that the sandbox itself names. That there is none such is no NOT_FOUND: of a create, clients
 * take that for a sandbox which has vanished. */
static const struct sk_session *session_of(struct sk_call *call, struct sk_creation *c)
{
    const struct sk_path *top = SK_FIELD(NULL, c->top);
    const char *id = sk_marks_session(c->sandbox, top, &c->check);
    struct sk_session *session = NULL;
    if (id[0] && sk_call_find_session(call, id, &session, NULL))
        sk_check_refused(&c->check, SK_FIELD(SK_FIELD(top, "spec"), "annotations"), SK_FAILED_PRECONDITION,
                         "SESSION_NOT_FOUND", "there is no session \"%.64s\"", id);
    return session;
}

void sk_create_sandbox(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(CreateSandboxRequest) *in = (const void *)request;
    struct sk_creation *c = sk_arena_alloc(call->arena, sizeof(*c));
    c->top = "sandbox";
    c->check.arena = call->arena;
    c->request_id = in->request_id;
    if (!in->sandbox) {
        sk_check_violated(&c->check, SK_FIELD(NULL, c->top), "is required");
        sk_call_fail_check(call, &c->check);
        return;
    }
    c->sandbox = in->sandbox;
    c->body = &in->sandbox->base;
    c->session = session_of(call, c);
    sk_creation_run(call, c);
}

/* --- get ------------------------------------------------------------------- */

void sk_get_sandbox(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(GetSandboxRequest) *in = (const void *)request;
    struct sk_sandbox *sandbox;
    struct sk_err err = {0};
    if (sk_call_find(call, in->sandbox_id, &sandbox, &err))
        sk_call_fail(call, &err);
    else
        sk_call_reply(call, encoded(call, sandbox));
}

/* --- delete ---------------------------------------------------------------- */

struct removal {
    struct sk_call *call;
    struct sk_done done;
    struct sk_sandbox *sandbox; /* a ref */
    bool allow_missing;
};

/* An empty answer is how "there was nothing" is said. */
static void reply_deleted(struct sk_call *call, const struct sk_sandbox *sandbox)
{
    SK_PB(DeleteSandboxResponse) *out = SK_PB_NEW(call->arena, delete_sandbox_response);
    if (sandbox)
        out->sandbox = (void *)encoded(call, sandbox);
    sk_call_reply(call, &out->base);
}

static void on_deleted(struct sk_done *done, const struct sk_err *err)
{
    struct removal *r = sk_container_of(done, struct removal, done);
    struct sk_sandbox *sandbox = r->sandbox;
    if (err && !(err->code == SK_NOT_FOUND && r->allow_missing))
        sk_call_fail(r->call, err);
    else
        reply_deleted(r->call, err ? NULL : sandbox);
    sk_sandbox_unref(sandbox);
}

static enum sk_code check_delete(const SK_PB(DeleteSandboxRequest) * in, struct sk_check *check)
{
    (void)sk_check_request_id(check, in->request_id);
    (void)sk_check_range(check, SK_FIELD(NULL, "grace_period_seconds"), in->grace_period_seconds, 0,
                         INT32_MAX);
    if (in->n_snapshot_volumes && in->allow_missing) {
        sk_check_violated(check, SK_FIELD(NULL, "snapshot_volumes"),
                          "must be empty when allow_missing is set");
        check->reason = "INVALID_REQUEST";
    }
    return sk_check_result(check, NULL);
}

static void start_delete(struct sk_call *call, const SK_PB(DeleteSandboxRequest) * in,
                         struct sk_sandbox *sandbox)
{
    struct removal *r = sk_arena_alloc(call->arena, sizeof(*r));
    r->call = call;
    r->sandbox = sk_sandbox_ref(sandbox);
    r->allow_missing = in->allow_missing;
    sk_done_init(&r->done, on_deleted);
    sk_node_delete(call->node, sandbox, SK_SEC(in->grace_period_seconds), &r->done);
}

/* Errors: sk_call_find's, and those of the tenant's quota of the audit where nothing is to be ended. */
static enum sk_code find_doomed(struct sk_call *call, const SK_PB(DeleteSandboxRequest) * in,
                                struct sk_sandbox **out_sandbox, struct sk_err *err)
{
    enum sk_code code = sk_call_find(call, in->sandbox_id, out_sandbox, err);
    bool ends = code == SK_OK && !sk_sandbox_record(*out_sandbox)->deleted && !in->n_snapshot_volumes;
    enum sk_code told = sk_witness_end(call, ends, err);
    return told ? told : code;
}

void sk_delete_sandbox(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(DeleteSandboxRequest) *in = (const void *)request;
    struct sk_check *check = sk_arena_alloc(call->arena, sizeof(*check));
    check->arena = call->arena;
    struct sk_sandbox *sandbox = NULL;
    struct sk_err err = {0};
    if (check_delete(in, check)) {
        sk_call_fail_check(call, check);
    } else if (find_doomed(call, in, &sandbox, &err)) {
        if (in->allow_missing && err.code == SK_NOT_FOUND)
            reply_deleted(call, NULL);
        else
            sk_call_fail(call, &err);
    } else if (in->n_snapshot_volumes) {
        /* No spec with volumes is accepted yet, so no name can be right. */
        sk_check_violated(check, SK_ITEM(NULL, "snapshot_volumes", 0), "the sandbox has no such volume");
        sk_call_fail_check(call, check);
    } else {
        start_delete(call, in, sandbox);
    }
}
