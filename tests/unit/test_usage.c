/* What sandboxes use: when it is measured, and what GetStatus makes of it. */
#include "support/fake_call.h"

#include "core/health.h"
#include "core/status.h"

#define GET_STATUS "/sandkeep.v1.NodeService/GetStatus"

struct rig {
    struct world w;
    int measurements;
    struct sk_server_call rpc;
};

static int hook(void *arg, const char *call)
{
    struct rig *rig = arg;

    rig->measurements += strcmp(call, "runtime.measure") == 0;
    return 0;
}

static int set_up(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));

    world_init(&rig->w);
    world_hook(&rig->w, hook, rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    fake_fini(&rig->rpc);
    world_fini(&rig->w);
    free(rig);
    return 0;
}

static const char *id_of(const struct sk_sandbox *s)
{
    return sk_sandbox_record(s)->id;
}

static void measure(struct rig *rig)
{
    struct sk_waiter waiter = {0};
    struct answer answer;

    answer_init(&answer);
    sk_node_measure(rig->w.node, &waiter, &answer.done);
    world_settle(&rig->w);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_OK);
}

static void use_is_a_difference(void **state)
{
    struct rig *rig = *state;
    struct sk_sandbox *s = world_running(&rig->w, NULL);

    world_advance(&rig->w, SK_SEC(10));
    measure(rig);
    assert_false(sk_sandbox_use(s)->is_measured); /* nobody knows */
    world_advance(&rig->w, SK_SEC(2));
    sk_fake_runtime_use(rig->w.runtime, id_of(s), 6000000000, 4096);
    measure(rig);
    assert_true(sk_sandbox_use(s)->is_measured);
    assert_in_range(sk_sandbox_use(s)->cpu_millis, 490, 510); /* 6 s in 12 */
    assert_int_equal(sk_sandbox_use(s)->memory_bytes, 4096);
    world_advance(&rig->w, SK_SEC(2));
    sk_fake_runtime_use(rig->w.runtime, id_of(s), 9000000000, 8192);
    measure(rig);
    assert_int_equal(sk_sandbox_use(s)->cpu_millis, 1500); /* 3 s in 2 */
    world_advance(&rig->w, SK_SEC(2));
    sk_fake_runtime_use(rig->w.runtime, id_of(s), 1000, 8192); /* a counter that went back */
    measure(rig);
    assert_int_equal(sk_sandbox_use(s)->cpu_millis, 0);
}

static void many_who_look_measure_once(void **state)
{
    struct rig *rig = *state;
    struct sk_waiter waiters[20] = {0};
    struct answer answers[20];

    (void)world_running(&rig->w, NULL);
    for (size_t i = 0; i < sk_array_len(answers); i++) {
        answer_init(&answers[i]);
        sk_node_measure(rig->w.node, &waiters[i], &answers[i].done);
    }
    sk_done_cancel(&answers[3].done);
    world_settle(&rig->w);
    for (size_t i = 0; i < sk_array_len(answers); i++) {
        assert_int_equal(answers[i].count, 1);
        assert_int_equal(answers[i].err.code, i == 3 ? SK_CANCELLED : SK_OK);
    }
    assert_int_equal(rig->measurements, 1);
    world_advance(&rig->w, SK_MSEC(900));
    measure(rig);
    assert_int_equal(rig->measurements, 1);
    world_advance(&rig->w, SK_MSEC(200));
    measure(rig);
    assert_int_equal(rig->measurements, 2);
}

static void who_ends_meanwhile_is_not_missed(void **state)
{
    struct rig *rig = *state;
    struct sk_sandbox *s = world_running(&rig->w, NULL);
    struct sk_waiter waiter = {0};
    struct answer gone, answer;

    answer_init(&answer);
    sk_fake_runtime_calls(rig->w.runtime)->latency = SK_SEC(3);
    sk_node_measure(rig->w.node, &waiter, &answer.done);
    sk_fake_runtime_use(rig->w.runtime, id_of(s), 1, 1);
    world_delete(&rig->w, s, SK_NS(0), &gone);
    world_advance(&rig->w, SK_SEC(30));
    assert_int_equal(answer.count, 1);
    sk_fake_runtime_calls(rig->w.runtime)->latency = SK_NS(0);
}

/* --- GetStatus ---------------------------------------------------------------------- */

static const SK_OWN_PB(NodeStatus) * ask(struct rig *rig, const SK_OWN_PB(GetStatusRequest) * request)
{
    fake_fini(&rig->rpc);
    rig->rpc = (struct sk_server_call){0};
    fake_ask(&rig->rpc, &rig->w, GET_STATUS, &request->base);
    world_settle(&rig->w);
    assert_true(rig->rpc.over);
    return rig->rpc.code == SK_OK ? (const void *)rig->rpc.sent[0] : NULL;
}

static int64_t count(const SK_OWN_PB(NodeStatus) * status, const char *state)
{
    for (size_t i = 0; i < status->n_sandboxes_by_state; i++) {
        if (strcmp(status->sandboxes_by_state[i]->key, state) == 0)
            return status->sandboxes_by_state[i]->value;
    }
    return -1;
}

