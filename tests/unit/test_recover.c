/* After a restart: adoption, ends while away, crashes between any two steps. */
#include "core/sandbox_impl.h"
#include "support/world.h"

#include <stdio.h>

struct id {
    char text[64];
};

static struct id id_of(const struct sk_sandbox *s)
{
    struct id id;

    (void)snprintf(id.text, sizeof(id.text), "%s", sk_sandbox_record(s)->id);
    return id;
}

static struct sk_sandbox *find(struct world *w, struct id id)
{
    struct sk_sandbox *s = sk_node_find(w->node, id.text);

    assert_non_null(s);
    return s;
}

static enum sk_state state_of(struct world *w, struct id id)
{
    return sk_sandbox_record(find(w, id))->state;
}

static void test_adopts(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, NULL));
    world_crash(&w);
    assert_int_equal(sk_fake_agent_alive(w.agent, id.text), 1);
    world_start(&w);
    assert_int_equal(state_of(&w, id), SK_STATE_RUNNING);
    run_start(&run, find(&w, id), ARGV("env"), false, true);
    world_settle(&w);
    assert_int_equal(run.exits, 1);
    assert_non_null(strstr(run_out(&run), "GREETING=hello"));
    run_close(&run);
    sk_fake_agent_main_exits(w.agent, id.text, 9);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(&w, id), SK_STATE_COMPLETED);
    assert_int_equal(sk_sandbox_record(find(&w, id))->exit_code, 9);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_stop_in_good_order(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, NULL));
    world_stop(&w);
    assert_int_equal(sk_fake_agent_alive(w.agent, id.text), 1);
    world_start(&w);
    world_settle(&w);
    assert_int_equal(state_of(&w, id), SK_STATE_RUNNING);
    world_fini(&w);
}

/* An exec waits for the guest to come back; Get shows RUNNING meanwhile. */
static void test_exec_waits(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, NULL));
    world_crash(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_start(&w);
    assert_int_equal(state_of(&w, id), SK_STATE_RUNNING);
    run_start(&run, find(&w, id), ARGV("true"), false, true);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(run.started + run.errors, 0);
    sk_fake_agent_deaf(w.agent, false);
    world_settle(&w);
    assert_int_equal(run.exits, 1);
    run_close(&run);
    world_fini(&w);
}

static void test_guest_never_comes(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, NULL));
    world_crash(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_start(&w);
    world_advance(&w, SK_SEC(11));
    assert_int_equal(state_of(&w, id), SK_STATE_FAILED);
    assert_non_null(strstr(sk_sandbox_record(find(&w, id))->state_reason, "did not come back"));
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_main_ended_while_away(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, ARGV("play", "sleep:5", "fill:300000", "exit:3")));
    world_crash(&w);
    world_advance(&w, SK_SEC(10)); /* it fills its pipe and waits */
    assert_int_equal(sk_fake_agent_alive(w.agent, id.text), 1);
    world_start(&w);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(&w, id), SK_STATE_COMPLETED);
    assert_int_equal(sk_sandbox_record(find(&w, id))->exit_code, 3);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_task_ended_while_away(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct id stopped = id_of(world_running(&w, NULL)), gone = id_of(world_running(&w, NULL));
    world_crash(&w);
    sk_fake_runtime_init_dies(w.runtime, stopped.text, 137, false);
    sk_fake_runtime_vanish(w.runtime, gone.text);
    world_settle(&w);
    world_start(&w);
    world_settle(&w);
    assert_int_equal(state_of(&w, stopped), SK_STATE_FAILED);
    assert_int_equal(state_of(&w, gone), SK_STATE_FAILED);
    assert_string_equal(sk_sandbox_record(find(&w, gone))->state_reason,
                        "the sandbox's task ended while the daemon was away");
    world_assert_clean(&w);
    world_fini(&w);
}

