/* Deadlines: exact, never early, whatever clocks and restarts do. */
#include "core/sandbox_impl.h"
#include "support/world.h"

#include <stdio.h>

static enum sk_state state_at(struct world *w, const char *id)
{
    struct sk_sandbox *s = sk_node_find(w->node, id);

    assert_non_null(s);
    return sk_sandbox_record(s)->state;
}

static const char *new_sandbox(struct world *w)
{
    static const char *const polite[] = {"sh", NULL};
    return sk_sandbox_record(world_running(w, polite))->id;
}

static void test_exact(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    const char *id = new_sandbox(&w);
    world_advance(&w, SK_NS(60 * INT64_C(1000000000) - 1));
    assert_int_equal(state_at(&w, id), SK_STATE_RUNNING);
    world_advance(&w, SK_NS(1));
    assert_int_equal(state_at(&w, id), SK_STATE_TERMINATED);
    const struct sk_record *record = sk_sandbox_record(sk_node_find(w.node, id));
    assert_memory_equal(record->state_reason, "its lifetime of 60 s ended (", 28);
    assert_true(record->has_exit_code);
    assert_int_equal(record->exit_code, 0); /* it was asked politely */
    assert_false(record->deleted);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_stubborn(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "trap:15", "sleep:infinity"));
    world_advance(&w, SK_SEC(69));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATING);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
    world_fini(&w);
}

static void test_wall_clock_jumps(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    const char *id = new_sandbox(&w);
    sk_vloop_jump_wall(w.loop, SK_SEC(7200));
    world_advance(&w, SK_SEC(30));
    assert_int_equal(state_at(&w, id), SK_STATE_RUNNING);
    sk_vloop_jump_wall(w.loop, SK_SEC(-36000));
    world_advance(&w, SK_SEC(29));
    assert_int_equal(state_at(&w, id), SK_STATE_RUNNING);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_at(&w, id), SK_STATE_TERMINATED);
    world_fini(&w);
}

static void test_restart(void **state)
{
    struct world w;
    char id[64];

    (void)state;
    world_init(&w);
    (void)snprintf(id, sizeof(id), "%s", new_sandbox(&w));
    world_advance(&w, SK_SEC(20));
    world_crash(&w);
    sk_vloop_jump_wall(w.loop, SK_SEC(7200)); /* the boot clock counts */
    world_advance(&w, SK_SEC(39));
    world_start(&w);
    assert_int_equal(state_at(&w, id), SK_STATE_RUNNING);
    world_advance(&w, SK_MSEC(999));
    assert_int_equal(state_at(&w, id), SK_STATE_RUNNING);
    world_advance(&w, SK_MSEC(1));
    assert_int_equal(state_at(&w, id), SK_STATE_TERMINATED);
    world_fini(&w);
}

static void test_ends_while_away(void **state)
{
    struct world w;
    char id[64];

    (void)state;
    world_init(&w);
    (void)snprintf(id, sizeof(id), "%s", new_sandbox(&w));
    world_crash(&w);
    world_advance(&w, SK_SEC(100));
    world_start(&w);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_at(&w, id), SK_STATE_TERMINATED);
    world_assert_clean(&w);
    world_fini(&w);
}

/* What people are shown is what is left, not a moment that the wall had once. */
static void test_shown_after_a_jump(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    const struct sk_sandbox *s = sk_node_find(w.node, new_sandbox(&w));
    world_advance(&w, SK_SEC(20));
    for (int years = -30; years <= 30; years += 30) {
        sk_vloop_jump_wall(w.loop, SK_SEC((int64_t)years * 365 * 86400));
        assert_true(sk_sandbox_deadline(s).ns - sk_loop_wall(w.loop).ns == SK_SEC(40).ns);
    }
    world_fini(&w);
}

/* After a reboot instants mean nothing: the wall clock tells what is left. */
static void test_instants_of_another_boot(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_instant then = {12345};
    struct sk_wall wall = {sk_loop_wall(w.loop).ns + 5};
    assert_int_equal(sk_node_instant(w.node, w.node->boot_id, then, wall).ns, 12345);
    assert_int_equal(sk_node_instant(w.node, "another-boot", then, wall).ns, sk_loop_now(w.loop).ns + 5);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_stubborn),
        cmocka_unit_test(test_wall_clock_jumps),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_ends_while_away),
        cmocka_unit_test(test_shown_after_a_jump),
        cmocka_unit_test(test_instants_of_another_boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
