#include "api/node_status.h"
#include "api/encode.h"
#include "api/packed.h"
#include "api/page.h"
#include "core/health.h"
#include "core/session.h"

#include <string.h>

#define NS_PER_SECOND 1000000000

static SK_OWN_PB(Amounts) * amounts(struct sk_arena *arena, const struct sk_amount *amount)
{
    SK_OWN_PB(Amounts) *out = SK_OWN_PB_NEW(arena, amounts);
    out->cpu_millis = amount->cpu_millis;
    out->memory_bytes = amount->memory_bytes;
    out->gpus = amount->gpus;
    return out;
}

/* --- a sandbox ------------------------------------------------------------------- */

static const char *state_name(enum sk_state state)
{
    static const char *const names[] = {"",          "PENDING", "CREATING",  "RUNNING", "TERMINATING",
                                        "COMPLETED", "FAILED",  "TERMINATED"};
    return names[state];
}

/* Without unpacking all of the caller's words. */
static char *display_name(struct sk_arena *arena, const struct sk_spec *spec)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
        &coreweave__sandbox__v1__sandbox__descriptor, "display_name");
    struct sk_packed name = sk_packed_get((struct sk_packed){spec->echo, spec->echo_len}, field->id);
    char *out = sk_arena_alloc(arena, name.len + 1);
    if (name.len)
        memcpy(out, name.data, name.len);
    return out;
}

static void encode_use(struct sk_arena *arena, const struct sk_use *use, SK_OWN_PB(SandboxUse) * out)
{
    if (!use->is_measured)
        return;
    out->cpu_time = sk_pb_new(arena, &google__protobuf__duration__descriptor);
    out->cpu_time->seconds = use->cpu_ns / NS_PER_SECOND;
    out->cpu_time->nanos = (int32_t)(use->cpu_ns % NS_PER_SECOND);
    out->cpu_millis = use->cpu_millis;
    out->memory_bytes = use->memory_bytes;
    out->processes = use->processes;
}

static SK_OWN_PB(SandboxUse) * encode_sandbox(struct sk_arena *arena, const struct sk_sandbox *s)
{
    const struct sk_record *record = sk_sandbox_record(s);
    const struct sk_amount limits = {record->spec.cpu_limit_millis, record->spec.memory_limit_bytes, 0};
    SK_OWN_PB(SandboxUse) *out = SK_OWN_PB_NEW(arena, sandbox_use);
    out->sandbox_id = sk_arena_strdup(arena, record->id);
    out->tenant = sk_arena_strdup(arena, record->tenant);
    out->state = (char *)state_name(record->state);
    out->image = sk_arena_strdup(arena, record->spec.image);
    out->session_id = sk_arena_strdup(arena, record->session_id);
    out->display_name = display_name(arena, &record->spec);
    while (record->spec.tags[out->n_tags])
        out->n_tags++;
    out->tags = (char **)record->spec.tags;
    out->create_time = sk_encode_time(arena, record->created);
    out->start_time = sk_encode_time(arena, record->started);
    out->deadline = sk_encode_time(arena, sk_sandbox_deadline(s));
    out->limits = amounts(arena, &limits);
    out->execs = (int64_t)sk_sandbox_execs(s);
    encode_use(arena, sk_sandbox_use(s), out);
    return out;
}

/* As many as one answer holds. */
static void encode_sandboxes(struct sk_arena *arena, struct sk_node *node,
                             const struct sk_node_status_query *query, SK_OWN_PB(NodeStatus) * out)
{
    struct sk_sandbox **found = sk_arena_alloc(arena, query->limit * sizeof(void *));
    size_t count = sk_node_living(node, query->tenant, found, query->limit);
    size_t bytes = 0;
    out->sandboxes = sk_arena_alloc(arena, (count + 1) * sizeof(void *));
    while (out->n_sandboxes < count && bytes < SK_PAGE_BYTES_MAX / 2) {
        SK_OWN_PB(SandboxUse) *one = encode_sandbox(arena, found[out->n_sandboxes]);
        bytes += sandkeep__v1__sandbox_use__get_packed_size(one);
        out->sandboxes[out->n_sandboxes++] = one;
    }
}

/* --- a session --------------------------------------------------------------------- */