static void the_node_at_a_glance(void **state)
{
    struct rig *rig = *state;
    struct sk_sandbox *first = world_running(&rig->w, NULL);
    struct sk_sandbox *second = world_running(&rig->w, NULL);
    SK_OWN_PB(GetStatusRequest) request = SANDKEEP__V1__GET_STATUS_REQUEST__INIT;

    world_advance(&rig->w, SK_SEC(4));
    sk_fake_runtime_use(rig->w.runtime, id_of(first), 1000000000, 1 << 20);
    request.with_sandboxes = request.with_sessions = true;
    const SK_OWN_PB(NodeStatus) *out = ask(rig, &request);
    assert_string_equal(out->node_id, rig->w.config.node_id);
    assert_string_equal(out->version, SK_VERSION);
    assert_int_equal(out->state, SK_OWN_PBE(NODE_STATE, NODE_STATE_SERVING));
    assert_string_equal(out->state_reason, "");
    assert_int_equal(count(out, "RUNNING"), 2);
    assert_int_equal(count(out, "FAILED"), 0);
    assert_int_equal(out->used->memory_bytes, 1 << 20);
    assert_int_equal(out->n_sandboxes, 2);
    assert_string_equal(out->sandboxes[0]->sandbox_id, id_of(second)); /* the newest first */
    assert_string_equal(out->sandboxes[1]->state, "RUNNING");
    assert_non_null(out->sandboxes[1]->deadline);
    assert_int_equal(out->sandboxes[1]->cpu_time->seconds, 1);
    assert_in_range(out->sandboxes[1]->cpu_millis, 240, 260);
    assert_null(out->sandboxes[0]->cpu_time); /* not measured */
    request.limit = 1;
    out = ask(rig, &request);
    assert_int_equal(out->n_sandboxes, 1);
    request.with_sandboxes = false;
    assert_int_equal(ask(rig, &request)->n_sandboxes, 0);
    request.limit = -1;
    assert_null(ask(rig, &request));
    assert_int_equal(rig->rpc.code, SK_INVALID_ARGUMENT);
}

static void its_states_are_told(void **state)
{
    struct rig *rig = *state;
    SK_OWN_PB(GetStatusRequest) request = SANDKEEP__V1__GET_STATUS_REQUEST__INIT;

    sk_node_set_health(rig->w.node, SK_HEALTH_DRAINING, true);
    const SK_OWN_PB(NodeStatus) *out = ask(rig, &request);
    assert_int_equal(out->state, SK_OWN_PBE(NODE_STATE, NODE_STATE_DRAINED));
    assert_string_equal(out->state_reason, "the node is draining");
    sk_fake_runtime_away(rig->w.runtime, true);
    world_settle(&rig->w);
    out = ask(rig, &request);
    assert_int_equal(out->state, SK_OWN_PBE(NODE_STATE, NODE_STATE_BACKEND_AWAY));
}

/* A tenant's numbers are its own, also in sums. */
static void others_are_not_there(void **state)
{
    struct rig *rig = *state;
    struct answer answer;
    struct sk_record *record = world_record(&rig->w, "other");
    SK_OWN_PB(GetStatusRequest) request = SANDKEEP__V1__GET_STATUS_REQUEST__INIT;
    struct sk_node_summary all, own;

    (void)world_running(&rig->w, NULL);
    record->tenant = "other";
    world_create(&rig->w, record, &answer);
    world_advance(&rig->w, SK_SEC(5));
    sk_fake_runtime_use(rig->w.runtime, id_of(answer.sandbox), 1000000000, 1 << 20);
    world_advance(&rig->w, SK_SEC(5));
    measure(rig);
    sk_node_summarize(rig->w.node, NULL, &all);
    sk_node_summarize(rig->w.node, "other", &own);
    assert_int_equal(all.living, 2);
    assert_int_equal(own.living, 1);
    assert_int_equal(own.used.memory_bytes, 1 << 20);
    request.with_sandboxes = true;
    fake_open(&rig->rpc, &rig->w, GET_STATUS, NULL);
    rig->rpc.call.caller = (struct sk_caller){.tenant = "default", .key_id = ""};
    rig->rpc.call.method.unary(&rig->rpc.call, &request.base);
    world_settle(&rig->w);
    const SK_OWN_PB(NodeStatus) *out = (const void *)rig->rpc.sent[0];
    assert_int_equal(out->n_sandboxes, 1);
    assert_string_equal(out->sandboxes[0]->tenant, "default");
    assert_int_equal(count(out, "RUNNING"), 1);
    assert_int_equal(out->used->memory_bytes, 0);
    assert_null(out->capacity);
    assert_true(out->charged->cpu_millis < sk_node_capacity(rig->w.node)->charged.cpu_millis ||
                !sk_node_capacity(rig->w.node)->charged.cpu_millis);
}

static void a_caller_may_go(void **state)
{
    struct rig *rig = *state;
    SK_OWN_PB(GetStatusRequest) request = SANDKEEP__V1__GET_STATUS_REQUEST__INIT;

    sk_fake_runtime_calls(rig->w.runtime)->latency = SK_SEC(3);
    fake_ask(&rig->rpc, &rig->w, GET_STATUS, &request.base);
    rig->rpc.call.on_cancel(&rig->rpc.call);
    world_advance(&rig->w, SK_SEC(5));
    assert_true(rig->rpc.over);
    assert_int_equal(rig->rpc.code, SK_CANCELLED);
    sk_fake_runtime_calls(rig->w.runtime)->latency = SK_NS(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(use_is_a_difference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_who_look_measure_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_ends_meanwhile_is_not_missed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_node_at_a_glance, set_up, tear_down),
        cmocka_unit_test_setup_teardown(its_states_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others_are_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_caller_may_go, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