/* Streams are gone with the daemon that had them; processes run on, unblocked, until they end. */
static void test_orphan_execs(void **state)
{
    struct world w;
    struct run run, next;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, NULL));
    run_start(&run, find(&w, id), ARGV("play", "sleep:1", "fill:500000", "sleep:5"), false, true);
    world_settle(&w);
    world_hook(&w, NULL, NULL);
    struct sk_fake_calls *calls = sk_fake_agent_calls(w.agent);
    calls->hook = sk_sweep_hook; /* the kill of the closing stream is lost with the daemon */
    struct sk_sweep dead = {.flavour = SK_SWEEP_FAIL_BEFORE, .target = 0, .target_name = "agent.signal"};
    calls->arg = &dead;
    run_close(&run);
    world_crash(&w);
    assert_int_equal(sk_fake_agent_alive(w.agent, id.text), 2);
    world_start(&w);
    world_advance(&w, SK_SEC(2));
    assert_int_equal(sk_fake_agent_alive(w.agent, id.text), 2);
    run_start(&next, find(&w, id), ARGV("true"), false, true); /* with a key of its own */
    world_settle(&w);
    assert_int_equal(next.exits, 1);
    run_close(&next);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(sk_fake_agent_alive(w.agent, id.text), 1);
    assert_int_equal(sk_fake_agent_remembered(w.agent, id.text), 1);
    assert_true(sk_list_is_empty(&find(&w, id)->execs));
    world_fini(&w);
}

static void test_terminating_goes_on(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "trap:15", "sleep:infinity"));
    struct id id = id_of(s);
    world_delete(&w, s, SK_SEC(20), &deleted);
    world_advance(&w, SK_SEC(5));
    world_crash(&w);
    world_advance(&w, SK_SEC(5));
    world_start(&w);
    assert_int_equal(state_of(&w, id), SK_STATE_TERMINATING);
    world_advance(&w, SK_MSEC(9999));
    assert_int_equal(state_of(&w, id), SK_STATE_TERMINATING);
    world_advance(&w, SK_MSEC(1));
    assert_int_equal(state_of(&w, id), SK_STATE_TERMINATED);
    assert_int_equal(sk_sandbox_record(find(&w, id))->exit_code, 137);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_delete_while_adopting(void **state)
{
    struct world w;
    struct answer now, later;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, NULL)), polite = id_of(world_running(&w, ARGV("sh")));
    world_crash(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_start(&w);
    world_delete(&w, find(&w, id), SK_NS(0), &now);
    world_delete(&w, find(&w, polite), SK_SEC(30), &later);
    world_settle(&w);
    assert_int_equal(now.err.code, SK_OK);
    assert_int_equal(state_of(&w, id), SK_STATE_TERMINATED);
    assert_int_equal(state_of(&w, polite), SK_STATE_TERMINATING);
    world_advance(&w, SK_SEC(5));
    sk_fake_agent_deaf(w.agent, false); /* the guest is back in time for a signal */
    world_settle(&w);
    assert_int_equal(state_of(&w, polite), SK_STATE_TERMINATED);
    assert_int_equal(sk_sandbox_record(find(&w, polite))->exit_code, 0);
    assert_true(sk_sandbox_record(find(&w, polite))->has_exit_code);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    assert_int_equal(sk_fake_agent_held(w.agent), 0);
    world_fini(&w);
}

/* The end is stamped before the guest is given up: what is left goes all the same. */
static void test_short_grace_while_adopting(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, NULL));
    world_crash(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_start(&w);
    world_delete(&w, find(&w, id), SK_SEC(1), &deleted);
    world_advance(&w, SK_SEC(6));
    assert_int_equal(state_of(&w, id), SK_STATE_TERMINATED);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    assert_int_equal(sk_fake_agent_held(w.agent), 0);
    world_fini(&w);
}

