/* The end of a sandbox: grace, repeats, every state, exits, things that resist. */
#include "core/sandbox_impl.h"
#include "support/world.h"

static enum sk_state state_of(const struct sk_sandbox *s)
{
    return sk_sandbox_record(s)->state;
}

static void assert_gone(struct world *w)
{
    assert_int_equal(sk_fake_runtime_held(w->runtime), 0);
    assert_int_equal(sk_fake_agent_held(w->agent), 0);
}

static void test_kill_now(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_delete(&w, s, SK_NS(0), &deleted);
    assert_int_equal(deleted.count, 0);
    world_settle(&w);
    assert_int_equal(deleted.count, 1);
    assert_int_equal(deleted.err.code, SK_OK);
    assert_int_equal(state_of(s), SK_STATE_TERMINATED);
    assert_true(sk_sandbox_record(s)->has_exit_code);
    assert_int_equal(sk_sandbox_record(s)->exit_code, 137);
    assert_string_equal(sk_sandbox_record(s)->state_reason, "deleted by request");
    assert_int_equal(world_stored_state(&w, sk_sandbox_record(s)->id), SK_STATE_TERMINATED);
    assert_gone(&w);
    world_fini(&w);
}

static void test_grace(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "trap:15:5", "sleep:infinity"));
    world_delete(&w, s, SK_SEC(10), &deleted);
    world_settle(&w);
    assert_int_equal(state_of(s), SK_STATE_TERMINATED); /* it went at the first signal */
    assert_int_equal(sk_sandbox_record(s)->exit_code, 5);
    assert_gone(&w);
    world_fini(&w);
}

/* A client that polls after the answer finds the end at once. */
static void test_answer_waits_for_the_end(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    w.config.delete_hold = SK_MSEC(250);
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "trap:15:5", "sleep:infinity"));
    world_delete(&w, s, SK_SEC(10), &deleted);
    while (deleted.count == 0 && sk_vloop_turn(w.loop))
        ;
    assert_int_equal(deleted.count, 1);
    assert_int_equal(state_of(s), SK_STATE_TERMINATED);
    world_fini(&w);
}

static void test_answer_waits_no_longer_than_the_hold(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    w.config.delete_hold = SK_MSEC(250);
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "trap:15", "sleep:infinity"));
    world_delete(&w, s, SK_SEC(10), &deleted);
    world_advance(&w, SK_MSEC(249));
    assert_int_equal(deleted.count, 0);
    world_advance(&w, SK_MSEC(1));
    assert_int_equal(deleted.count, 1);
    assert_int_equal(state_of(s), SK_STATE_TERMINATING);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(state_of(s), SK_STATE_TERMINATED);
    world_fini(&w);
}

static void test_grace_runs_out(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "trap:15", "sleep:infinity"));
    world_delete(&w, s, SK_SEC(10), &deleted);
    world_advance(&w, SK_MSEC(9999));
    assert_int_equal(deleted.count, 1);
    assert_int_equal(state_of(s), SK_STATE_TERMINATING);
    assert_int_equal(world_stored_state(&w, sk_sandbox_record(s)->id), SK_STATE_TERMINATING);
    world_advance(&w, SK_MSEC(1));
    assert_int_equal(state_of(s), SK_STATE_TERMINATED);
    assert_int_equal(sk_sandbox_record(s)->exit_code, 137);
    assert_gone(&w);
    world_fini(&w);
}

static void test_repeats(void **state)
{
    struct world w;
    struct answer first, longer, shorter, late;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "trap:15", "sleep:infinity"));
    world_delete(&w, s, SK_SEC(20), &first);
    world_delete(&w, s, SK_SEC(60), &longer);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(first.count + longer.count, 2);
    world_delete(&w, s, SK_SEC(2), &shorter); /* the earlier end wins */
    world_advance(&w, SK_MSEC(1999));
    assert_int_equal(shorter.err.code, SK_OK);
    assert_int_equal(state_of(s), SK_STATE_TERMINATING);
    world_advance(&w, SK_MSEC(1));
    assert_int_equal(state_of(s), SK_STATE_TERMINATED);
    world_delete(&w, s, SK_NS(0), &late);
    world_settle(&w);
    assert_int_equal(late.err.code, SK_NOT_FOUND);
    assert_string_equal(late.err.reason, "SANDBOX_NOT_FOUND");
    world_fini(&w);
}