static SK_OWN_PB(SessionUse) * encode_session(struct sk_arena *arena, const struct sk_session *session)
{
    const struct sk_session_record *record = sk_session_record(session);
    struct sk_session_counts counts = sk_session_counts(session);
    SK_OWN_PB(SessionUse) *out = SK_OWN_PB_NEW(arena, session_use);
    out->session_id = sk_arena_strdup(arena, record->id);
    out->tenant = sk_arena_strdup(arena, record->tenant);
    out->state = record->state == SK_SESSION_OPEN ? "OPEN" : "CLOSING";
    out->display_name = sk_arena_strdup(arena, record->display_name);
    out->create_time = sk_encode_time(arena, record->created);
    out->lease_expire_time = sk_encode_time(arena, counts.expires);
    out->live_sandboxes = (int32_t)counts.live;
    out->holders = (int32_t)counts.holders;
    return out;
}

static void encode_sessions(struct sk_arena *arena, struct sk_node *node,
                            const struct sk_node_status_query *query, SK_OWN_PB(NodeStatus) * out)
{
    struct sk_session_query ask = {.tenant = query->tenant, .after = "", .limit = query->limit};
    struct sk_session **found = sk_arena_alloc(arena, query->limit * sizeof(void *));
    char next[SK_PAGE_TOKEN_MAX];
    size_t count = 0;
    struct sk_err err;
    if (sk_session_list(node, &ask, found, &count, next, &err))
        return; /* cannot be: only a token could be at fault */
    out->sessions = sk_arena_alloc(arena, (count + 1) * sizeof(void *));
    while (out->n_sessions < count) {
        out->sessions[out->n_sessions] = encode_session(arena, found[out->n_sessions]);
        out->n_sessions++;
    }
}

/* --- the node ------------------------------------------------------------------------ */

static SK_OWN_PB(NodeState) state_of(const struct sk_node_summary *summary)
{
    if (summary->faults & SK_HEALTH_BACKEND)
        return SK_OWN_PBE(NODE_STATE, NODE_STATE_BACKEND_AWAY);
    if (!(summary->faults & SK_HEALTH_DRAINING))
        return SK_OWN_PBE(NODE_STATE, NODE_STATE_SERVING);
    return summary->streams ? SK_OWN_PBE(NODE_STATE, NODE_STATE_DRAINING)
                            : SK_OWN_PBE(NODE_STATE, NODE_STATE_DRAINED);
}

static void encode_states(struct sk_arena *arena, const struct sk_node_summary *summary,
                          SK_OWN_PB(NodeStatus) * out)
{
    out->sandboxes_by_state = sk_arena_alloc(arena, sk_array_len(summary->by_state) * sizeof(void *));
    for (size_t i = SK_STATE_PENDING; i < sk_array_len(summary->by_state); i++) {
        SK_OWN_PB(NodeStatus__SandboxesByStateEntry) *entry =
            SK_OWN_PB_NEW(arena, node_status__sandboxes_by_state_entry);
        entry->key = (char *)state_name((enum sk_state)i);
        entry->value = (int64_t)summary->by_state[i];
        out->sandboxes_by_state[out->n_sandboxes_by_state++] = entry;
    }
}

SK_OWN_PB(NodeStatus) * sk_encode_node_status(struct sk_arena *arena, struct sk_node *node,
                                              const struct sk_node_status_query *query)
{
    SK_OWN_PB(NodeStatus) *out = SK_OWN_PB_NEW(arena, node_status);
    struct sk_node_summary summary;
    sk_node_summarize(node, query->tenant, &summary);
    out->node_id = sk_arena_strdup(arena, sk_node_config(node)->node_id);
    out->version = SK_VERSION;
    out->start_time = sk_encode_time(arena, summary.began);
    out->state = state_of(&summary);
    out->state_reason = (char *)sk_health_describe(summary.faults);
    if (query->is_admin)
        out->capacity = amounts(arena, &sk_node_capacity(node)->total);
    out->charged = amounts(arena, query->tenant ? &summary.charged : &sk_node_capacity(node)->charged);
    out->used = amounts(arena, &summary.used);
    out->open_sessions = (int64_t)summary.open_sessions;
    out->streams = (int64_t)summary.streams;
    encode_states(arena, &summary, out);
    if (query->with_sandboxes)
        encode_sandboxes(arena, node, query, out);
    if (query->with_sessions)
        encode_sessions(arena, node, query, out);
    return out;
}
