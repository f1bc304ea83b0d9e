/* A sandbox's network: there before the container, with its rules in force; there again after a restart. */
#include "support/network_rig.h"

static void test_opens_before_the_container(void **state)
{
    struct world w;
    struct calls calls = {0};

    (void)state;
    world_init(&w);
    world_hook(&w, calls_hook, &calls);
    struct sk_sandbox *s = running_with_doors(&w);
    const char *id = sk_sandbox_record(s)->id;
    assert_in_order(&calls, "network.attach", "network.apply");
    assert_in_order(&calls, "network.apply", "edge.set");
    assert_in_order(&calls, "edge.set", "runtime.create_container");
    const struct sk_fake_attached *there = attached(&w, id);
    assert_false(there->is_closed);
    assert_string_equal(there->policy->egress[0].name, "*.example.com");
    assert_string_equal(sk_fake_runtime_netns(w.runtime, id), there->place.netns);
    assert_string_equal(sk_sandbox_place(s)->netns, there->place.netns);
    assert_ptr_equal(sk_network_find(w.node, &there->place.ipv4), s);
    assert_ptr_equal(sk_network_find(w.node, &there->place.ipv6), s);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

static void test_the_edge_learns_of_doors_and_names(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    const char *id = sk_sandbox_record(s)->id;
    const struct sk_edge_box *box = sk_fake_edge_find(w.edge, id);
    char host[128];
    (void)snprintf(host, sizeof(host), "%s-8443.box.example", id);
    assert_non_null(box);
    assert_true(sk_ip_equal(&box->ipv4, &attached(&w, id)->place.ipv4));
    assert_true(box->has_ipv6);
    assert_int_equal(box->door_count, 2); /* not the private one */
    assert_int_equal(box->doors[0].node_port, 20000);
    assert_null(box->doors[0].host);
    assert_int_equal(box->doors[0].port, 8080);
    assert_int_equal(box->doors[1].node_port, 0);
    assert_string_equal(box->doors[1].host, host);
    assert_int_equal(box->doors[1].port, 8443);
    assert_string_equal(box->policy->egress[0].name, "*.example.com");
    assert_int_equal(s->record->spec.network->services[0].node_port, 20000);
    (void)world_running(&w, NULL); /* who has neither is none of its business */
    assert_int_equal(sk_fake_edge_count(w.edge), 1);
    world_fini(&w);
}

static void test_closed(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer created;
    struct sk_net_policy closed = {.tenant = (char *)(uintptr_t) "", .dns = SK_NET_DNS_NONE};

    (void)state;
    world_init(&w);
    world_hook(&w, calls_hook, &calls);
    struct sk_record *record = world_record(&w, "");
    record->spec.network = &closed;
    world_create(&w, record, &created);
    world_settle(&w);
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", sk_sandbox_record(created.sandbox)->id);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    assert_true(attached(&w, id)->is_closed);
    assert_null(attached(&w, id)->policy);
    assert_true(sk_sandbox_place(created.sandbox)->is_closed);
    assert_string_equal(sk_fake_runtime_netns(w.runtime, id), attached(&w, id)->place.netns);
    assert_false(called(&calls, "network.apply"));
    assert_false(called(&calls, "edge.set"));
    world_hook(&w, NULL, NULL);
    world_stop(&w);
    world_start(&w);
    assert_true(sk_sandbox_place(sk_node_find(w.node, id))->is_closed);
    world_fini(&w);
}

static void test_of_a_daemon_that_knew_none(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    struct sk_record *record = world_record(&w, "");
    record->spec.network = NULL;
    world_create(&w, record, &created);
    world_settle(&w);
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", sk_sandbox_record(created.sandbox)->id);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    assert_int_equal(sk_fake_network_count(w.network), 0);
    assert_string_equal(sk_fake_runtime_netns(w.runtime, id), "");
    assert_null(sk_sandbox_place(created.sandbox));
    world_stop(&w);
    world_start(&w);
    assert_int_equal(sk_sandbox_record(sk_node_find(w.node, id))->state, SK_STATE_RUNNING);
    assert_int_equal(sk_fake_network_count(w.network), 0);
    world_fini(&w);
}

/* --- what does not work --------------------------------------------------------------------- */

static void fails_by(const char *call)
{
    struct world w;
    struct calls calls = {0};
    struct answer created;

    world_init(&w);
    calls_bend(&calls, call, SK_FAKE_FAIL, -1);
    world_hook(&w, calls_hook, &calls);
    (void)create_with_doors(&w, &created);
    const struct sk_record *record = sk_sandbox_record(created.sandbox);
    assert_int_equal(record->state, SK_STATE_FAILED);
    if (!strstr(record->state_reason, "cannot give the sandbox its network: "))
        fail_msg("%s", record->state_reason);
    assert_false(called(&calls, "runtime.create_container"));
    assert_null(sk_sandbox_place(created.sandbox));
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_no_network_no_sandbox(void **state)
{
    (void)state;
    fails_by("network.attach");
    fails_by("network.apply");
}

static void test_no_address_left(void **state)
{
    struct world w;
    struct answer attach, created;
    struct sk_network_place place;

    (void)state;
    world_init(&w);
    struct sk_network *network = sk_fake_network_base(w.network);
    for (int i = 0; i < SK_FAKE_NETWORK_ADDRESSES; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "other-%d", i);
        answer_init(&attach);
        network->ops->attach(network, id, false, &place, &attach.done);
        world_settle(&w);
    }
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_FAILED);
    assert_string_equal(sk_sandbox_record(created.sandbox)->state_reason,
                        "cannot give the sandbox its network: no address is free");
    world_fini(&w);
}

