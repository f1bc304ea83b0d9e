/* Every request decoder: the first byte names a method, the rest is its
 * request. What CreateSandbox takes in goes on to be checked, stored and
 * encoded again; what all others take in is packed and must come back. */
#include "api/auth.h"
#include "api/encode.h"
#include "api/marks.h"
#include "api/methods.h"
#include "api/network.h"
#include "api/service.h"
#include "api/session_merge.h"
#include "api/spec.h"
#include "api/status.h"
#include "rpc/message.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <stdlib.h>
#include <string.h>

static const ProtobufCMethodDescriptor *method_at(size_t n)
{
    for (size_t i = 0; sk_method_service(i); i++) {
        const ProtobufCServiceDescriptor *service = sk_method_service(i);
        if (n < service->n_methods)
            return &service->methods[n];
        n -= service->n_methods;
    }
    return NULL;
}

static void must(bool fine)
{
    if (!fine)
        abort();
}

static const struct sk_node_config node = {.node_id = "n1",
                                           .default_lifetime_seconds = 3600,
                                           .default_cpu_millis = 1000,
                                           .default_memory_bytes = 1 << 30,
                                           .ceiling_cpu_millis = 8000,
                                           .ceiling_memory_bytes = INT64_C(1) << 34,
                                           .network = {.has_names = true,
                                                       .address = "192.0.2.7",
                                                       .first_port = 20000,
                                                       .last_port = 20999,
                                                       .domain = "boxes.example.com",
                                                       .https_port = 8443}};

static const struct sk_network_place place = {.ipv4 = {false, {10, 231, 0, 9}}};

static void check_policy(const struct sk_net_policy *policy)
{
    must(policy && policy->egress_count <= SK_EGRESS_MAX && policy->ingress_count <= SK_INGRESS_MAX);
    for (size_t i = 0; i < policy->egress_count; i++) {
        const struct sk_net_rule *rule = &policy->egress[i];
        must((rule->peer == SK_NET_NAME) == (rule->name != NULL));
        must(rule->port_count <= SK_RULE_PORTS_MAX && rule->except_count <= SK_RULE_EXCEPTS_MAX);
        for (size_t e = 0; e < rule->except_count; e++)
            must(sk_cidr_covers(&rule->cidr, &rule->except[e]));
    }
    must(sk_net_policy_covers(policy, policy));
}

static void check_accepted(struct sk_arena *arena, struct sk_record *record)
{
    must(record->spec.echo != NULL);
    must(record->spec.cpu_limit_millis > 0 && record->spec.cpu_limit_millis <= node.ceiling_cpu_millis);
    must(record->spec.memory_request_bytes <= record->spec.memory_limit_bytes);
    must(record->spec.max_lifetime_seconds > 0);
    check_policy(record->spec.network);
    must(record->spec.network->service_count <= SK_SERVICES_MAX);
    SK_PB(Sandbox) *encoded = sk_encode_sandbox(arena, record, &place, &node);
    must(encoded->spec->n_containers == 1);
    size_t len;
    (void)sk_pb_pack(arena, &encoded->base, &len);
}

static void check_refused(struct sk_arena *arena, const struct sk_check *check, const struct sk_err *err)
{
    struct sk_status status = sk_status_make(arena, err, check, NULL, "0123456789abcdef");
    must(status.code != SK_OK);
    must(status.details_len <= SK_STATUS_DETAILS_MAX);
}

static void create(struct sk_arena *arena, SK_PB(CreateSandboxRequest) * in)
{
    struct sk_check check = {.arena = arena};
    struct sk_err err = {0};
    if (!in->sandbox)
        return;
    struct sk_record *record = sk_record_new("n1-aaaaaaaaaaaaaaaaaaaaaaaaaa");
    sk_spec_sort(in->sandbox);
    sk_spec_decode(in->sandbox, SK_FIELD(NULL, "sandbox"), &node, "", &record->arena, &record->spec, &check);
    if (sk_check_result(&check, &err))
        check_refused(arena, &check, &err);
    else
        check_accepted(arena, record);
    sk_record_free(record);
}

