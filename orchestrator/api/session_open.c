/* session_open.c: OpenSession. */
#include "api/handlers.h"
#include "api/marks.h"
#include "api/session_encode.h"
#include "api/session_merge.h"
#include "api/spec.h"

#define NAME_LEN_MAX 256

/* --- what is wrong with the defaults ----------------------------------------- */

/* A sandbox belongs to one session: the one that gives it these. */
static void check_unnamed(const SK_PB(Sandbox) * sandbox, const struct sk_path *top, struct sk_check *check)
{
    if (sk_marks_session(sandbox, top, check)[0])
        sk_check_violated(check, SK_FIELD(top, "annotations"), "must not name a session, nor must tags");
}

/* As if a sandbox were made of nothing else. */
static void check_sandbox(struct sk_call *call, const SK_OWN_PB(SandboxDefaults) * defaults,
                          const struct sk_path *top, struct sk_check *check)
{
    struct sk_spec spec = {0};
    SK_PB(Sandbox) *sandbox = SK_PB_NEW(call->arena, sandbox);
    struct sk_merged merged = sk_session_merge(defaults, sandbox, call->arena);
    merged.parts = SK_PARTS_ALL;
    sk_spec_sort(sandbox);
    check_unnamed(sandbox, top, check);
    (void)sk_marks_read(sandbox, top, check);
    sk_spec_decode(sandbox, top, sk_node_config(call->node), call->caller.tenant, call->arena, &spec, check);
    sk_arena_fini(&spec.contents);
    sk_session_rename_faults(check, top->name, &merged);
}

static void check_defaults(struct sk_call *call, const SK_OWN_PB(SandboxDefaults) * defaults,
                           struct sk_check *check)
{
    const struct sk_path *top = SK_FIELD(NULL, "defaults");
    if (defaults->n_command && !defaults->command[0][0])
        sk_check_violated(check, SK_ITEM(top, "command", 0), "must not be empty");
    const struct sk_box_config *box = &sk_node_config(call->node)->box;
    (void)sk_check_range(check, SK_FIELD(top, "idle_timeout_seconds"), defaults->idle_timeout_seconds, 0,
                         (int64_t)sk_bound((size_t)box->max_idle_timeout_seconds, SK_LIFETIME_MAX));
    (void)sk_check_range(check, SK_FIELD(top, "max_sandboxes"), defaults->max_sandboxes, 0, INT32_MAX);
    check_sandbox(call, defaults, top, check);
}

/* What is larger is not looked at any further. */
static bool fits(const SK_OWN_PB(SandboxDefaults) * defaults, struct sk_check *check)
{
    if (protobuf_c_message_get_packed_size(&defaults->base) <= SK_SPEC_BYTES_MAX)
        return true;
    sk_check_violated(check, SK_FIELD(NULL, "defaults"), "must not be larger than %zu bytes",
                      SK_SPEC_BYTES_MAX);
    return false;
}

static enum sk_code check_open(struct sk_call *call, const SK_OWN_PB(OpenSessionRequest) * in,
                               struct sk_check *check)
{
    (void)sk_check_request_id(check, in->request_id);
    (void)sk_check_length(check, SK_FIELD(NULL, "display_name"), in->display_name, NAME_LEN_MAX);
    (void)sk_check_range(check, SK_FIELD(NULL, "expire_grace_seconds"), in->expire_grace_seconds, 0,
                         INT32_MAX);
    check_defaults(call, in->defaults, check);
    return sk_check_result(check, NULL);
}

/* --- the call ------------------------------------------------------------------ */

struct opening {
    struct sk_call *call;
    struct sk_done done;
    struct sk_session *session; /* borrowed, set when done fires */
};

static void on_opened(struct sk_done *done, const struct sk_err *err)
{
    struct opening *o = sk_container_of(done, struct opening, done);
    if (err)
        sk_call_fail(o->call, err);
    else
        sk_call_reply(o->call, &sk_encode_session(o->call->arena, o->session)->base);
}

static void hash_body(struct sk_call *call, const SK_OWN_PB(OpenSessionRequest) * in, uint8_t out_hash[32])
{
    SK_OWN_PB(OpenSessionRequest) body = *in;
    size_t len;
    body.request_id = "";
    const uint8_t *packed = sk_pb_pack(call->arena, &body.base, &len);
    sk_sha256(packed, len, out_hash);
}

static struct sk_session_record *record_of(struct sk_call *call, const SK_OWN_PB(OpenSessionRequest) * in)
{
    struct sk_session_record *record =
        sk_session_record_new(sk_id_make_session(sk_node_config(call->node)->node_id).text);
    record->owner = sk_arena_strdup(&record->arena, call->caller.key_id);
    record->tenant = sk_arena_strdup(&record->arena, call->caller.tenant);
    record->request_id = sk_arena_strdup(&record->arena, in->request_id);
    record->display_name = sk_arena_strdup(&record->arena, in->display_name);
    record->defaults = sk_pb_pack(&record->arena, &in->defaults->base, &record->defaults_len);
    record->idle_timeout_seconds = in->defaults->idle_timeout_seconds;
    record->max_sandboxes = in->defaults->max_sandboxes;
    record->lease_seconds = in->lease_seconds;
    record->expire_grace_seconds = in->expire_grace_seconds;
    hash_body(call, in, record->request_hash);
    return record;
}

void sk_open_session(struct sk_call *call, ProtobufCMessage *request)
{
    SK_OWN_PB(OpenSessionRequest) *in = (void *)request;
    struct sk_check *check = sk_arena_alloc(call->arena, sizeof(*check));
    check->arena = call->arena;
    if (!in->defaults)
        in->defaults = SK_OWN_PB_NEW(call->arena, sandbox_defaults);
    if (!fits(in->defaults, check)) {
        sk_call_fail_check(call, check);
        return;
    }
    sk_session_defaults_sort(in->defaults);
    /* Before the check, which takes the contents of files away. */
    struct sk_session_record *record = record_of(call, in);
    if (check_open(call, in, check)) {
        sk_session_record_free(record);
        sk_call_fail_check(call, check);
        return;
    }
    struct opening *o = sk_arena_alloc(call->arena, sizeof(*o));
    o->call = call;
    sk_done_init(&o->done, on_opened);
    sk_session_open(call->node, record, &o->session, &o->done);
}
