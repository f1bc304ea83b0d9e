#include "api/api.h"
#include "api/auth.h"
#include "api/call.h"
#include "api/call_stay.h"
#include "api/fan_out.h"
#include "api/handlers.h"

#include <string.h>

/* Bytes of files that calls may hold at a time. */
#define BULKY_MAX ((size_t)512 << 20)

struct sk_api {
    struct sk_node *node;
    const struct sk_log *log;
    struct sk_keys *keys;
    struct sk_fleet *fleet;   /* NULL = this node is alone */
    struct sk_guests *guests; /* NULL: nobody else knows keys */
    struct sk_list calls;     /* under way, of callers who were let in */
    struct sk_call_meters meters;
    struct sk_gate gate;
    struct sk_reloader reloader;
    unsigned imports; /* of images, under way */
    struct sk_request_ids ids;
    struct sk_strangers strangers;
    void (*on_first_key)(void *arg);
    void *first_arg;
    bool reflects;
};

/* --- keys that come and go -------------------------------------------------------- */

static void on_first(void *arg)
{
    struct sk_api *api = arg;
    if (api->on_first_key)
        api->on_first_key(api->first_arg);
}

static void on_revoked(void *arg, const char *key_id)
{
    struct sk_api *api = arg;
    sk_list_each(&api->calls, link)
    {
        struct sk_call *call = sk_list_entry(link, struct sk_call, under_way);
        if (strcmp(call->caller.key_id, key_id) == 0)
            sk_server_call_abort(call->rpc, SK_UNAUTHENTICATED, "the API key was revoked");
    }
}

static void on_guest_lost(void *arg, struct sk_guest_use *use)
{
    const struct sk_call *call = sk_container_of(use, struct sk_call, guest_use);
    (void)arg;
    sk_server_call_abort(call->rpc, SK_UNAUTHENTICATED, "the API key is no longer known here");
}

bool sk_api_needs_keys(const struct sk_api *api)
{
    return (api->guests && sk_guests_were_open(api->guests)) || sk_keys_exist(api->keys);
}

void sk_api_set_guests(struct sk_api *api, struct sk_guests *guests)
{
    static const struct sk_guests_events events = {.on_open = on_first, .on_lost = on_guest_lost};
    api->guests = guests;
    if (guests)
        sk_guests_listen(guests, &events, api);
}

void sk_api_on_first_key(struct sk_api *api, void (*fn)(void *arg), void *arg)
{
    api->on_first_key = fn;
    api->first_arg = arg;
}

struct sk_api *sk_api_new(struct sk_node *node, const struct sk_log *log, struct sk_keys *keys)
{
    static const struct sk_keys_events events = {.on_first = on_first, .on_revoked = on_revoked};
    struct sk_api *api = sk_alloc(sizeof(*api));
    *api = (struct sk_api){.node = node, .log = log, .keys = keys, .reflects = true};
    sk_list_init(&api->calls);
    sk_request_ids_init(&api->ids);
    sk_call_meters_init(&api->meters, sk_node_config(node)->metrics);
    sk_gate_init(&api->gate, sk_node_loop(node), BULKY_MAX);
    sk_keys_listen(keys, &events, api);
    return api;
}

void sk_api_set_reflection(struct sk_api *api, bool reflects)
{
    api->reflects = reflects;
}

void sk_api_set_fleet(struct sk_api *api, struct sk_fleet *fleet)
{
    api->fleet = fleet;
}

void sk_api_set_reloader(struct sk_api *api, struct sk_reloader reloader)
{
    api->reloader = reloader;
}

void sk_api_free(struct sk_api *api)
{
    static const struct sk_keys_events none = {0};
    static const struct sk_guests_events no_guests = {.on_open = NULL};
    if (!api)
        return;
    sk_keys_listen(api->keys, &none, NULL);
    if (api->guests)
        sk_guests_listen(api->guests, &no_guests, NULL);
    sk_gate_fini(&api->gate);
    sk_call_meters_fini(&api->meters);
    free(api);
}

/* --- who calls --------------------------------------------------------------------- */

static const char *header(void *arg, const char *name)
{
    return sk_server_call_header(arg, name);
}