static void test_creating_is_made_anew(void **state)
{
    struct world w;
    struct answer created, again;

    (void)state;
    world_init(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, "req"), &created);
    world_advance(&w, SK_SEC(1));
    struct id id = id_of(created.sandbox);
    world_crash(&w);
    assert_true(sk_fake_runtime_held(w.runtime) > 0);
    sk_fake_agent_deaf(w.agent, false);
    world_start(&w);
    world_create(&w, world_record(&w, "req"), &again);
    world_settle(&w);
    assert_string_equal(sk_sandbox_record(again.sandbox)->id, id.text);
    assert_int_equal(state_of(&w, id), SK_STATE_RUNNING);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 3);
    world_fini(&w);
}

static void test_final_stays_final(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, NULL));
    world_delete(&w, find(&w, id), SK_NS(0), &deleted);
    world_settle(&w);
    world_crash(&w);
    world_start(&w);
    world_settle(&w);
    assert_int_equal(state_of(&w, id), SK_STATE_TERMINATED);
    world_delete(&w, find(&w, id), SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(deleted.err.code, SK_NOT_FOUND);
    world_fini(&w);
}

static void test_bad_records(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, NULL));
    world_stop(&w);
    sk_store_put(w.store, "sandbox", "broken", "\xff\xff\xff", 3, NULL);
    world_settle(&w);
    world_start(&w);
    world_settle(&w);
    assert_null(sk_node_find(w.node, "broken"));
    assert_int_equal(state_of(&w, id), SK_STATE_RUNNING);
    assert_int_equal(sk_memstore_count(w.store), 2);
    world_fini(&w);
}

static int list_fails(void *arg, const char *call)
{
    int *left = arg;
    return strcmp(call, "runtime.list") == 0 && (*left)-- > 0 ? SK_FAKE_FAIL : SK_FAKE_OK;
}

/* Without the runtime's list nothing is decided; it is asked until it answers. */
static void test_runtime_comes_late(void **state)
{
    struct world w;
    int left = 5;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, NULL));
    world_crash(&w);
    world_hook(&w, list_fails, &left);
    world_start(&w);
    world_settle(&w);
    assert_true(left <= 0);
    assert_int_equal(state_of(&w, id), SK_STATE_RUNNING);
    world_fini(&w);
}

static void test_stop_while_recovering(void **state)
{
    struct world w;
    struct answer recovered, stopped;
    int left = 1000;

    (void)state;
    world_init(&w);
    (void)world_running(&w, NULL);
    world_crash(&w);
    world_hook(&w, list_fails, &left);
    world_new_node(&w);
    answer_init(&recovered);
    sk_node_recover(w.node, &recovered.done);
    world_advance(&w, SK_SEC(3));
    answer_init(&stopped);
    sk_node_stop(w.node, &stopped.done);
    world_settle(&w);
    assert_int_equal(recovered.count, 1);
    assert_int_equal(recovered.err.code, SK_CANCELLED);
    assert_int_equal(stopped.count, 1);
    sk_node_free(sk_take(w.node));
    world_fini(&w);
}

/* --- a crash between any two steps ----------------------------------------------------- */

/* From the n-th call on nothing has an effect, as if the daemon had been killed there. */
struct fuse {
    int left;
    bool blown;
};

static int fuse_hook(void *arg, const char *call)
{
    struct fuse *fuse = arg;

    (void)call;
    if (fuse->left-- <= 0)
        fuse->blown = true;
    return fuse->blown ? SK_FAKE_HANG : SK_FAKE_OK;
}

/* HANG keeps the daemon from seeing errors it would have stored; the store must not take anything in either.
 */
static int fuse_store(void *arg, const char *call)
{
    return fuse_hook(arg, call) == SK_FAKE_OK ? 0 : 1;
}

static struct sk_record *with_doors(struct world *w)
{
    struct sk_record *record = world_record(w, "req");

    world_add_doors(record);
    return record;
}

