#include "api/encode.h"
#include "api/network_encode.h"
#include "api/resources.h"

Google__Protobuf__Timestamp *sk_encode_time(struct sk_arena *arena, struct sk_wall at)
{
    if (!at.ns)
        return NULL;
    Google__Protobuf__Timestamp *out = sk_pb_new(arena, &google__protobuf__timestamp__descriptor);
    out->seconds = at.ns / 1000000000;
    out->nanos = (int32_t)(at.ns % 1000000000);
    return out;
}

struct sk_wall sk_decode_time(const Google__Protobuf__Timestamp *time)
{
    if (!time || time->seconds < 0 || time->seconds > INT64_MAX / 1000000000 - 1)
        return (struct sk_wall){0};
    return (struct sk_wall){time->seconds * 1000000000 + time->nanos % 1000000000};
}

static SK_PB(State) encode_state(enum sk_state state)
{
    switch (state) {
    case SK_STATE_PENDING:
        return SK_PBE(STATE, STATE_PENDING);
    case SK_STATE_CREATING:
        return SK_PBE(STATE, STATE_CREATING);
    case SK_STATE_RUNNING:
        return SK_PBE(STATE, STATE_RUNNING);
    case SK_STATE_TERMINATING:
        return SK_PBE(STATE, STATE_TERMINATING);
    case SK_STATE_COMPLETED:
        return SK_PBE(STATE, STATE_COMPLETED);
    case SK_STATE_TERMINATED:
        return SK_PBE(STATE, STATE_TERMINATED);
    case SK_STATE_FAILED:
        break;
    }
    return SK_PBE(STATE, STATE_FAILED);
}

static void encode_container(struct sk_arena *arena, const struct sk_record *record,
                             const SK_PB(Container) * asked, SK_PB(SandboxStatus) * status)
{
    const struct sk_unsaid given = {
        .requests = {record->spec.cpu_request_millis, record->spec.memory_request_bytes},
        .limits = {record->spec.cpu_limit_millis, record->spec.memory_limit_bytes},
    };
    SK_PB(ContainerStatus) *out = SK_PB_NEW(arena, container_status);
    out->name = asked->name[0] ? asked->name : "main";
    out->state = status->state;
    out->exit_code = record->has_exit_code ? record->exit_code : 0;
    status->container_statuses = sk_arena_alloc(arena, sizeof(void *));
    status->container_statuses[0] = out;
    status->n_container_statuses = 1;
    status->effective_resource_requirements = sk_resources_effective(arena, asked, &given);
    status->effective_resources = status->effective_resource_requirements->limits;
}

static SK_PB(SandboxStatus) * encode_status(struct sk_arena *arena, const struct sk_record *record,
                                            const SK_PB(SandboxSpec) * spec,
                                            const struct sk_node_config *node)
{
    SK_PB(SandboxStatus) *status = SK_PB_NEW(arena, sandbox_status);
    status->state = encode_state(record->state);
    status->state_reason = sk_arena_strdup(arena, record->state_reason);
    status->create_time = sk_encode_time(arena, record->created);
    status->start_time = sk_encode_time(arena, record->started);
    status->end_time = sk_encode_time(arena, record->ended);
    status->runner_id = sk_arena_strdup(arena, node->node_id);
    status->runner_group_id = sk_arena_strdup(arena, node->runner_group);
    status->effective_max_lifetime_seconds = record->spec.max_lifetime_seconds;
    status->effective_runtime_class = "<node-default>";
    if (record->has_exit_code) {
        status->_exit_code_case = SK_PBE(SANDBOX_STATUS, _EXIT_CODE_EXIT_CODE);
        status->exit_code = record->exit_code;
    }
    if (spec->n_containers)
        encode_container(arena, record, spec->containers[0], status);
    return status;
}

SK_PB(Sandbox) * sk_encode_sandbox(struct sk_arena *arena, const struct sk_record *record,
                                   const struct sk_network_place *place, const struct sk_node_config *node)
{
    const struct sk_spec *spec = &record->spec;
    SK_PB(Sandbox) *out =
        sk_pb_unpack(arena, &coreweave__sandbox__v1__sandbox__descriptor, spec->echo, spec->echo_len);
    /* A record of another daemon may hold bytes this one cannot read: then the status must do. */
    if (!out)
        out = SK_PB_NEW(arena, sandbox);
    if (!out->spec)
        out->spec = SK_PB_NEW(arena, sandbox_spec);
    out->sandbox_id = sk_arena_strdup(arena, record->id);
    out->source_template_id = sk_arena_strdup(arena, record->template_id);
    out->source_template_revision = record->template_revision;
    out->status = encode_status(arena, record, out->spec, node);
    sk_encode_network(arena, record, place, &node->network, out->spec, out->status);
    return out;
}

static void encode_contents(const struct sk_record *record, SK_PB(Sandbox) * out)
{
    const struct sk_spec *spec = &record->spec;
    if (!out->spec->n_containers || out->spec->containers[0]->n_files != spec->file_count)
        return; /* the echo could not be read */
    for (size_t i = 0; i < spec->file_count; i++) {
        out->spec->containers[0]->files[i]->content = (ProtobufCBinaryData){
            .len = spec->files[i].len, .data = (uint8_t *)(uintptr_t)spec->files[i].content};
    }
}

void sk_encode_waiting(struct sk_arena *arena, const struct sk_sandbox *sandbox, SK_PB(Sandbox) * out)
{
    char text[SK_IMAGE_WAIT_TEXT];
    if (sk_sandbox_record(sandbox)->state != SK_STATE_CREATING)
        return;
    sk_sandbox_describe_progress(sandbox, text);
    if (text[0])
        out->status->state_reason = sk_arena_strdup(arena, text);
}

const ProtobufCMessage *sk_encode_whole(struct sk_arena *arena, const struct sk_sandbox *sandbox,
                                        const struct sk_node_config *node)
{
    const struct sk_record *record = sk_sandbox_record(sandbox);
    SK_PB(Sandbox) *out = sk_encode_sandbox(arena, record, sk_sandbox_place(sandbox), node);
    sk_encode_waiting(arena, sandbox, out);
    encode_contents(record, out);
    return &out->base;
}