/* What a session's defaults and a sandbox of it make together; both may be absent. */
static void create_in_session(struct sk_arena *arena, SK_OWN_PB(SandboxDefaults) * defaults,
                              SK_PB(Sandbox) * sandbox)
{
    struct sk_check check = {.arena = arena};
    struct sk_err err = {0};
    const struct sk_path *top = SK_FIELD(NULL, "overrides");
    sandbox = sandbox ? sandbox : SK_PB_NEW(arena, sandbox);
    defaults = defaults ? defaults : SK_OWN_PB_NEW(arena, sandbox_defaults);
    struct sk_record *record = sk_record_new("n1-aaaaaaaaaaaaaaaaaaaaaaaaaa");
    sk_session_defaults_sort(defaults);
    sk_spec_sort(sandbox);
    (void)sk_marks_session(sandbox, top, &check);
    struct sk_merged merged = sk_session_merge(defaults, sandbox, arena);
    sk_marks_set_session(sandbox, "n1-s-aaaaaaaaaaaaaaaaaaaaaaaa", arena);
    sk_spec_sort(sandbox);
    (void)sk_marks_read(sandbox, top, &check);
    sk_spec_decode(sandbox, top, &node, "", &record->arena, &record->spec, &check);
    sk_session_rename_faults(&check, top->name, &merged);
    if (sk_check_result(&check, &err))
        check_refused(arena, &check, &err);
    else
        check_accepted(arena, record);
    sk_record_free(record);
}

/* Other rules for a sandbox that is there. */
static void set_network(struct sk_arena *arena, const SK_OWN_PB(SetNetworkRequest) * in)
{
    struct sk_check check = {.arena = arena};
    struct sk_err err = {0};
    const struct sk_net_policy *policy =
        sk_network_decode(in->network, SK_FIELD(NULL, "network"), &node, "", arena, &check);
    if (sk_check_result(&check, &err))
        check_refused(arena, &check, &err);
    else
        check_policy(policy);
}

static void decode(struct sk_arena *arena, const ProtobufCMessageDescriptor *type, ProtobufCMessage *message)
{
    if (type == &coreweave__sandbox__v1__create_sandbox_request__descriptor)
        create(arena, (void *)message);
    if (type == &sandkeep__v1__open_session_request__descriptor)
        create_in_session(arena, ((SK_OWN_PB(OpenSessionRequest) *)message)->defaults, NULL);
    if (type == &sandkeep__v1__set_network_request__descriptor)
        set_network(arena, (void *)message);
    if (type == &sandkeep__v1__create_sandbox_request__descriptor)
        create_in_session(arena, NULL, ((SK_OWN_PB(CreateSandboxRequest) *)message)->overrides);
}

static void one(struct sk_arena *arena, const ProtobufCMethodDescriptor *method, const uint8_t *data,
                size_t len)
{
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)data, len);
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(&slice, 1);
    ProtobufCMessage *message = NULL;
    struct sk_err err = {0};
    enum sk_code code = sk_message_unpack(arena, method->input, bytes, &message, &err);
    grpc_byte_buffer_destroy(bytes);
    grpc_slice_unref(slice);
    must((code == SK_OK) == (message != NULL));
    if (code) {
        check_refused(arena, NULL, &err);
        return;
    }
    decode(arena, method->input, message);
    size_t packed_len;
    const uint8_t *packed = sk_pb_pack(arena, message, &packed_len);
    must(sk_pb_unpack(arena, method->input, packed, packed_len) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    const ProtobufCMethodDescriptor *method = method_at(data[0] % 64);
    if (!method)
        return 0;
    struct sk_arena arena = {0};
    one(&arena, method, data + 1, size - 1);
    sk_arena_fini(&arena);
    return 0;
}
