/* Other rules for a sandbox that runs: in force and on record, or nothing has changed. */
#include "support/network_rig.h"

static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

/* HTTPS to one host name, and nothing else. */
static struct sk_net_policy *only(const char *name)
{
    static struct sk_net_rule rule;
    static struct sk_net_policy policy;

    rule = (struct sk_net_rule){.peer = SK_NET_NAME, .name = text(name)};
    policy = (struct sk_net_policy){
        .tenant = text("somebody else"), .egress = &rule, .egress_count = 1, .dns = SK_NET_DNS_GRANTED};
    return &policy;
}

static void set(struct world *w, struct sk_sandbox *s, const char *name, struct answer *answer)
{
    answer_init(answer);
    sk_node_set_network(w->node, s, only(name), (const uint8_t *)name, strlen(name), &answer->done);
}

static const char *in_force(struct world *w, const char *id)
{
    const struct sk_fake_attached *there = attached(w, id);
    return there && there->policy && there->policy->egress[0].name ? there->policy->egress[0].name : "";
}

static const char *at_edge(struct world *w, const char *id)
{
    const struct sk_edge_box *box = sk_fake_edge_find(w->edge, id);
    return box ? box->policy->egress[0].name : "";
}

/* What a restart would read. */
static void assert_stored(struct world *w, const char *id, const char *name)
{
    size_t len = 0;
    const uint8_t *bytes = sk_memstore_get(w->store, id, &len);
    struct sk_record *record = NULL;

    assert_int_equal(sk_record_unpack(bytes, len, &record, NULL), SK_OK);
    const struct sk_net_rule *rule = &record->spec.network->egress[0];
    assert_string_equal(rule->name ? rule->name : "", name);
    sk_record_free(record);
}

static void assert_all_have(struct world *w, struct sk_sandbox *s, const char *name)
{
    const char *id = s->record->id;

    assert_string_equal(in_force(w, id), name);
    assert_string_equal(at_edge(w, id), name);
    assert_string_equal(s->record->spec.network->egress[0].name, name);
    assert_stored(w, id, name);
}

#define BEFORE "*.example.com"

static void test_is_in_force_and_on_record(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer changed;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    world_hook(&w, calls_hook, &calls);
    set(&w, s, "a.example", &changed);
    assert_int_equal(changed.count, 0);
    world_settle(&w);
    assert_int_equal(changed.count, 1);
    assert_int_equal(changed.err.code, SK_OK);
    assert_in_order(&calls, "network.apply", "edge.set");
    assert_in_order(&calls, "edge.set", "store.put");
    assert_all_have(&w, s, "a.example");
    /* Its services and its tenant are those it was made with. */
    const struct sk_net_policy *policy = s->record->spec.network;
    assert_string_equal(policy->tenant, "key-1");
    assert_int_equal(policy->service_count, 3);
    assert_int_equal(policy->services[0].node_port, 20000);
    const struct sk_edge_box *box = sk_fake_edge_find(w.edge, s->record->id);
    assert_int_equal(box->door_count, 2);
    assert_int_equal(box->doors[0].timeout_s, 0);
    assert_int_equal(box->doors[1].timeout_s, 30);
    assert_memory_equal(s->record->spec.echo, "a.example", s->record->spec.echo_len);
    assert_int_equal(s->record->spec.echo_len, 9);
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", s->record->id);
    world_hook(&w, NULL, NULL);
    world_crash(&w);
    world_start(&w);
    assert_all_have(&w, sk_node_find(w.node, id), "a.example");
    world_fini(&w);
}

static void test_the_edge_is_told_when_there_is_nothing_left(void **state)
{
    struct world w;
    struct answer changed, created;
    struct sk_net_policy open = {.tenant = text("key-1"), .dns = SK_NET_DNS_ALL};

    (void)state;
    world_init(&w);
    struct sk_record *record = world_record(&w, "");
    world_add_doors(record);
    record->spec.network->service_count = 0;
    world_create(&w, record, &created);
    world_settle(&w);
    assert_int_equal(sk_fake_edge_count(w.edge), 1);
    answer_init(&changed);
    sk_node_set_network(w.node, created.sandbox, &open, NULL, 0, &changed.done);
    world_settle(&w);
    assert_int_equal(changed.err.code, SK_OK);
    assert_int_equal(sk_fake_edge_count(w.edge), 0);
    set(&w, created.sandbox, "a.example", &changed);
    world_settle(&w);
    assert_int_equal(sk_fake_edge_count(w.edge), 1);
    world_fini(&w);
}

/* --- what does not work ----------------------------------------------------------------------------- */

