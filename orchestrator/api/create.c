#include "api/create.h"
#include "api/encode.h"
#include "api/marks.h"
#include "api/session_merge.h"
#include "api/spec.h"
#include "core/sandbox.h"

struct create {
    struct sk_call *call;
    struct sk_done done;
    struct sk_sandbox *sandbox; /* borrowed, set when done fires */
};

static void on_created(struct sk_done *done, const struct sk_err *err)
{
    struct create *c = sk_container_of(done, struct create, done);
    if (err)
        sk_call_fail(c->call, err);
    else
        sk_call_reply(c->call, sk_encode_whole(c->call->arena, c->sandbox, sk_node_config(c->call->node)));
}

static void hash_body(struct sk_call *call, const ProtobufCMessage *message, uint8_t out_hash[32])
{
    size_t len;
    const uint8_t *body = sk_pb_pack(call->arena, message, &len);
    sk_sha256(body, len, out_hash);
}

/* The caller's words and the session's become one. */
static struct sk_merged merge(struct sk_call *call, struct sk_creation *c)
{
    const struct sk_session_record *session = sk_session_record(c->session);
    const SK_OWN_PB(SandboxDefaults) *defaults = sk_pb_unpack(
        call->arena, &sandkeep__v1__sandbox_defaults__descriptor, session->defaults, session->defaults_len);
    if (!defaults)
        defaults = SK_OWN_PB_NEW(call->arena, sandbox_defaults);
    struct sk_merged merged = sk_session_merge(defaults, c->sandbox, call->arena);
    sk_marks_set_session(c->sandbox, session->id, call->arena);
    sk_spec_sort(c->sandbox);
    return merged;
}

/* Who says 0 wants it never to end; a session that says 0 says nothing. */
static int32_t idle_timeout_of(struct sk_creation *c, int32_t asked, const struct sk_box_config *box)
{
    int32_t most = box->max_idle_timeout_seconds;
    int32_t of_session = c->session ? sk_session_record(c->session)->idle_timeout_seconds : 0;
    int32_t seconds = of_session ? of_session : box->idle_timeout_seconds;
    const struct sk_path *spec = SK_FIELD(SK_FIELD(NULL, c->top), "spec");
    if (asked >= 0 && most && (!asked || asked > most))
        sk_check_violated(&c->check, SK_FIELD(spec, "annotations"),
                          SK_MARK_IDLE_TIMEOUT " must be between 1 and %d on this node", (int)most);
    if (asked >= 0)
        return asked;
    return most && (!seconds || seconds > most) ? most : seconds;
}

static void read_marks(struct sk_creation *c, const struct sk_box_config *box, struct sk_record *record)
{
    struct sk_marks marks = sk_marks_read(c->sandbox, SK_FIELD(NULL, c->top), &c->check);
    record->start_on_first_use = c->start == SK_OWN_PBE(START, START_UNSPECIFIED)
                                     ? marks.start_on_first_use
                                     : c->start == SK_OWN_PBE(START, START_ON_FIRST_USE);
    record->idle_timeout_seconds = idle_timeout_of(c, marks.idle_timeout_seconds, box);
}

/* The record of what is asked for; findings go to the check. Heap, the caller's. */
static struct sk_record *record_of(struct sk_call *call, struct sk_creation *c)
{
    const struct sk_node_config *config = sk_node_config(call->node);
    struct sk_record *record = sk_record_new(sk_id_make(config->node_id).text);
    struct sk_merged merged = {0};
    record->owner = sk_arena_strdup(&record->arena, call->caller.key_id);
    record->tenant = sk_arena_strdup(&record->arena, c->session ? sk_session_record(c->session)->tenant
                                                                : call->caller.tenant);
    record->request_id = sk_arena_strdup(&record->arena, c->request_id);
    if (sk_spec_fits(c->sandbox)) { /* else it is refused, and 100 MiB would hold up the loop */
        sk_spec_sort(c->sandbox);
        hash_body(call, c->body, record->request_hash);
        if (c->session) {
            merged = merge(call, c);
            record->session_id = sk_arena_strdup(&record->arena, sk_session_record(c->session)->id);
        }
        read_marks(c, &config->box, record);
    }
    sk_spec_decode(c->sandbox, SK_FIELD(NULL, c->top), config, record->tenant, &record->arena, &record->spec,
                   &c->check);
    sk_session_rename_faults(&c->check, c->top, &merged);
    return record;
}

void sk_creation_run(struct sk_call *call, struct sk_creation *creation)
{
    struct sk_record *record = NULL;
    if (sk_check_request_id(&creation->check, creation->request_id))
        record = record_of(call, creation);
    if (sk_check_result(&creation->check, NULL)) {
        sk_record_free(record);
        sk_call_fail_check(call, &creation->check);
        return;
    }
    struct create *c = sk_arena_alloc(call->arena, sizeof(*c));
    c->call = call;
    sk_done_init(&c->done, on_created);
    sk_node_create(call->node, record, &c->sandbox, &c->done);
}
