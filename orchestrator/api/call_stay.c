#include "api/call_stay.h"

#include "coreweave/sandbox/v1/sandbox.pb-c.h"
#include "coreweave/sandbox/v1/sandbox_data_plane.pb-c.h"
#include "sandkeep/node.pb-c.h"
#include "sandkeep/session.pb-c.h"

#include <string.h>

/* Unary ones that last as long as what they are about, and the stream that has no end. StreamLogs says
 * itself, when it knows. */
static const struct kind {
    const char *name;
    enum sk_stay_kind kind;
} kinds[] = {
    {"Exec", SK_STAY_WORK},
    {"ReadFile", SK_STAY_WORK},
    {"WriteFile", SK_STAY_WORK},
    {"KeepAlive", SK_STAY_ENDLESS},
};

static bool stays(const struct sk_method *method)
{
    return strncmp(method->service->name, "grpc.", 5) != 0 &&
           method->service != &sandkeep__v1__node_service__descriptor;
}

static enum sk_stay_kind kind_of(const struct sk_method *method)
{
    for (size_t i = 0; i < sk_array_len(kinds); i++) {
        if (strcmp(kinds[i].name, method->type->name) == 0)
            return kinds[i].kind;
    }
    return method->stream ? SK_STAY_WORK : SK_STAY_BRIEF;
}

/* Its handler lets go as if the client had gone; what the client is told then is sk_call_fail's business. */
static void cut(struct sk_stay *stay)
{
    sk_server_call_cut(sk_container_of(stay, struct sk_call, stay)->rpc);
}

enum sk_code sk_call_stay(struct sk_call *call, struct sk_err *err)
{
    if (!stays(&call->method))
        return SK_OK;
    return sk_stay_begin(call->node, &call->stay, kind_of(&call->method), cut, err);
}
