/* The end of a sandbox's network: behind the task, before the container; and what nobody knows any more. */
#include "support/network_rig.h"

static void test_the_order(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    struct sk_ip ip = sk_sandbox_place(s)->ipv4;
    world_hook(&w, calls_hook, &calls);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_in_order(&calls, "runtime.delete_task", "edge.remove");
    assert_in_order(&calls, "edge.remove", "network.detach");
    assert_in_order(&calls, "network.detach", "runtime.delete_container");
    assert_null(sk_sandbox_place(s));
    assert_null(sk_network_find(w.node, &ip));
    assert_int_equal(sk_fake_network_count(w.network), 0);
    assert_int_equal(sk_fake_edge_count(w.edge), 0);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

static void test_the_edge_is_not_asked_for_nothing(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_hook(&w, calls_hook, &calls);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_true(called(&calls, "network.detach"));
    assert_false(called(&calls, "edge.remove"));
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

/* It keeps neither the address nor the disk; the sweeper asks again. */
static void edge_resists(int verdict)
{
    struct world w;
    struct calls calls = {0};
    struct answer deleted;

    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    calls_bend(&calls, "edge.remove", verdict, -1);
    world_hook(&w, calls_hook, &calls);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(16));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
    assert_int_equal(sk_fake_network_count(w.network), 0);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    assert_int_equal(sk_fake_edge_count(w.edge), 1);
    world_advance(&w, SK_SEC(60));
    assert_int_equal(sk_fake_edge_count(w.edge), 0);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_an_edge_that_resists(void **state)
{
    (void)state;
    edge_resists(SK_FAKE_FAIL);
    edge_resists(SK_FAKE_HANG);
}

static void test_a_network_that_resists(void **state)
{
    static const int verdicts[] = {SK_FAKE_FAIL, SK_FAKE_FAIL_AFTER, SK_FAKE_HANG};

    (void)state;
    for (size_t i = 0; i < sk_array_len(verdicts); i++) {
        struct world w;
        struct calls calls = {0};
        struct answer deleted;

        world_init(&w);
        struct sk_sandbox *s = running_with_doors(&w);
        calls_bend(&calls, "network.detach", verdicts[i], 2);
        world_hook(&w, calls_hook, &calls);
        world_delete(&w, s, SK_NS(0), &deleted);
        world_advance(&w, SK_SEC(20));
        assert_int_equal(deleted.count, 1);
        assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
        world_advance(&w, SK_SEC(60));
        assert_int_equal(calls.times, 0);
        world_assert_clean(&w);
        world_fini(&w);
    }
}

/* --- what nobody knows ------------------------------------------------------------------------ */

static void attach(struct world *w, const char *id)
{
    struct sk_network *network = sk_fake_network_base(w->network);
    struct sk_edge *edge = sk_fake_edge_base(w->edge);
    struct sk_net_policy policy = {.tenant = (char *)(uintptr_t) ""};
    struct sk_edge_box box = {.id = id, .policy = &policy};
    struct sk_network_place place;
    struct answer done;

    answer_init(&done);
    network->ops->attach(network, id, false, &place, &done.done);
    world_settle(w);
    answer_init(&done);
    edge->ops->set(edge, &box, &done.done);
    world_settle(w);
    assert_int_equal(done.err.code, SK_OK);
}

static void test_litter(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    (void)running_with_doors(&w);
    struct sk_id lost = sk_id_make("n1"), foreign = sk_id_make("n2");
    attach(&w, lost.text);
    attach(&w, foreign.text);
    world_advance(&w, SK_SEC(31)); /* seen once */
    assert_non_null(attached(&w, lost.text));
    assert_non_null(sk_fake_edge_find(w.edge, lost.text));
    world_advance(&w, SK_SEC(11));
    assert_null(attached(&w, lost.text));
    assert_null(sk_fake_edge_find(w.edge, lost.text));
    assert_non_null(attached(&w, foreign.text));
    assert_non_null(sk_fake_edge_find(w.edge, foreign.text));
    assert_int_equal(sk_fake_network_count(w.network), 2);
    world_fini(&w);
}

/* What the runtime holds of it goes first; with it goes the rest, without waiting for the sweeper. */
static void test_leftovers(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct sk_id lost = sk_id_make("n1");
    struct sk_runtime *rt;
    struct sk_box box = {.id = lost.text, .snapshot_parent = "p"};
    struct answer done;

    (void)state;
    world_init(&w);
    rt = sk_fake_runtime_base(w.runtime);
    attach(&w, lost.text);
    answer_init(&done);
    rt->ops->prepare_rootfs(rt, &box, &done.done);
    world_settle(&w);
    world_hook(&w, calls_hook, &calls);
    sk_gc_look(&w.node->gc);
    world_settle(&w);
    sk_gc_look(&w.node->gc); /* seen twice */
    world_settle(&w);
    assert_in_order(&calls, "edge.remove", "network.detach");
    assert_in_order(&calls, "network.detach", "runtime.remove_rootfs");
    assert_int_equal(sk_fake_network_count(w.network), 0);
    assert_int_equal(sk_fake_edge_count(w.edge), 0);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

/* --- everything goes wrong ----------------------------------------------------------------------- */

static void death(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct answer deleted;

    (void)arg;
    world_init(&w);
    struct sk_sandbox *s = running_with_doors(&w);
    world_sweep(&w, sweep);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(20));
    sk_sweep_pause(sweep, true);
    world_advance(&w, SK_SEC(20));
    assert_int_equal(deleted.count, 1);
    assert_true(sk_state_is_final(sk_sandbox_record(s)->state));
    world_assert_clean(&w);
    for (int i = 0; i < 4; i++)
        (void)running_with_doors(&w); /* no port was lost */
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(death, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order),
        cmocka_unit_test(test_the_edge_is_not_asked_for_nothing),
        cmocka_unit_test(test_an_edge_that_resists),
        cmocka_unit_test(test_a_network_that_resists),
        cmocka_unit_test(test_litter),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