static void take_key(struct sk_call *call, const struct sk_key_record *key)
{
    call->caller = (struct sk_caller){.tenant = sk_arena_strdup(call->arena, key->tenant),
                                      .key_id = sk_arena_strdup(call->arena, key->id),
                                      .is_admin = key->is_admin};
}

/* A call whose caller is about to be known. */
struct arrival {
    struct sk_call *call;
    struct sk_api *api;
    bool is_known; /* the method */
};

/* One that waits for what is asked elsewhere. In the call's arena. */
struct outside {
    struct arrival arrival;
    struct sk_done done;
    struct sk_guest_ask ask;
    bool is_gone;
};

static void on_told(struct sk_done *done, const struct sk_err *err);

static void take_guest(struct sk_call *call, struct sk_guests *guests, const struct sk_guest_ask *ask)
{
    call->caller = (struct sk_caller){.tenant = sk_arena_strdup(call->arena, ask->guest.tenant),
                                      .key_id = sk_arena_strdup(call->arena, ask->guest.key_id)};
    sk_guests_hold(guests, &call->guest_use, ask);
}

static void on_gone(void *arg)
{
    struct outside *o = arg;
    o->is_gone = true;
    sk_done_cancel(&o->done);
}

/* True: the answer, SK_OK or an error, is in *err. False: it comes later. */
static bool ask_elsewhere(const struct arrival *a, const char *key, struct sk_err *err)
{
    static const struct sk_server_call_events events = {.on_cancel = on_gone};
    const char *entity = header(a->call->rpc, "x-entity-id");
    struct outside *o = sk_arena_alloc(a->call->arena, sizeof(*o));
    o->arrival = *a;
    sk_done_init(&o->done, on_told);
    if (!sk_guests_ask(a->api->guests, &o->ask, key, entity ? entity : "", &o->done, err)) {
        sk_server_call_set(a->call->rpc, &events, o);
        return false;
    }
    if (!err->code)
        take_guest(a->call, a->api->guests, &o->ask);
    return true;
}

/* The key of theirs that is known here; NULL: none. */
static const struct sk_key_record *known_key(const struct sk_call *call, const char *const *credentials,
                                             size_t count)
{
    const struct sk_key_record *key = NULL;
    for (size_t i = 0; !key && i < count; i++)
        key = sk_keys_check(call->keys, credentials[i]);
    return key;
}

/* As ask_elsewhere. Whoever has a key that is known here is let in at once. */
static bool check_keys(const struct arrival *a, struct sk_err *err)
{
    const char *credentials[SK_CREDENTIALS_MAX];
    size_t count = sk_auth_credentials(header, a->call->rpc, credentials);
    const struct sk_key_record *key = known_key(a->call, credentials, count);
    if (key) {
        take_key(a->call, key);
        return true;
    }
    for (size_t i = 0; i < count && a->api->guests; i++) {
        if (sk_guests_may_know(a->api->guests, credentials[i]))
            return ask_elsewhere(a, credentials[i], err);
    }
    (void)sk_fail(err, SK_UNAUTHENTICATED, count ? "this API key is not known here" : "no API key was sent");
    return true;
}

static bool needs_key(const struct sk_door *door)
{
    return !door->is_admin && (door->is_far || sk_api_needs_keys(door->api));
}

/* Of what is open to all. Nobody is asked elsewhere. */
static bool is_proven(const struct sk_door *door, const struct sk_call *call)
{
    const char *credentials[SK_CREDENTIALS_MAX];
    size_t count = sk_auth_credentials(header, call->rpc, credentials);
    return !needs_key(door) || known_key(call, credentials, count);
}

/* As ask_elsewhere. */
static bool authenticate(const struct sk_door *door, const struct arrival *a, struct sk_err *err)
{
    if (needs_key(door))
        return check_keys(a, err);
    a->call->caller.is_admin = true;
    return true;
}

static enum sk_code authorize(const struct sk_call *call, struct sk_err *err)
{
    if (call->caller.is_admin || !call->method.needs_admin)
        return SK_OK;
    return sk_fail(err, SK_PERMISSION_DENIED, "%.100s needs the key of an admin",
                   sk_server_call_method(call->rpc));
}

/* A peer's call counts as that of the caller it asks for. */
static enum sk_code let_in(struct sk_call *call, struct sk_err *err)
{
    if (err->code)
        return err->code;
    call->is_let_in = true;
    sk_fan_out_receive(call);
    return SK_OK;
}

