/* health_api.c: grpc.health.v1, Check and List. */
#include "api/handlers.h"
#include "api/health.h"
#include "core/health.h"

#include <string.h>

#define ALL_FAULTS (SK_HEALTH_BACKEND | SK_HEALTH_STORE | SK_HEALTH_DRAINING | SK_HEALTH_NETWORK)

/* What a service cannot do without; the others only need a daemon. */
static const struct need {
    const char *service;
    unsigned faults;
} needs[] = {
    {"", ALL_FAULTS},
    {"coreweave.sandbox.v1.SandboxService", ALL_FAULTS},
    {"sandkeep.v1.SessionService", ALL_FAULTS},
    {"sandkeep.v1.ImageService", SK_HEALTH_BACKEND},
};

static unsigned faults_for(const char *service)
{
    for (size_t i = 0; i < sk_array_len(needs); i++) {
        if (strcmp(needs[i].service, service) == 0)
            return needs[i].faults;
    }
    return 0;
}

static const ProtobufCServiceDescriptor *find(const char *name)
{
    const ProtobufCServiceDescriptor *service = NULL;
    for (size_t i = 0; (service = sk_method_service(i)) && strcmp(service->name, name) != 0; i++)
        ;
    return service;
}

sk_serving sk_health_of(const struct sk_node *node, const char *name)
{
    const ProtobufCServiceDescriptor *service = find(name);
    if (!service && name[0])
        return SK_SERVING(SERVICE_UNKNOWN);
    bool is_there = !service || sk_method_is_any_handled(service);
    return is_there && !(sk_node_health(node) & faults_for(name)) ? SK_SERVING(SERVING)
                                                                  : SK_SERVING(NOT_SERVING);
}

void sk_health_check(struct sk_call *call, ProtobufCMessage *request)
{
    const Grpc__Health__V1__HealthCheckRequest *in = (const void *)request;
    Grpc__Health__V1__HealthCheckResponse out;
    grpc__health__v1__health_check_response__init(&out);
    out.status = sk_health_of(call->node, in->service);
    if (out.status != SK_SERVING(SERVICE_UNKNOWN)) {
        sk_call_reply(call, &out.base);
        return;
    }
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_NOT_FOUND, "there is no such service");
    sk_call_fail(call, &err);
}

static Grpc__Health__V1__HealthListResponse__StatusesEntry *entry(struct sk_call *call, const char *name)
{
    Grpc__Health__V1__HealthListResponse__StatusesEntry *out =
        sk_pb_new(call->arena, &grpc__health__v1__health_list_response__statuses_entry__descriptor);
    out->key = sk_arena_strdup(call->arena, name);
    out->value = sk_pb_new(call->arena, &grpc__health__v1__health_check_response__descriptor);
    out->value->status = sk_health_of(call->node, name);
    return out;
}

void sk_health_list(struct sk_call *call, ProtobufCMessage *request)
{
    Grpc__Health__V1__HealthListResponse *out =
        sk_pb_new(call->arena, &grpc__health__v1__health_list_response__descriptor);
    size_t count = 0;
    (void)request;
    while (sk_method_service(count))
        count++;
    out->statuses = sk_arena_alloc(call->arena, (count + 1) * sizeof(out->statuses[0]));
    out->statuses[out->n_statuses++] = entry(call, "");
    for (size_t i = 0; i < count; i++)
        out->statuses[out->n_statuses++] = entry(call, sk_method_service(i)->name);
    sk_call_reply(call, &out->base);
}
