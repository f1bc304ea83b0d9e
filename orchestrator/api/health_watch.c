/* health_watch.c: grpc.health.v1 Watch: a service's health, and each change of it, for as long as somebody
 * listens. A listener that does not read misses changes, but never the last one. */
#include "api/handlers.h"
#include "api/health.h"
#include "core/health.h"

#include <string.h>

struct watch {
    struct sk_call *call;
    struct sk_health_watcher watcher;
    const char *service; /* NULL until the request has come */
    sk_serving said;
    bool sending;
};

static void say(struct watch *w)
{
    Grpc__Health__V1__HealthCheckResponse out;
    grpc__health__v1__health_check_response__init(&out);
    out.status = w->said = sk_health_of(w->call->node, w->service);
    w->sending = true;
    sk_server_call_send(w->call->rpc, &out.base);
}

static void look(struct watch *w)
{
    if (!w->sending && sk_health_of(w->call->node, w->service) != w->said)
        say(w);
}

static void on_change(struct sk_health_watcher *watcher)
{
    look(sk_container_of(watcher, struct watch, watcher));
}

static void fail(struct watch *w, const struct sk_err *err)
{
    sk_health_watcher_stop(&w->watcher);
    sk_call_fail(w->call, err);
}

static enum sk_code begin(struct watch *w, grpc_byte_buffer *bytes, struct sk_err *err)
{
    ProtobufCMessage *request = NULL;
    enum sk_code code = SK_OK;
    if (!bytes)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the call carries no request");
    if ((code = sk_call_unpack(w->call, bytes, &request, err)) != SK_OK ||
        (code = sk_node_watch_health(w->call->node, &w->watcher, on_change, err)) != SK_OK)
        return code;
    w->service = ((const Grpc__Health__V1__HealthCheckRequest *)(const void *)request)->service;
    return SK_OK;
}

static void on_message(void *arg, grpc_byte_buffer *bytes)
{
    struct watch *w = arg;
    struct sk_err err = {0};
    if (begin(w, bytes, &err))
        fail(w, &err);
    else
        say(w);
}

static void on_sent(void *arg)
{
    struct watch *w = arg;
    w->sending = false;
    look(w);
}

static void on_cancel(void *arg)
{
    struct watch *w = arg;
    struct sk_err err = {0};
    sk_call_gone(w->call, &err);
    fail(w, &err);
}

/* "ipv4:192.0.2.1:4711" without the port. */
static const char *address_of(struct sk_call *call)
{
    const char *peer = sk_server_call_peer(call->rpc);
    const char *port = strrchr(peer, ':');
    return sk_arena_strndup(call->arena, peer, port ? (size_t)(port - peer) : strlen(peer));
}

void sk_health_watch(struct sk_call *call)
{
    static const struct sk_server_call_events events = {
        .on_message = on_message, .on_sent = on_sent, .on_cancel = on_cancel};
    struct watch *w = sk_arena_alloc(call->arena, sizeof(*w));
    w->call = call;
    w->watcher.peer = call->is_proven ? NULL : address_of(call);
    sk_server_call_set(call->rpc, &events, w);
    sk_server_call_want(call->rpc);
}
