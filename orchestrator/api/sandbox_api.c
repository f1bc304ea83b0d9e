/* sandbox_api.c: CreateSandbox, GetSandbox, DeleteSandbox. */
#include "api/auth.h"
#include "api/encode.h"
#include "api/handlers.h"
#include "api/spec.h"
#include "core/sandbox.h"

/* --- create ---------------------------------------------------------------- */

struct create {
    struct sk_call *call;
    struct sk_done done;
    struct sk_sandbox *sandbox; /* borrowed, set when done fires */
};

static const ProtobufCMessage *encoded(struct sk_call *call, const struct sk_sandbox *sandbox)
{
    const struct sk_node_config *config = sk_node_config(call->node);
    SK_PB(Sandbox) *out = sk_encode_sandbox(call->arena, sk_sandbox_record(sandbox), config);
    sk_encode_contents(sk_sandbox_record(sandbox), out);
    return &out->base;
}

static void on_created(struct sk_done *done, const struct sk_err *err)
{
    struct create *c = sk_container_of(done, struct create, done);
    if (err)
        sk_call_fail(c->call, err);
    else
        sk_call_reply(c->call, encoded(c->call, c->sandbox));
}

static void hash_body(struct sk_call *call, const SK_PB(Sandbox) * sandbox, uint8_t out_hash[32])
{
    size_t len;
    const uint8_t *body = sk_pb_pack(call->arena, &sandbox->base, &len);
    sk_sha256(body, len, out_hash);
}

/* The record of what is asked for; findings go to `check`. Heap, the caller's. */
static struct sk_record *record_of(struct sk_call *call, const SK_PB(CreateSandboxRequest) * in,
                                   struct sk_check *check)
{
    const struct sk_node_config *config = sk_node_config(call->node);
    struct sk_record *record = sk_record_new(sk_id_make(config->node_id).text);
    record->owner = sk_arena_strdup(&record->arena, call->key_id);
    record->request_id = sk_arena_strdup(&record->arena, in->request_id);
    if (sk_spec_fits(in->sandbox)) { /* else it is refused, and 100 MiB would hold up the loop */
        sk_spec_sort(in->sandbox);
        hash_body(call, in->sandbox, record->request_hash);
    }
    sk_spec_decode(in->sandbox, config, &record->arena, &record->spec, check);
    return record;
}

void sk_create_sandbox(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(CreateSandboxRequest) *in = (const void *)request;
    struct sk_check *check = sk_arena_alloc(call->arena, sizeof(*check));
    check->arena = call->arena;
    struct sk_record *record = NULL;
    bool named = sk_check_request_id(check, in->request_id);
    if (!in->sandbox)
        sk_check_violated(check, SK_FIELD(NULL, "sandbox"), "is required");
    else if (named)
        record = record_of(call, in, check);
    if (sk_check_result(check, NULL)) {
        sk_record_free(record);
        sk_call_fail_check(call, check);
        return;
    }
    struct create *c = sk_arena_alloc(call->arena, sizeof(*c));
    c->call = call;
    sk_done_init(&c->done, on_created);
    sk_node_create(call->node, record, &c->sandbox, &c->done);
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

void sk_delete_sandbox(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(DeleteSandboxRequest) *in = (const void *)request;
    struct sk_check *check = sk_arena_alloc(call->arena, sizeof(*check));
    check->arena = call->arena;
    struct sk_sandbox *sandbox = NULL;
    struct sk_err err = {0};
    if (check_delete(in, check)) {
        sk_call_fail_check(call, check);
    } else if (sk_call_find(call, in->sandbox_id, &sandbox, &err)) {
        if (in->allow_missing)
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
