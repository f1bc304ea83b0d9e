/* grpc.health.v1, and what it is made of, on the virtual clock. */
#include "support/fake_call.h"

#include "api/health.h"
#include "core/health.h"

#define HEALTH  "/grpc.health.v1.Health/"
#define SANDBOX "coreweave.sandbox.v1.SandboxService"
#define DATA    "coreweave.sandbox.v1.SandboxDataPlaneService"

struct rig {
    struct world w;
    bool store_fails;
    struct sk_server_call rpc;
};

static int store_hook(void *arg, const char *call)
{
    struct rig *rig = arg;

    return rig->store_fails && strcmp(call, "store.put") == 0;
}

static int set_up(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));

    world_init(&rig->w);
    world_hook(&rig->w, store_hook, rig);
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

static void ask(struct rig *rig, const char *service)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    fake_fini(&rig->rpc);
    rig->rpc = (struct sk_server_call){0};
    request.service = (char *)service;
    fake_ask(&rig->rpc, &rig->w, HEALTH "Check", &request.base);
    assert_true(rig->rpc.over);
}

static sk_serving said(const struct rig *rig, size_t n)
{
    assert_true(n < rig->rpc.sent_count);
    return ((const Grpc__Health__V1__HealthCheckResponse *)(const void *)rig->rpc.sent[n])->status;
}

static void must_say(struct rig *rig, const char *service, sk_serving status)
{
    ask(rig, service);
    assert_int_equal(rig->rpc.code, SK_OK);
    assert_int_equal(said(rig, 0), status);
}

static void a_service_is_unwell_by_what_it_needs(void **state)
{
    struct rig *rig = *state;

    must_say(rig, "", SK_SERVING(SERVING));
    must_say(rig, SANDBOX, SK_SERVING(SERVING));
    sk_fake_runtime_away(rig->w.runtime, true);
    world_settle(&rig->w);
    must_say(rig, "", SK_SERVING(NOT_SERVING));
    must_say(rig, SANDBOX, SK_SERVING(NOT_SERVING));
    must_say(rig, "sandkeep.v1.ImageService", SK_SERVING(NOT_SERVING));
    must_say(rig, DATA, SK_SERVING(SERVING)); /* commands go on */
    sk_fake_runtime_away(rig->w.runtime, false);
    world_settle(&rig->w);
    must_say(rig, "", SK_SERVING(SERVING));
    sk_node_set_health(rig->w.node, SK_HEALTH_DRAINING, true);
    must_say(rig, "sandkeep.v1.SessionService", SK_SERVING(NOT_SERVING));
    must_say(rig, "sandkeep.v1.ImageService", SK_SERVING(SERVING));
}

static void rules_that_cannot_be_put_back_are_told(void **state)
{
    struct rig *rig = *state;

    sk_fake_network_tell(rig->w.network, &(struct sk_network_event){.kind = SK_NETWORK_BROKEN});
    must_say(rig, SANDBOX, SK_SERVING(NOT_SERVING));
    must_say(rig, DATA, SK_SERVING(SERVING));
    assert_non_null(strstr(sk_health_describe(sk_node_health(rig->w.node)), "networks"));
    sk_fake_network_tell(rig->w.network, &(struct sk_network_event){.kind = SK_NETWORK_RESTORED});
    must_say(rig, SANDBOX, SK_SERVING(SERVING));
}

static void what_is_not_there_does_not_serve(void **state)
{
    struct rig *rig = *state;

    must_say(rig, "coreweave.sandbox.v1.VolumeService", SK_SERVING(NOT_SERVING)); /* not implemented */
    ask(rig, "no.such.Service");
    assert_int_equal(rig->rpc.code, SK_NOT_FOUND);
}

static void all_are_listed(void **state)
{
    struct rig *rig = *state;
    Grpc__Health__V1__HealthListRequest request = GRPC__HEALTH__V1__HEALTH_LIST_REQUEST__INIT;
    size_t services = 0;

    while (sk_method_service(services))
        services++;
    fake_ask(&rig->rpc, &rig->w, HEALTH "List", &request.base);
    const Grpc__Health__V1__HealthListResponse *out = (const void *)rig->rpc.sent[0];
    assert_int_equal(out->n_statuses, services + 1);
    assert_string_equal(out->statuses[0]->key, "");
    assert_int_equal(out->statuses[0]->value->status, SK_SERVING(SERVING));
}

/* --- watching ------------------------------------------------------------------------ */