/* --- the call ------------------------------------------------------------------------ */

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

/* The answer's header tells the name, so that even who was answered well can ask about it. */
static void name_call(struct sk_api *api, struct sk_call *call)
{
    sk_request_ids_next(&api->ids, call->request_id);
    call->client_id =
        sk_request_id_clean(call->arena, sk_server_call_header(call->rpc, SK_REQUEST_ID_HEADER));
    call->own_log = (struct sk_log){.parent = api->log, .fields = {SK_STR("request", call->request_id)}};
    if (call->client_id)
        call->own_log.fields[1] = SK_STR("client_request", call->client_id);
    call->log = &call->own_log;
    struct sk_tracer *tracer = sk_node_config(api->node)->tracer;
    if (tracer)
        call->span = sk_span_of_call(tracer, sk_server_call_header(call->rpc, "traceparent"));
    sk_server_call_greet(call->rpc, SK_REQUEST_ID_HEADER, call->request_id);
}

static bool is_there(const struct sk_api *api, const char *path, struct sk_method *out_method)
{
    return sk_method_find(path, out_method) && (out_method->stream != sk_reflect || api->reflects);
}

static void run(struct sk_call *call, bool is_known)
{
    if (is_known && call->method.unary && call->method.is_bulky)
        sk_call_run_bulky(call);
    else if (is_known && call->method.unary)
        sk_call_run_unary(call);
    else if (is_known && call->method.stream)
        call->method.stream(call);
    else
        refuse_unimplemented(call, is_known);
}

static struct sk_call *call_new(struct sk_api *api, struct sk_server_call *rpc)
{
    struct sk_arena *arena = sk_server_call_arena(rpc);
    struct sk_call *call = sk_arena_alloc(arena, sizeof(*call));
    *call = (struct sk_call){.rpc = rpc,
                             .arena = arena,
                             .node = api->node,
                             .keys = api->keys,
                             .caller = {.tenant = SK_TENANT_DEFAULT, .key_id = ""},
                             .strangers = &api->strangers,
                             .gate = &api->gate,
                             .imports = &api->imports,
                             .reloader = &api->reloader,
                             .meters = &api->meters,
                             .fleet = api->fleet,
                             .began = sk_loop_now(sk_node_loop(api->node))};
    name_call(api, call);
    return call;
}

/* It is known who calls, or that nobody may. */
static void enter(const struct arrival *a, struct sk_err *err)
{
    struct sk_call *call = a->call;
    bool is_open = a->is_known && !call->method.needs_key;
    /* Who may not is told of as well, and has no more of the audit for it. */
    if ((!is_open && let_in(call, err)) || sk_witness_admit(call, err) || authorize(call, err) ||
        (a->is_known && sk_call_stay(call, err))) {
        sk_call_fail(call, err);
        return;
    }
    sk_list_append(&a->api->calls, &call->under_way);
    run(call, a->is_known);
}

static void on_told(struct sk_done *done, const struct sk_err *err)
{
    static const struct sk_server_call_events none = {0};
    struct outside *o = sk_container_of(done, struct outside, done);
    struct sk_call *call = o->arrival.call;
    struct sk_err why = err ? *err : (struct sk_err){0};
    sk_server_call_set(call->rpc, &none, NULL);
    if (o->is_gone)
        sk_call_gone(call, &why);
    else if (!err)
        take_guest(call, o->arrival.api->guests, &o->ask);
    enter(&o->arrival, &why);
}

void sk_api_on_call(void *arg, struct sk_server_call *rpc)
{
    const struct sk_door *door = arg;
    struct sk_call *call = call_new(door->api, rpc);
    struct sk_err err = {0};
    const struct arrival a = {
        .call = call,
        .api = door->api,
        .is_known = is_there(door->api, sk_server_call_method(rpc), &call->method),
    };
    call->meter = sk_call_meters_begin(&door->api->meters, &call->method);
    call->about.rule = sk_witness_rule(&call->method, a.is_known);
    bool is_open = a.is_known && !call->method.needs_key;
    call->is_proven = is_open && call->method.stream && is_proven(door, call);
    if (is_open || authenticate(door, &a, &err))
        enter(&a, &err);
}
