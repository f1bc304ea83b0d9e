#include "api/api.h"
#include "api/auth.h"
#include "api/call.h"

#include <string.h>

/* Bytes of files that calls may hold at a time. */
#define BULKY_MAX ((size_t)512 << 20)

struct sk_api {
    struct sk_node *node;
    const struct sk_log *log;
    struct sk_auth *auth; /* owned */
    struct sk_gate gate;
    unsigned imports; /* of images, under way */
};

struct sk_api *sk_api_new(struct sk_node *node, const struct sk_log *log, const char *const *api_keys)
{
    struct sk_api *api = sk_alloc(sizeof(*api));
    *api = (struct sk_api){.node = node, .log = log, .auth = sk_auth_new(api_keys)};
    sk_gate_init(&api->gate, sk_node_loop(node), BULKY_MAX);
    return api;
}

void sk_api_free(struct sk_api *api)
{
    if (!api)
        return;
    sk_gate_fini(&api->gate);
    sk_auth_free(api->auth);
    free(api);
}

static const char *header(void *arg, const char *name)
{
    return sk_server_call_header(arg, name);
}

static enum sk_code authenticate(struct sk_api *api, struct sk_call *call, struct sk_err *err)
{
    char key_id[SK_KEY_ID_LEN + 1];
    enum sk_code code = sk_auth_check(api->auth, header, call->rpc, key_id, err);
    if (!code)
        call->key_id = sk_arena_strdup(call->arena, key_id);
    return code;
}

/* Snapshot calls have a reason of their own, at which clients step aside. */
static bool is_snapshot(const struct sk_method *method)
{
    return method->service == &coreweave__sandbox__v1__sandbox_service__descriptor &&
           strstr(method->type->name, "FileSystemSnapshot");
}

static void refuse_unimplemented(struct sk_call *call, bool is_known)
{
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_UNIMPLEMENTED, is_known ? "%.160s is not implemented yet" : "there is no %.160s",
                  sk_server_call_method(call->rpc));
    (void)sk_err_reason(&err,
                        is_known && is_snapshot(&call->method) ? "FSS_NOT_SUPPORTED" : "NOT_IMPLEMENTED");
    sk_call_fail(call, &err);
}

void sk_api_on_call(void *arg, struct sk_server_call *rpc)
{
    struct sk_api *api = arg;
    struct sk_arena *arena = sk_server_call_arena(rpc);
    struct sk_call *call = sk_arena_alloc(arena, sizeof(*call));
    *call = (struct sk_call){.rpc = rpc,
                             .arena = arena,
                             .node = api->node,
                             .log = api->log,
                             .key_id = "",
                             .gate = &api->gate,
                             .imports = &api->imports,
                             .began = sk_loop_now(sk_node_loop(api->node))};
    struct sk_err err = {0};
    bool is_known = sk_method_find(sk_server_call_method(rpc), &call->method);
    if ((!is_known || call->method.needs_key) && authenticate(api, call, &err))
        sk_call_fail(call, &err);
    else if (is_known && call->method.unary && call->method.is_bulky)
        sk_call_run_bulky(call);
    else if (is_known && call->method.unary)
        sk_call_run_unary(call);
    else if (is_known && call->method.stream)
        call->method.stream(call);
    else
        refuse_unimplemented(call, is_known);
}