static void watch_as(struct rig *rig, struct sk_server_call *rpc, const char *service, bool is_proven)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    request.service = (char *)service;
    fake_open(rpc, &rig->w, HEALTH "Watch", NULL);
    rpc->call.is_proven = is_proven;
    rpc->call.method.stream(&rpc->call);
    fake_say(rpc, &request.base);
}

static void watch(struct rig *rig, struct sk_server_call *rpc, const char *service)
{
    watch_as(rig, rpc, service, false);
}

static void changes_are_told(void **state)
{
    struct rig *rig = *state;

    watch(rig, &rig->rpc, SANDBOX);
    world_settle(&rig->w);
    assert_int_equal(rig->rpc.sent_count, 1);
    assert_int_equal(said(rig, 0), SK_SERVING(SERVING));
    sk_fake_runtime_away(rig->w.runtime, true);
    world_settle(&rig->w);
    sk_node_set_health(rig->w.node, SK_HEALTH_DRAINING, true); /* is no news */
    world_settle(&rig->w);
    assert_int_equal(rig->rpc.sent_count, 2);
    assert_int_equal(said(rig, 1), SK_SERVING(NOT_SERVING));
    sk_fake_runtime_away(rig->w.runtime, false);
    sk_node_set_health(rig->w.node, SK_HEALTH_DRAINING, false);
    world_settle(&rig->w);
    assert_int_equal(rig->rpc.sent_count, 3);
    assert_int_equal(said(rig, 2), SK_SERVING(SERVING));
    assert_false(rig->rpc.over);
    fake_cancel(&rig->rpc);
    assert_int_equal(rig->rpc.code, SK_CANCELLED);
}

static void a_listener_that_does_not_read_gets_the_last_word(void **state)
{
    struct rig *rig = *state;

    watch(rig, &rig->rpc, "");
    world_settle(&rig->w);
    rig->rpc.slow = true;
    for (int i = 0; i < 3; i++) {
        sk_node_set_health(rig->w.node, SK_HEALTH_DRAINING, true);
        world_settle(&rig->w);
        sk_node_set_health(rig->w.node, SK_HEALTH_DRAINING, false);
        world_settle(&rig->w);
    }
    assert_int_equal(rig->rpc.sent_count, 2);
    assert_int_equal(said(rig, 1), SK_SERVING(NOT_SERVING));
    fake_room(&rig->rpc.room);
    world_settle(&rig->w);
    assert_int_equal(rig->rpc.sent_count, 3);
    assert_int_equal(said(rig, 2), SK_SERVING(SERVING));
    fake_cancel(&rig->rpc);
}

static void an_unknown_service_is_watched_in_vain(void **state)
{
    struct rig *rig = *state;

    watch(rig, &rig->rpc, "no.such.Service");
    world_settle(&rig->w);
    sk_node_set_health(rig->w.node, SK_HEALTH_DRAINING, true);
    world_settle(&rig->w);
    assert_int_equal(rig->rpc.sent_count, 1);
    assert_int_equal(said(rig, 0), SK_SERVING(SERVICE_UNKNOWN));
    assert_false(rig->rpc.over);
    fake_cancel(&rig->rpc);
}

static void a_watch_may_end_before_it_begins(void **state)
{
    struct rig *rig = *state;

    fake_begin(&rig->rpc, &rig->w, HEALTH "Watch", NULL);
    fake_cancel(&rig->rpc);
    assert_true(rig->rpc.over);
    fake_fini(&rig->rpc);
    rig->rpc = (struct sk_server_call){0};
    fake_begin(&rig->rpc, &rig->w, HEALTH "Watch", NULL);
    fake_say(&rig->rpc, NULL);
    assert_int_equal(rig->rpc.code, SK_INVALID_ARGUMENT);
}

static void only_so_many_may_watch(void **state)
{
    struct rig *rig = *state;
    struct sk_server_call *many = sk_alloc((SK_HEALTH_WATCHERS_MAX + 1) * sizeof(*many));

    for (size_t i = 0; i <= SK_HEALTH_WATCHERS_MAX; i++)
        watch_as(rig, &many[i], "", true);
    assert_false(many[SK_HEALTH_WATCHERS_MAX - 1].over);
    assert_true(many[SK_HEALTH_WATCHERS_MAX].over);
    assert_int_equal(many[SK_HEALTH_WATCHERS_MAX].code, SK_RESOURCE_EXHAUSTED);
    fake_cancel(&many[0]);
    watch(rig, &rig->rpc, "");
    assert_false(rig->rpc.over);
    fake_cancel(&rig->rpc);
    for (size_t i = 1; i < SK_HEALTH_WATCHERS_MAX; i++)
        fake_cancel(&many[i]);
    for (size_t i = 0; i <= SK_HEALTH_WATCHERS_MAX; i++)
        fake_fini(&many[i]);
    free(many);
}

