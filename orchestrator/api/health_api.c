/* health_api.c: grpc.health.v1: whether sandboxes can be made here. */
#include "api/handlers.h"

#include "grpc/health/v1/health.pb-c.h"

#include <string.h>

static bool is_served(const char *name)
{
    if (!name[0])
        return true;
    for (size_t i = 0; sk_method_service(i); i++) {
        if (strcmp(sk_method_service(i)->name, name) == 0)
            return true;
    }
    return false;
}

void sk_health_check(struct sk_call *call, ProtobufCMessage *request)
{
    const Grpc__Health__V1__HealthCheckRequest *in = (const void *)request;
    if (!is_served(in->service)) {
        struct sk_err err = {0};
        (void)sk_fail(&err, SK_NOT_FOUND, "there is no such service");
        sk_call_fail(call, &err);
        return;
    }
    Grpc__Health__V1__HealthCheckResponse out;
    grpc__health__v1__health_check_response__init(&out);
    out.status = sk_node_is_available(call->node)
                     ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
                     : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
    sk_call_reply(call, &out.base);
}
