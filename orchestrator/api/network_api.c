/* network_api.c: GetNetwork, SetNetwork. */
#include "api/encode.h"
#include "api/handlers.h"
#include "api/network.h"
#include "api/network_encode.h"
#include "api/spec.h"

struct asking {
    struct sk_call *call;
    struct sk_done done;
    struct sk_sandbox *sandbox; /* a ref, until the call is answered */
    struct sk_network_report report;
};

static struct asking *begin(struct sk_call *call, struct sk_sandbox *sandbox)
{
    struct asking *a = sk_arena_alloc(call->arena, sizeof(*a));
    a->call = call;
    a->sandbox = sk_sandbox_ref(sandbox);
    return a;
}

static void reply(struct asking *a)
{
    struct sk_arena *arena = a->call->arena;
    const struct sk_record *record = sk_sandbox_record(a->sandbox);
    const SK_PB(Sandbox) *shown =
        sk_encode_sandbox(arena, record, sk_sandbox_place(a->sandbox), sk_node_config(a->call->node));
    const SK_OWN_PB(Network) *out = sk_encode_network_report(arena, record->id, &a->report, shown->status);
    sk_call_reply(a->call, &out->base);
}

static void on_report(struct sk_done *done, const struct sk_err *err)
{
    struct asking *a = sk_container_of(done, struct asking, done);
    struct sk_sandbox *sandbox = a->sandbox;
    if (err)
        sk_call_fail(a->call, err);
    else
        reply(a);
    sk_sandbox_unref(sandbox);
}

static void report(struct asking *a)
{
    sk_done_init(&a->done, on_report);
    sk_node_report_network(a->call->node, a->sandbox, &a->report, &a->done);
}

/* --- get --------------------------------------------------------------------------- */

void sk_get_network(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(GetNetworkRequest) *in = (const void *)request;
    struct sk_sandbox *sandbox;
    struct sk_err err = {0};
    if (sk_call_find(call, in->sandbox_id, &sandbox, &err))
        sk_call_fail(call, &err);
    else
        report(begin(call, sandbox));
}

/* --- set --------------------------------------------------------------------------- */

static void on_set(struct sk_done *done, const struct sk_err *err)
{
    struct asking *a = sk_container_of(done, struct asking, done);
    if (!err) {
        report(a);
        return;
    }
    struct sk_sandbox *sandbox = a->sandbox;
    sk_call_fail(a->call, err);
    sk_sandbox_unref(sandbox);
}

/* The caller's words of the create, with these in the place of those. */
static const uint8_t *echo_with(struct sk_call *call, const struct sk_spec *spec,
                                SK_PB(NetworkOptions) * network, size_t *out_len, struct sk_check *check)
{
    SK_PB(Sandbox) *echo =
        sk_pb_unpack(call->arena, &coreweave__sandbox__v1__sandbox__descriptor, spec->echo, spec->echo_len);
    const struct sk_path *path = SK_FIELD(NULL, "sandbox_id");
    if (!echo || !echo->spec) {
        sk_check_refused(check, path, SK_FAILED_PRECONDITION, NULL, "its record is of another daemon");
        return NULL;
    }
    echo->spec->network = network;
    if (!sk_spec_fits(echo))
        sk_check_violated(check, SK_FIELD(NULL, "network"), "must not make the spec larger than %zu bytes",
                          SK_SPEC_BYTES_MAX);
    return sk_pb_pack(call->arena, &echo->base, out_len);
}

static void set(struct sk_call *call, const SK_OWN_PB(SetNetworkRequest) * in, struct sk_sandbox *sandbox)
{
    struct sk_check *check = sk_arena_alloc(call->arena, sizeof(*check));
    const struct sk_record *record = sk_sandbox_record(sandbox);
    size_t len = 0;
    check->arena = call->arena;
    const struct sk_net_policy *policy =
        sk_network_decode(in->network, SK_FIELD(NULL, "network"), sk_node_config(call->node), record->tenant,
                          call->arena, check);
    const uint8_t *echo = echo_with(call, &record->spec, in->network, &len, check);
    if (sk_check_result(check, NULL)) {
        sk_call_fail_check(call, check);
        return;
    }
    struct asking *a = begin(call, sandbox);
    sk_done_init(&a->done, on_set);
    sk_node_set_network(call->node, sandbox, policy, echo, len, &a->done);
}

void sk_set_network(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(SetNetworkRequest) *in = (const void *)request;
    struct sk_sandbox *sandbox;
    struct sk_err err = {0};
    if (sk_call_find(call, in->sandbox_id, &sandbox, &err))
        sk_call_fail(call, &err);
    else
        set(call, in, sandbox);
}