static bool crash_in_life(int calls)
{
    struct world w;
    struct fuse fuse = {.left = calls};
    struct answer created, deleted = {0}, again;
    struct run run = {0};

    world_init(&w);
    world_hook(&w, fuse_hook, &fuse);
    sk_memstore_hook(w.store, fuse_store, &fuse);
    world_create(&w, with_doors(&w), &created);
    world_settle(&w);
    bool answered = created.count == 1 && created.err.code == SK_OK;
    struct id id = answered ? id_of(created.sandbox) : (struct id){{0}};
    if (answered && !fuse.blown)
        run_start(&run, created.sandbox, ARGV("play", "out:x", "exit:0"), false, true);
    world_settle(&w);
    bool asked = answered && !fuse.blown;
    if (asked)
        world_delete(&w, created.sandbox, SK_NS(0), &deleted);
    world_settle(&w);
    run_close(&run);
    bool promised = asked && deleted.count == 1 && deleted.err.code == SK_OK;
    bool whole = !fuse.blown;
    world_crash(&w);
    world_start(&w);
    world_advance(&w, SK_SEC(31));
    if (promised)
        assert_int_equal(state_of(&w, id), SK_STATE_TERMINATED);
    else if (answered)
        assert_true(state_of(&w, id) == SK_STATE_RUNNING || sk_state_is_final(state_of(&w, id)));
    world_create(&w, with_doors(&w), &again); /* what was answered once is answered the same */
    world_settle(&w);
    assert_int_equal(again.err.code, SK_OK);
    if (answered)
        assert_string_equal(sk_sandbox_record(again.sandbox)->id, id.text);
    world_delete(&w, again.sandbox, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(1));
    world_assert_clean(&w);
    world_fini(&w);
    return whole;
}

static void test_crash_anywhere(void **state)
{
    int calls = 0;

    (void)state;
    while (!crash_in_life(calls)) {
        calls++;
        assert_true(calls < 100);
    }
    assert_in_range(calls, 20, 45);
}

/* --- failures while recovering ------------------------------------------------------------ */

static void come_back(struct sk_sweep *sweep, void *arg)
{
    struct world w;

    (void)arg;
    world_init(&w);
    struct id running = id_of(world_running(&w, NULL)), ended = id_of(world_running(&w, NULL));
    struct answer created, deleted;
    world_delete(&w, find(&w, ended), SK_SEC(5), &deleted);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_SEC(1));
    struct id half = id_of(created.sandbox);
    world_crash(&w);
    sk_fake_agent_deaf(w.agent, false);
    world_sweep(&w, sweep);
    world_start(&w);
    world_advance(&w, SK_SEC(20));
    sk_sweep_pause(sweep, true);
    assert_int_equal(state_of(&w, ended), SK_STATE_TERMINATED);
    if (sk_sweep_is_clean(sweep)) {
        assert_int_equal(state_of(&w, running), SK_STATE_RUNNING);
        assert_int_equal(state_of(&w, half), SK_STATE_RUNNING);
    }
    world_advance(&w, SK_SEC(100)); /* all lives are over */
    assert_true(sk_state_is_final(state_of(&w, running)));
    assert_true(sk_state_is_final(state_of(&w, half)));
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(come_back, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adopts),
        cmocka_unit_test(test_stop_in_good_order),
        cmocka_unit_test(test_exec_waits),
        cmocka_unit_test(test_guest_never_comes),
        cmocka_unit_test(test_main_ended_while_away),
        cmocka_unit_test(test_task_ended_while_away),
        cmocka_unit_test(test_orphan_execs),
        cmocka_unit_test(test_terminating_goes_on),
        cmocka_unit_test(test_delete_while_adopting),
        cmocka_unit_test(test_short_grace_while_adopting),
        cmocka_unit_test(test_creating_is_made_anew),
        cmocka_unit_test(test_final_stays_final),
        cmocka_unit_test(test_bad_records),
        cmocka_unit_test(test_runtime_comes_late),
        cmocka_unit_test(test_stop_while_recovering),
        cmocka_unit_test(test_crash_anywhere),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