static void test_old_rules_stay_when_a_driver_refuses(void **state)
{
    static const struct {
        const char *call;
        int verdict, store;
    } cases[] = {
        {"network.apply", SK_FAKE_FAIL, 0},
        {"network.apply", SK_FAKE_FAIL_AFTER, 0},
        {"store.put", SK_FAKE_FAIL, 1},
    };

    (void)state;
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        struct world w;
        struct calls calls = {0};
        struct answer changed;

        world_init(&w);
        struct sk_sandbox *s = running_with_doors(&w);
        calls_bend(&calls, cases[i].call, cases[i].verdict, 1);
        world_hook(&w, calls_hook, &calls);
        set(&w, s, "a.example", &changed);
        world_advance(&w, SK_SEC(5));
        assert_int_equal(changed.count, 1);
        assert_int_not_equal(changed.err.code, SK_OK);
        assert_all_have(&w, s, BEFORE);
        set(&w, s, "b.example", &changed); /* and it can be tried again */
        world_settle(&w);
        assert_int_equal(changed.err.code, SK_OK);
        assert_all_have(&w, s, "b.example");
        world_hook(&w, NULL, NULL);
        world_fini(&w);
    }
}

static void test_old_rules_stay_when_the_edge_refuses(void **state)
{
    struct world w;
    struct moody_edge edge;
    struct answer changed;

    (void)state;
    world_init(&w);
    world_stop(&w);
    moody_init(&edge, &w);
    world_start(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    edge.refusals = 1;
    set(&w, s, "a.example", &changed);
    world_settle(&w);
    assert_int_equal(changed.err.code, SK_INTERNAL);
    assert_all_have(&w, s, BEFORE);
    world_fini(&w);
}

/* Nobody knows what is in force then: the record's rules are brought back as after a restart. */
static void test_nothing_works(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer changed;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    calls_bend(&calls, "network.apply", SK_FAKE_FAIL, 2); /* the old ones are refused, too */
    world_hook(&w, calls_hook, &calls);
    set(&w, s, "a.example", &changed);
    world_settle(&w);
    assert_int_equal(changed.err.code, SK_UNAVAILABLE);
    calls.names[0] = '\0';
    world_advance(&w, SK_SEC(2));
    assert_true(called(&calls, "network.apply"));
    assert_all_have(&w, s, BEFORE);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

static void test_an_edge_that_is_away(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer changed;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    calls_bend(&calls, "edge.set", SK_FAKE_FAIL, 1);
    world_hook(&w, calls_hook, &calls);
    set(&w, s, "a.example", &changed);
    world_settle(&w);
    assert_int_equal(changed.err.code, SK_OK);
    assert_string_equal(in_force(&w, s->record->id), "a.example");
    assert_stored(&w, s->record->id, "a.example");
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

/* --- when ---------------------------------------------------------------------------------------------- */

static void test_one_after_the_other(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer changed[3];
    static const char *const names[] = {"a.example", "b.example", "c.example"};

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    calls_bend(&calls, "network.apply", SK_FAKE_FAIL, 1); /* the first is refused */
    world_hook(&w, calls_hook, &calls);
    for (int i = 0; i < 3; i++)
        set(&w, s, names[i], &changed[i]);
    world_settle(&w);
    assert_int_equal(changed[0].err.code, SK_UNAVAILABLE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(changed[i].count, 1);
    assert_int_equal(changed[1].err.code, SK_OK);
    assert_int_equal(changed[2].err.code, SK_OK);
    assert_all_have(&w, s, "c.example");
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

/* Whatever its create is at. */
static void test_while_it_is_made(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct world w;
        struct answer created, changed;

        world_init(&w);
        sk_fake_runtime_calls(w.runtime)->latency = SK_MSEC(10);
        sk_fake_network_calls(w.network)->latency = SK_MSEC(10);
        sk_fake_edge_calls(w.edge)->latency = SK_MSEC(10);
        sk_fake_agent_calls(w.agent)->latency = SK_MSEC(10);
        struct sk_record *record = world_record(&w, "");
        world_add_doors(record);
        world_create(&w, record, &created);
        world_advance(&w, SK_MSEC(5 + 10 * i));
        struct sk_sandbox *s = sk_list_entry(w.node->sandboxes.next, struct sk_sandbox, link);
        assert_int_equal(s->state, SK_STATE_CREATING);
        set(&w, s, "a.example", &changed);
        world_advance(&w, SK_SEC(1));
        assert_int_equal(changed.count, 1);
        assert_int_equal(changed.err.code, SK_OK);
        assert_int_equal(s->record->state, SK_STATE_RUNNING);
        assert_all_have(&w, s, "a.example");
        world_fini(&w);
    }
}

static void test_before_it_is_made(void **state)
{
    struct world w;
    struct answer created, changed;

    (void)state;
    world_init(&w);
    struct sk_record *record = world_record(&w, "");
    world_add_doors(record);
    record->start_on_first_use = true;
    world_create(&w, record, &created);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_PENDING);
    assert_int_equal(sk_sandbox_record(created.sandbox)->spec.network->services[0].node_port, 20000);
    set(&w, created.sandbox, "a.example", &changed);
    world_settle(&w);
    assert_int_equal(changed.err.code, SK_OK);
    assert_stored(&w, created.sandbox->record->id, "a.example");
    assert_int_equal(sk_fake_network_count(w.network), 0);
    sk_sandbox_begin(created.sandbox);
    world_settle(&w);
    assert_all_have(&w, created.sandbox, "a.example");
    world_fini(&w);
}

static void refused(struct world *w, struct sk_sandbox *s, enum sk_code code, const char *because)
{
    struct answer changed;

    set(w, s, "a.example", &changed);
    world_settle(w);
    assert_int_equal(changed.count, 1);
    assert_int_equal(changed.err.code, code);
    if (!strstr(changed.err.text, because))
        fail_msg("%s", changed.err.text);
}

static void test_when_it_cannot(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer created, deleted;
    struct sk_net_policy closed = {.tenant = text(""), .dns = SK_NET_DNS_NONE};

    (void)state;
    world_init(&w);
    struct sk_record *record = world_record(&w, "");
    record->spec.network = &closed;
    world_create(&w, record, &created);
    world_settle(&w);
    refused(&w, created.sandbox, SK_FAILED_PRECONDITION, "without a network");
    record = world_record(&w, "");
    record->spec.network = NULL;
    world_create(&w, record, &created);
    world_settle(&w);
    refused(&w, created.sandbox, SK_FAILED_PRECONDITION, "without a network");
    world_delete(&w, created.sandbox, SK_NS(0), &deleted);
    world_settle(&w);
    refused(&w, created.sandbox, SK_FAILED_PRECONDITION, "has ended");
    struct sk_sandbox *s = running_with_doors(&w);
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", s->record->id);
    world_crash(&w);
    calls_bend(&calls, "network.attach", SK_FAKE_FAIL, 5);
    world_hook(&w, calls_hook, &calls);
    world_start(&w);
    refused(&w, sk_node_find(w.node, id), SK_UNAVAILABLE, "taken up again");
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

/* --- races ------------------------------------------------------------------------------------------------
 */

static void test_the_end_comes_first(void **state)
{
    static const char *const bent[] = {"network.apply", "edge.set"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(bent); i++) {
        struct world w;
        struct calls calls = {0};
        struct answer changed[2], deleted;

        world_init(&w);
        struct sk_sandbox *s = running_with_doors(&w);
        calls_bend(&calls, bent[i], SK_FAKE_HANG, 1);
        world_hook(&w, calls_hook, &calls);
        set(&w, s, "a.example", &changed[0]);
        set(&w, s, "b.example", &changed[1]);
        world_settle(&w);
        assert_int_equal(changed[0].count, 0);
        world_delete(&w, s, SK_NS(0), &deleted);
        world_settle(&w);
        for (int j = 0; j < 2; j++) {
            assert_int_equal(changed[j].count, 1);
            assert_int_equal(changed[j].err.code, SK_FAILED_PRECONDITION);
            assert_string_equal(changed[j].err.text, "the sandbox has ended");
        }
        assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
        assert_int_equal(sk_fake_network_count(w.network), 0);
        assert_int_equal(sk_fake_edge_count(w.edge), 0);
        world_assert_clean(&w);
        world_fini(&w);
    }
}

static void test_the_daemon_stops(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer changed[2];
    char id[64];

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    (void)snprintf(id, sizeof(id), "%s", s->record->id);
    calls_bend(&calls, "edge.set", SK_FAKE_HANG, 1);
    world_hook(&w, calls_hook, &calls);
    set(&w, s, "a.example", &changed[0]);
    set(&w, s, "b.example", &changed[1]);
    world_settle(&w);
    world_stop(&w);
    assert_int_equal(changed[0].count, 1);
    assert_int_equal(changed[0].err.code, SK_UNAVAILABLE);
    assert_int_equal(changed[1].count, 1);
    world_start(&w);
    assert_all_have(&w, sk_node_find(w.node, id), BEFORE);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

static void change(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct answer changed;

    (void)arg;
    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    world_sweep(&w, sweep);
    set(&w, s, "a.example", &changed);
    world_advance(&w, SK_SEC(1));
    sk_sweep_pause(sweep, true);
    if (changed.count == 0) {
        assert_int_equal(sweep->flavour, SK_SWEEP_HANG); /* the end of its life comes first */
        world_advance(&w, SK_SEC(60));
        assert_int_equal(changed.count, 1);
    } else if (changed.err.code == SK_OK) {
        world_advance(&w, SK_SEC(10));
        assert_string_equal(in_force(&w, s->record->id), "a.example");
        assert_stored(&w, s->record->id, "a.example");
    } else {
        world_advance(&w, SK_SEC(10));
        assert_all_have(&w, s, BEFORE);
    }
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(change, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_in_force_and_on_record),
        cmocka_unit_test(test_the_edge_is_told_when_there_is_nothing_left),
        cmocka_unit_test(test_old_rules_stay_when_a_driver_refuses),
        cmocka_unit_test(test_old_rules_stay_when_the_edge_refuses),
        cmocka_unit_test(test_nothing_works),
        cmocka_unit_test(test_an_edge_that_is_away),
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_while_it_is_made),
        cmocka_unit_test(test_before_it_is_made),
        cmocka_unit_test(test_when_it_cannot),
        cmocka_unit_test(test_the_end_comes_first),
        cmocka_unit_test(test_the_daemon_stops),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