static void test_grace_is_clamped(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_record *record = world_record(&w, "");
    struct answer created;
    record->spec.max_lifetime_seconds = 3600;
    world_command(record, ARGV("play", "trap:15", "sleep:infinity"));
    world_create(&w, record, &created);
    world_settle(&w);
    world_delete(&w, created.sandbox, SK_SEC(100000), &deleted);
    world_advance(&w, SK_SEC(300));
    assert_int_equal(state_of(created.sandbox), SK_STATE_TERMINATED);
    world_fini(&w);
}

static void test_ended_by_itself(void **state)
{
    struct world w;
    struct answer first, second;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    sk_fake_agent_main_exits(w.agent, sk_sandbox_record(s)->id, 0);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(s), SK_STATE_COMPLETED);
    assert_true(sk_sandbox_record(s)->has_exit_code);
    assert_gone(&w);
    world_delete(&w, s, SK_SEC(10), &first);
    world_settle(&w);
    assert_int_equal(first.err.code, SK_OK);
    assert_int_equal(state_of(s), SK_STATE_COMPLETED);
    world_delete(&w, s, SK_SEC(10), &second);
    world_settle(&w);
    assert_int_equal(second.err.code, SK_NOT_FOUND);
    world_fini(&w);
}

static void test_exit_and_delete_cross(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    sk_fake_agent_main_exits(w.agent, sk_sandbox_record(s)->id, 137); /* a verdict is pending */
    sk_vloop_turn(w.loop);
    sk_vloop_turn(w.loop);
    sk_vloop_turn(w.loop);
    assert_true(s->main.ended);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(state_of(s), SK_STATE_COMPLETED);
    assert_int_equal(sk_sandbox_record(s)->exit_code, 137);
    world_fini(&w);
}

static void test_out_of_memory(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *late = world_running(&w, NULL), *early = world_running(&w, NULL),
                      *other = world_running(&w, NULL);
    sk_fake_agent_main_exits(w.agent, sk_sandbox_record(late)->id, 137);
    world_advance(&w, SK_MSEC(50));
    assert_int_equal(state_of(late), SK_STATE_RUNNING);
    sk_fake_runtime_oom(w.runtime, sk_sandbox_record(late)->id);
    sk_fake_runtime_oom(w.runtime, sk_sandbox_record(early)->id);
    world_settle(&w);
    sk_fake_agent_main_exits(w.agent, sk_sandbox_record(early)->id, 137);
    sk_fake_agent_main_exits(w.agent, sk_sandbox_record(other)->id, 137);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(late), SK_STATE_FAILED);
    assert_string_equal(sk_sandbox_record(late)->state_reason,
                        "main process was killed: out of memory (limit 256 MiB)");
    assert_int_equal(state_of(early), SK_STATE_FAILED);
    assert_int_equal(state_of(other), SK_STATE_COMPLETED); /* somebody inside killed it */
    assert_int_equal(sk_sandbox_record(other)->exit_code, 137);
    assert_gone(&w);
    world_fini(&w);
}

/* The count is never behind the exit, so it decides when the event is late or lost. */
static void test_out_of_memory_by_the_count(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL), *killed = world_running(&w, NULL);
    sk_fake_runtime_count_oom(w.runtime, sk_sandbox_record(s)->id, 3);
    sk_fake_runtime_count_oom(w.runtime, sk_sandbox_record(killed)->id, 2);
    sk_fake_runtime_oom(w.runtime, sk_sandbox_record(killed)->id); /* a child of it, counted */
    world_advance(&w, SK_SEC(10));
    sk_fake_agent_main_exits(w.agent, sk_sandbox_record(s)->id, 137);
    sk_fake_agent_main_exits(w.agent, sk_sandbox_record(killed)->id, 137);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(s), SK_STATE_FAILED);
    assert_int_equal(state_of(killed), SK_STATE_COMPLETED);
    assert_gone(&w);
    world_fini(&w);
}