/* Nobody needs a key to watch; but neither one address nor all of them keep out who has one. */
static void strangers_leave_room(void **state)
{
    enum { ADDRESSES = SK_HEALTH_STRANGERS_MAX / SK_HEALTH_PEER_MAX };
    static const char *const peers[] = {"a", "b", "c", "d", "e", "f", "g"};
    struct rig *rig = *state;
    struct sk_health_watcher *many = sk_alloc((SK_HEALTH_STRANGERS_MAX + 2) * sizeof(*many));
    struct sk_health_watcher *beyond = &many[SK_HEALTH_STRANGERS_MAX];
    struct sk_err err;

    assert_true(ADDRESSES < sk_array_len(peers));
    for (size_t i = 0; i < SK_HEALTH_STRANGERS_MAX; i++) {
        many[i].peer = peers[i / SK_HEALTH_PEER_MAX];
        assert_int_equal(sk_node_watch_health(rig->w.node, &many[i], NULL, &err), SK_OK);
        beyond->peer = many[i].peer;
        if (i % SK_HEALTH_PEER_MAX == SK_HEALTH_PEER_MAX - 1)
            assert_int_equal(sk_node_watch_health(rig->w.node, beyond, NULL, &err), SK_RESOURCE_EXHAUSTED);
    }
    beyond->peer = peers[ADDRESSES];
    assert_int_equal(sk_node_watch_health(rig->w.node, beyond, NULL, &err), SK_RESOURCE_EXHAUSTED);
    watch(rig, &rig->rpc, "");
    assert_int_equal(rig->rpc.code, SK_RESOURCE_EXHAUSTED);
    fake_fini(&rig->rpc);
    watch_as(rig, &rig->rpc, "", true);
    assert_false(rig->rpc.over);
    fake_cancel(&rig->rpc);
    sk_health_watcher_stop(&many[0]);
    assert_int_equal(sk_node_watch_health(rig->w.node, beyond, NULL, &err), SK_OK);
    for (size_t i = 1; i <= SK_HEALTH_STRANGERS_MAX; i++)
        sk_health_watcher_stop(&many[i]);
    free(many);
}

/* --- the store ------------------------------------------------------------------------- */

static void a_store_that_refuses_is_tried_until_it_takes(void **state)
{
    struct rig *rig = *state;
    struct answer answer;

    rig->store_fails = true;
    world_create(&rig->w, world_record(&rig->w, "one"), &answer);
    world_settle(&rig->w);
    assert_int_equal(sk_node_health(rig->w.node), SK_HEALTH_STORE);
    must_say(rig, "", SK_SERVING(NOT_SERVING));
    size_t puts = sk_memstore_puts(rig->w.store);
    world_advance(&rig->w, SK_SEC(20));
    assert_int_equal(sk_node_health(rig->w.node), SK_HEALTH_STORE);
    rig->store_fails = false;
    world_advance(&rig->w, SK_SEC(4)); /* and nobody asks for anything */
    assert_int_equal(sk_node_health(rig->w.node), 0);
    assert_true(sk_memstore_puts(rig->w.store) > puts);
    world_settle(&rig->w);
    size_t len;
    assert_null(sk_memstore_get(rig->w.store, "probe", &len));
    must_say(rig, "", SK_SERVING(SERVING));
}

static void the_gravest_fault_has_the_word(void **state)
{
    (void)state;
    assert_string_equal(sk_health_describe(0), "");
    assert_string_equal(sk_health_describe(SK_HEALTH_DRAINING), "the node is draining");
    assert_string_equal(sk_health_describe(SK_HEALTH_DRAINING | SK_HEALTH_BACKEND),
                        "the sandbox runtime does not answer");
    assert_string_equal(sk_health_describe(SK_HEALTH_DRAINING | SK_HEALTH_STORE),
                        "the state folder cannot be written");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_service_is_unwell_by_what_it_needs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rules_that_cannot_be_put_back_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_does_not_serve, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_are_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_listener_that_does_not_read_gets_the_last_word, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_service_is_watched_in_vain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_watch_may_end_before_it_begins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_so_many_may_watch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strangers_leave_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_refuses_is_tried_until_it_takes, set_up, tear_down),
        cmocka_unit_test(the_gravest_fault_has_the_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