/* A URL means assigned, not serving; and what the edge would look at does not pass without it. */
static void test_an_edge_that_is_away_delays_nothing(void **state)
{
    struct world w;
    struct calls calls = {0};

    (void)state;
    world_init(&w);
    calls_bend(&calls, "edge.set", SK_FAKE_FAIL, -1);
    world_hook(&w, calls_hook, &calls);
    struct sk_sandbox *s = running_with_doors(&w);
    struct answer deleted;
    assert_true(called(&calls, "edge.set"));
    calls_bend(&calls, NULL, 0, 0);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_true(called(&calls, "edge.remove")); /* it will be told again, unless it is told this */
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_an_edge_that_refuses(void **state)
{
    struct world w;
    struct moody_edge edge;
    struct answer created;

    (void)state;
    world_init(&w);
    world_stop(&w);
    moody_init(&edge, &w);
    world_start(&w);
    edge.refusals = -1;
    (void)create_with_doors(&w, &created);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_FAILED);
    assert_string_equal(sk_sandbox_record(created.sandbox)->state_reason,
                        "cannot give the sandbox its network: no such map");
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_without_any_edge(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    world_stop(&w);
    w.given_edge = NULL;
    world_start(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    struct answer deleted;
    world_advance(&w, SK_SEC(31));
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    world_assert_clean(&w);
    world_fini(&w);
}

/* --- ports ------------------------------------------------------------------------------------- */

static uint16_t port_of(const struct sk_sandbox *s)
{
    return sk_sandbox_record(s)->spec.network->services[0].node_port;
}

static void test_ports_run_out_and_come_back(void **state)
{
    struct world w;
    struct answer created, deleted;
    struct sk_sandbox *all[4];

    (void)state;
    world_init(&w); /* with four of them */
    for (uint16_t i = 0; i < 4; i++) {
        all[i] = running_with_doors(&w);
        assert_int_equal(port_of(all[i]), 20000 + i);
    }
    (void)create_with_doors(&w, &created);
    assert_int_equal(created.err.code, SK_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(created.err.text, "no port left"));
    (void)world_running(&w, NULL); /* who needs none gets one */
    world_delete(&w, all[2], SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(port_of(running_with_doors(&w)), 20002);
    world_fini(&w);
}

static int refuse_put(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "store.put") == 0;
}

static void test_ports_of_what_never_was(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    sk_memstore_hook(w.store, refuse_put, NULL);
    for (int i = 0; i < 10; i++) {
        (void)create_with_doors(&w, &created);
        assert_int_not_equal(created.err.code, SK_OK);
        assert_null(strstr(created.err.text, "port"));
    }
    sk_memstore_hook(w.store, NULL, NULL);
    for (int i = 0; i < 4; i++)
        (void)running_with_doors(&w);
    world_fini(&w);
}

static void test_ports_of_what_failed(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer created;

    (void)state;
    world_init(&w);
    calls_bend(&calls, "network.apply", SK_FAKE_FAIL, -1);
    world_hook(&w, calls_hook, &calls);
    for (int i = 0; i < 10; i++) {
        calls.names[0] = '\0';
        (void)create_with_doors(&w, &created);
        assert_int_equal(created.err.code, SK_OK);
        assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_FAILED);
    }
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_ports_after_a_restart(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *first = running_with_doors(&w), *second = running_with_doors(&w);
    uint16_t kept = port_of(first);
    world_delete(&w, second, SK_NS(0), &deleted);
    world_settle(&w);
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", first->record->id);
    world_crash(&w);
    world_start(&w);
    assert_int_equal(port_of(sk_node_find(w.node, id)), kept);
    /* Neither the one in use nor, at first, the one that was. */
    assert_int_equal(port_of(running_with_doors(&w)), 20002);
    assert_int_equal(port_of(running_with_doors(&w)), 20003);
    assert_int_equal(port_of(running_with_doors(&w)), 20001);
    struct answer created;
    (void)create_with_doors(&w, &created);
    assert_int_equal(created.err.code, SK_RESOURCE_EXHAUSTED);
    world_fini(&w);
}

/* --- after a restart ----------------------------------------------------------------------------- */

static void test_is_taken_up_again(void **state)
{
    struct world w;
    struct calls calls = {0};
    char id[64];

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    struct sk_network_place before = *sk_sandbox_place(s);
    (void)snprintf(id, sizeof(id), "%s", s->record->id);
    world_crash(&w);
    world_hook(&w, calls_hook, &calls);
    world_start(&w);
    s = sk_node_find(w.node, id);
    assert_in_order(&calls, "network.attach", "network.apply");
    assert_in_order(&calls, "network.apply", "edge.set");
    assert_false(called(&calls, "network.detach"));
    assert_false(called(&calls, "edge.remove"));
    assert_string_equal(sk_sandbox_place(s)->netns, before.netns);
    assert_ptr_equal(sk_network_find(w.node, &before.ipv4), s);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

/* The rules of before stay, the sandbox runs, and it is tried again with growing pauses. */
static void is_tried_again(const char *call)
{
    struct world w;
    struct calls calls = {0};
    char id[64];

    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    (void)snprintf(id, sizeof(id), "%s", s->record->id);
    world_crash(&w);
    calls_bend(&calls, call, SK_FAKE_FAIL, 3);
    world_hook(&w, calls_hook, &calls);
    world_start(&w);
    s = sk_node_find(w.node, id);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    assert_int_equal(calls.times, 2);
    world_advance(&w, SK_MSEC(1100)); /* 1 s */
    assert_int_equal(calls.times, 1);
    world_advance(&w, SK_MSEC(1100)); /* 2 s */
    assert_int_equal(calls.times, 1);
    world_advance(&w, SK_MSEC(1100));
    assert_int_equal(calls.times, 0);
    calls.names[0] = '\0';
    world_advance(&w, SK_MSEC(4100));
    assert_true(called(&calls, call));
    assert_non_null(sk_sandbox_place(s));
    calls.names[0] = '\0';
    world_advance(&w, SK_SEC(20));
    assert_false(called(&calls, call)); /* it has worked */
    world_assert_clean(&w);             /* at the end of its life */
    world_fini(&w);
}

static void test_is_tried_again(void **state)
{
    (void)state;
    is_tried_again("network.attach");
    is_tried_again("network.apply");
}

/* Its end waits for no driver that hangs. */
static void test_ends_while_it_is_taken_up(void **state)
{
    static const char *const bent[] = {"network.attach", "network.apply", "edge.set"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(bent); i++) {
        struct world w;
        struct calls calls = {0};
        struct answer deleted;
        char id[64];

        world_init(&w);
        struct sk_sandbox *s = running_with_doors(&w);
        (void)snprintf(id, sizeof(id), "%s", s->record->id);
        world_crash(&w);
        calls_bend(&calls, bent[i], SK_FAKE_HANG, 1);
        world_hook(&w, calls_hook, &calls);
        world_start(&w);
        assert_int_equal(calls.times, 0);
        s = sk_node_find(w.node, id);
        world_delete(&w, s, SK_NS(0), &deleted);
        world_settle(&w);
        assert_int_equal(deleted.count, 1);
        assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
        assert_int_equal(sk_fake_network_count(w.network), 0);
        assert_int_equal(sk_fake_edge_count(w.edge), 0);
        world_advance(&w, SK_SEC(300));
        assert_int_equal(sk_fake_network_count(w.network), 0);
        world_assert_clean(&w);
        world_fini(&w);
    }
}

static void test_stops_while_it_is_taken_up(void **state)
{
    struct world w;
    struct calls calls = {0};

    (void)state;
    world_init(&w);
    (void)running_with_doors(&w);
    world_crash(&w);
    calls_bend(&calls, "network.apply", SK_FAKE_HANG, 1);
    world_hook(&w, calls_hook, &calls);
    world_start(&w);
    world_stop(&w);
    world_start(&w);
    assert_int_equal(sk_fake_network_count(w.network), 1);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_before_the_container),
        cmocka_unit_test(test_the_edge_learns_of_doors_and_names),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_of_a_daemon_that_knew_none),
        cmocka_unit_test(test_no_network_no_sandbox),
        cmocka_unit_test(test_no_address_left),
        cmocka_unit_test(test_an_edge_that_is_away_delays_nothing),
        cmocka_unit_test(test_an_edge_that_refuses),
        cmocka_unit_test(test_without_any_edge),
        cmocka_unit_test(test_ports_run_out_and_come_back),
        cmocka_unit_test(test_ports_of_what_never_was),
        cmocka_unit_test(test_ports_of_what_failed),
        cmocka_unit_test(test_ports_after_a_restart),
        cmocka_unit_test(test_is_taken_up_again),
        cmocka_unit_test(test_is_tried_again),
        cmocka_unit_test(test_ends_while_it_is_taken_up),
        cmocka_unit_test(test_stops_while_it_is_taken_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
