/* What nobody owns, what has vanished, what is past its time. */
#include "core/sandbox_impl.h"
#include "support/world.h"

#include <stdio.h>

static void hold_something(struct world *w, const char *id)
{
    struct sk_runtime *rt = sk_fake_runtime_base(w->runtime);
    struct sk_box box = {.id = id, .snapshot_parent = "p"};
    struct answer done;
    int pid;

    answer_init(&done);
    rt->ops->prepare_rootfs(rt, &box, &done.done);
    world_settle(w);
    answer_init(&done);
    rt->ops->create_container(rt, &box, &done.done);
    world_settle(w);
    answer_init(&done);
    rt->ops->create_task(rt, &box, &pid, &done.done);
    world_settle(w);
    assert_int_equal(done.err.code, SK_OK);
}

static void test_unknown_ids(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    hold_something(&w, sk_id_make("n1").text);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 3);
    world_advance(&w, SK_SEC(31)); /* seen once: a create may be in flight */
    assert_int_equal(sk_fake_runtime_held(w.runtime), 3);
    world_advance(&w, SK_SEC(30));
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    assert_int_equal(sk_fake_agent_held(w.agent), 0);
    world_fini(&w);
}

static int resist(void *arg, const char *call)
{
    int *tries = arg;

    if (strcmp(call, "runtime.delete_task") != 0)
        return SK_FAKE_OK;
    (*tries)++;
    return SK_FAKE_FAIL;
}

static void test_resistance(void **state)
{
    struct world w;
    int tries = 0;

    (void)state;
    world_init(&w);
    hold_something(&w, sk_id_make("n1").text);
    world_hook(&w, resist, &tries);
    world_advance(&w, SK_SEC(3600));
    assert_in_range(tries, 10, 25); /* pauses grow to five minutes */
    assert_int_equal(sk_gc_pending(&w.node->gc), 1);
    world_hook(&w, NULL, NULL);
    world_advance(&w, SK_SEC(330));
    assert_int_equal(sk_gc_pending(&w.node->gc), 0);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    world_fini(&w);
}

static void test_task_vanished(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *quiet = world_running(&w, NULL), *gone = world_running(&w, NULL),
                      *fine = world_running(&w, NULL);
    world_advance(&w, SK_SEC(1));
    sk_fake_agent_deaf(w.agent, true);
    sk_fake_runtime_init_dies(w.runtime, sk_sandbox_record(quiet)->id, 137, true);
    sk_fake_runtime_vanish(w.runtime, sk_sandbox_record(gone)->id);
    sk_fake_runtime_resync(w.runtime);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(sk_sandbox_record(quiet)->state, SK_STATE_FAILED);
    assert_int_equal(sk_sandbox_record(gone)->state, SK_STATE_FAILED);
    assert_int_equal(sk_sandbox_record(fine)->state, SK_STATE_RUNNING);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 3);
    world_fini(&w);
}

/* What others keep in our namespace, another node of ours among them, is theirs. */
static void test_foreign_ids(void **state)
{
    struct world w;
    const char *const foreign[] = {"stranger", sk_id_make("n2").text, sk_id_make("n12").text, "n1",
                                   "n1-short"};

    (void)state;
    world_init(&w);
    for (size_t i = 0; i < sk_array_len(foreign); i++)
        hold_something(&w, foreign[i]);
    world_advance(&w, SK_SEC(3600));
    assert_int_equal(sk_fake_runtime_held(w.runtime), 3 * sk_array_len(foreign));
    assert_int_equal(w.node->gc.removed, 0);
    world_fini(&w);
}

/* The task lives, but not what it stands on. */
static void test_what_is_below_is_gone(void **state)
{
    (void)state;
    for (int rootfs = 0; rootfs < 2; rootfs++) {
        struct world w;
        world_init(&w);
        struct sk_sandbox *s = world_running(&w, NULL);
        world_advance(&w, SK_SEC(1));
        sk_fake_runtime_undermine(w.runtime, sk_sandbox_record(s)->id, rootfs);
        world_advance(&w, SK_SEC(31));
        assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_FAILED);
        assert_non_null(strstr(sk_sandbox_record(s)->state_reason, "removed by somebody else"));
        world_assert_clean(&w);
        world_fini(&w);
    }
}

/* Looking often, while sandboxes come and go, must never hurt one. */
static void test_looks_do_no_harm(void **state)
{
    struct world w;
    struct answer created[20];

    (void)state;
    world_init(&w);
    sk_fake_runtime_calls(w.runtime)->latency = SK_MSEC(7);
    for (size_t i = 0; i < sk_array_len(created); i++) {
        world_create(&w, world_record(&w, ""), &created[i]);
        sk_gc_look(&w.node->gc);
        world_advance(&w, SK_MSEC(3));
    }
    for (int i = 0; i < 50; i++) {
        sk_gc_look(&w.node->gc);
        world_advance(&w, SK_MSEC(3));
    }
    for (size_t i = 0; i < sk_array_len(created); i++)
        assert_int_equal(sk_sandbox_record(created[i].sandbox)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

static void test_retention(void **state)
{
    struct world w;
    struct answer deleted;
    char id[64];

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    (void)snprintf(id, sizeof(id), "%s", sk_sandbox_record(s)->id);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(24 * 3600 - 60));
    assert_non_null(sk_node_find(w.node, id));
    world_advance(&w, SK_SEC(180));
    assert_null(sk_node_find(w.node, id));
    assert_int_equal(sk_memstore_count(w.store), 0);
    world_fini(&w);
}

static int no_list(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "runtime.list") == 0 ? SK_FAKE_FAIL : SK_FAKE_OK;
}

static int no_put(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "store.put") == 0 ? SK_FAKE_FAIL : SK_FAKE_OK;
}

/* A record whose end could not be stored yet is not forgotten: the put that is due would bring it back. */
static void test_retention_of_the_unsaved(void **state)
{
    struct world w;
    char id[64];

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    (void)snprintf(id, sizeof(id), "%s", sk_sandbox_record(s)->id);
    sk_memstore_hook(w.store, no_put, NULL);
    sk_fake_runtime_vanish(w.runtime, id);
    world_advance(&w, SK_SEC(25 * 3600));
    assert_non_null(sk_node_find(w.node, id));
    sk_memstore_hook(w.store, NULL, NULL);
    world_advance(&w, SK_SEC(90));
    assert_null(sk_node_find(w.node, id));
    assert_int_equal(sk_memstore_count(w.store), 0);
    world_fini(&w);
}

static void test_list_fails(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_hook(&w, no_list, NULL);
    world_advance(&w, SK_SEC(40));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    world_hook(&w, NULL, NULL);
    sk_fake_runtime_vanish(w.runtime, sk_sandbox_record(s)->id);
    world_advance(&w, SK_SEC(6));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_FAILED);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_ids),
        cmocka_unit_test(test_resistance),
        cmocka_unit_test(test_task_vanished),
        cmocka_unit_test(test_looks_do_no_harm),
        cmocka_unit_test(test_retention),
        cmocka_unit_test(test_retention_of_the_unsaved),
        cmocka_unit_test(test_list_fails),
        cmocka_unit_test(test_foreign_ids),
        cmocka_unit_test(test_what_is_below_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