static void test_old_oom_is_forgotten(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    sk_fake_runtime_oom(w.runtime, sk_sandbox_record(s)->id); /* a child of it */
    world_advance(&w, SK_SEC(10));
    sk_fake_agent_main_exits(w.agent, sk_sandbox_record(s)->id, 137);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(s), SK_STATE_COMPLETED);
    world_fini(&w);
}

static void test_init_dies(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL), *t = world_running(&w, NULL);
    sk_fake_runtime_init_dies(w.runtime, sk_sandbox_record(s)->id, 139, false);
    sk_fake_agent_lose(w.agent, sk_sandbox_record(t)->id);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(s), SK_STATE_FAILED);
    assert_true(sk_sandbox_record(s)->state_reason[0]);
    assert_int_equal(state_of(t), SK_STATE_FAILED);
    assert_string_equal(sk_sandbox_record(t)->state_reason,
                        "the sandbox's guest was lost: the guest broke the protocol");
    assert_gone(&w);
    world_fini(&w);
}

static int hang_delete_task(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "runtime.delete_task") == 0 ? SK_FAKE_HANG : SK_FAKE_OK;
}

/* TERMINATING ends within seconds, whatever the runtime does; what is left goes when it can. */
static void test_runtime_hangs(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    sk_fake_runtime_calls(w.runtime)->limit = SK_SEC(600);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_hook(&w, hang_delete_task, NULL);
    world_delete(&w, s, SK_SEC(2), &deleted);
    world_advance(&w, SK_SEC(6));
    assert_int_equal(state_of(s), SK_STATE_TERMINATING);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(s), SK_STATE_TERMINATED);
    assert_true(sk_fake_runtime_held(w.runtime) > 0);
    world_advance(&w, SK_SEC(60));
    assert_int_equal(sk_gc_pending(&w.node->gc), 1);
    world_hook(&w, NULL, NULL);
    world_advance(&w, SK_SEC(60));
    assert_int_equal(sk_gc_pending(&w.node->gc), 0);
    assert_gone(&w);
    world_fini(&w);
}

/* --- sweeps ---------------------------------------------------------------------- */

static void death(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct answer deleted = {0};
    bool by_itself = arg != NULL;

    world_init(&w);
    world_sweep(&w, sweep);
    sk_sweep_pause(sweep, true);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "trap:15", "out:x", "sleep:infinity"));
    sk_sweep_pause(sweep, false);
    if (by_itself)
        sk_fake_agent_main_exits(w.agent, sk_sandbox_record(s)->id, 4);
    else
        world_delete(&w, s, SK_SEC(1), &deleted);
    world_advance(&w, SK_SEC(7));
    sk_sweep_pause(sweep, true);
    if (sweep->flavour != SK_SWEEP_HANG || strcmp(sweep->target_name, "store.put") != 0)
        assert_true(sk_state_is_final(state_of(s)));
    world_advance(&w, SK_SEC(35));
    assert_int_equal(deleted.count, by_itself ? 0 : 1);
    assert_int_equal(state_of(s), by_itself ? SK_STATE_COMPLETED : SK_STATE_TERMINATED);
    assert_int_equal(world_stored_state(&w, sk_sandbox_record(s)->id), state_of(s));
    world_assert_clean(&w);
    assert_int_equal(sk_gc_pending(&w.node->gc), 0);
    world_fini(&w);
}

static void test_sweep_delete(void **state)
{
    (void)state;
    sk_sweep_run(death, NULL);
}

static void test_sweep_exit(void **state)
{
    static int by_itself;

    (void)state;
    sk_sweep_run(death, &by_itself);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_now),
        cmocka_unit_test(test_grace),
        cmocka_unit_test(test_answer_waits_for_the_end),
        cmocka_unit_test(test_answer_waits_no_longer_than_the_hold),
        cmocka_unit_test(test_grace_runs_out),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_grace_is_clamped),
        cmocka_unit_test(test_ended_by_itself),
        cmocka_unit_test(test_exit_and_delete_cross),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_out_of_memory_by_the_count),
        cmocka_unit_test(test_old_oom_is_forgotten),
        cmocka_unit_test(test_init_dies),
        cmocka_unit_test(test_runtime_hangs),
        cmocka_unit_test(test_sweep_delete),
        cmocka_unit_test(test_sweep_exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
