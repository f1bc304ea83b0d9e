/* Use: the first one begins what waits for it, and without any for long enough a sandbox ends. */
#include "core/activity.h"

#include "core/file.h"
#include "core/log_stream.h"
#include "support/sessions.h"

#include <stdio.h>

static struct sk_record *lazy(struct world *w, const char *request_id)
{
    struct sk_record *record = world_record(w, request_id);

    record->start_on_first_use = true;
    return record;
}

static struct sk_sandbox *pending(struct world *w)
{
    struct answer created;

    world_create(w, lazy(w, "r"), &created);
    world_settle(w);
    assert_int_equal(created.count, 1);
    assert_int_equal(created.err.code, SK_OK);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_PENDING);
    return created.sandbox;
}

static struct sk_sandbox *idle_after(struct world *w, int32_t seconds, const char *const *argv)
{
    struct answer created;
    struct sk_record *record = world_record(w, "");

    record->idle_timeout_seconds = seconds;
    record->spec.max_lifetime_seconds = 36000;
    world_command(record, argv);
    world_create(w, record, &created);
    world_settle(w);
    assert_int_equal(created.err.code, SK_OK);
    return created.sandbox;
}

/* --- the first use --------------------------------------------------------- */

static void test_waits_for_use(void **state)
{
    struct world w;
    struct answer again;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = pending(&w);
    world_advance(&w, SK_SEC(86400));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_PENDING);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    world_create(&w, lazy(&w, "r"), &again); /* a retry is no use */
    world_settle(&w);
    assert_int_equal(again.count, 1);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_PENDING);
    run_start(&run, s, ARGV("echo", "hi"), false, true);
    world_settle(&w);
    assert_string_equal(run_out(&run), "hi\n");
    assert_int_equal(run.exits, 1);
    run_close(&run);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    /* Its life began with RUNNING. */
    world_advance(&w, SK_NS(SK_SEC(60).ns - 1));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    world_advance(&w, SK_SEC(20));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_many_first_uses(void **state)
{
    struct world w;
    struct run runs[20];
    struct answer wrote;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = pending(&w);
    for (size_t i = 0; i < sk_array_len(runs); i++)
        run_start(&runs[i], s, ARGV("echo", "hi"), false, true);
    struct sk_file_write write = {.path = "/tmp/x", .data = (const uint8_t *)"abc", .len = 3};
    answer_init(&wrote);
    sk_file_write(s, &write, &wrote.done);
    world_settle(&w);
    assert_int_equal(wrote.count, 1);
    for (size_t i = 0; i < sk_array_len(runs); i++) {
        assert_int_equal(runs[i].exits, 1);
        run_close(&runs[i]);
    }
    assert_int_equal(s->users, 0);
    world_fini(&w);
}

static void test_first_use_by_file(void **state)
{
    struct world w;
    struct answer wrote;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = pending(&w);
    struct sk_file_write write = {.path = "/tmp/x", .data = (const uint8_t *)"abc", .len = 3};
    answer_init(&wrote);
    sk_file_write(s, &write, &wrote.done);
    world_settle(&w);
    assert_int_equal(wrote.err.code, SK_OK);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

static void ignore_chunk(void *arg, const struct sk_log_chunk *chunk)
{
    (void)arg;
    (void)chunk;
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static void ignore_break(void *arg, const char *code, const char *text)
{
    (void)arg;
    (void)code;
    (void)text;
}

static void ignore_error(void *arg, const struct sk_err *err)
{
    (void)arg;
    (void)err;
}

static const struct sk_log_events log_events = {ignore_chunk, count, ignore_break, ignore_error};

static void test_first_use_by_log(void **state)
{
    struct world w;
    int ends = 0;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = pending(&w);
    struct sk_log_stream *log = sk_log_open(s, &(struct sk_log_ask){.follow = true}, &log_events, &ends);
    sk_log_want(log);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    assert_int_equal(s->users, 1);
    sk_log_close(log);
    assert_int_equal(s->users, 0);
    world_settle(&w);
    world_fini(&w);
}

static void test_delete_pending(void **state)
{
    struct world w;
    struct answer deleted;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = pending(&w);
    int64_t began = sk_loop_now(w.loop).ns;
    world_delete(&w, s, SK_SEC(60), &deleted);
    world_settle(&w);
    assert_int_equal(deleted.count, 1);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
    assert_int_equal(sk_loop_now(w.loop).ns, began);
    assert_int_equal(sk_sandbox_record(s)->kill_at.ns, began); /* nobody there to be asked politely */
    run_start(&run, s, ARGV("true"), false, true);
    world_settle(&w);
    assert_int_equal(run.error.code, SK_FAILED_PRECONDITION);
    run_close(&run);
    world_assert_clean(&w);
    world_fini(&w);
}

/* A delete in the n-th turn after the first use. */
static void test_delete_at_first_use(void **state)
{
    (void)state;
    for (int turns = 0; turns < 50; turns++) {
        struct world w;
        struct answer deleted;
        struct run run;
        world_init(&w);
        struct sk_sandbox *s = pending(&w);
        run_start(&run, s, ARGV("sleep", "infinity"), false, true);
        for (int i = 0; i < turns; i++)
            (void)sk_vloop_turn(w.loop);
        world_delete(&w, s, SK_NS(0), &deleted);
        world_advance(&w, SK_SEC(1));
        assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
        assert_int_equal(run.errors + run.exits, 1);
        run_close(&run);
        assert_int_equal(s->users, 0);
        world_assert_clean(&w);
        world_fini(&w);
    }
}

/* The daemon dies in the n-th turn after the first use: the sandbox waits on, or is made by the next one. */
static void test_crash_at_first_use(void **state)
{
    (void)state;
    for (int turns = 0; turns < 50; turns++) {
        struct world w;
        struct run run;
        char id[SK_ID_MAX + 1];
        world_init(&w);
        struct sk_sandbox *s = pending(&w);
        copy_id(id, s);
        run_start(&run, s, ARGV("true"), false, true);
        for (int i = 0; i < turns; i++)
            (void)sk_vloop_turn(w.loop);
        run_close(&run);
        world_crash(&w);
        int stored = world_stored_state(&w, id);
        world_start(&w);
        world_advance(&w, SK_SEC(1));
        if (stored == SK_STATE_PENDING) {
            assert_int_equal(state_of(&w, id), SK_STATE_PENDING);
            assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
        } else {
            assert_int_equal(state_of(&w, id), SK_STATE_RUNNING);
        }
        run_start(&run, sk_node_find(w.node, id), ARGV("echo", "hi"), false, true);
        world_advance(&w, SK_SEC(1));
        assert_string_equal(run_out(&run), "hi\n");
        run_close(&run);
        world_fini(&w);
    }
}

static int refuse_puts(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "store.put") == 0 ? 1 : 0;
}

static void test_first_use_on_a_full_disk(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = pending(&w);
    world_hook(&w, refuse_puts, NULL);
    run_start(&run, s, ARGV("true"), false, true);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_FAILED);
    assert_int_equal(run.errors, 1);
    run_close(&run);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_pending_in_session(void **state)
{
    struct world w;
    struct answer created, closed;
    char id[SK_ID_MAX + 1], box[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    struct sk_record *record = session_sandbox(&w, id, "");
    record->start_on_first_use = true;
    world_create(&w, record, &created);
    world_settle(&w);
    copy_id(box, created.sandbox);
    assert_int_equal(session_counts(&w, id).live, 1);
    world_crash(&w);
    world_start(&w);
    assert_int_equal(state_of(&w, box), SK_STATE_PENDING);
    assert_int_equal(session_counts(&w, id).live, 1);
    session_close(&w, id, SK_SEC(100), true, &closed);
    world_settle(&w);
    assert_int_equal(closed.count, 1);
    assert_int_equal(state_of(&w, box), SK_STATE_TERMINATED);
    world_fini(&w);
}

/* --- idle ------------------------------------------------------------------ */

static void test_idle(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = idle_after(&w, 7, ARGV("sh"));
    sk_vloop_jump_wall(w.loop, SK_SEC(3600));
    world_advance(&w, SK_NS(SK_SEC(7).ns - 1));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    world_advance(&w, SK_NS(1));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
    assert_memory_equal(sk_sandbox_record(s)->state_reason, "it was idle for 7 s (", 21);
    assert_int_equal(sk_sandbox_record(s)->exit_code, 0);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_use_keeps_it(void **state)
{
    struct world w;
    struct run run, other;
    int ends = 0;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = idle_after(&w, 5, ARGV("sh"));
    world_advance(&w, SK_SEC(4));
    run_start(&run, s, ARGV("sleep", "infinity"), false, true);
    world_advance(&w, SK_SEC(100));
    run_start(&other, s, ARGV("true"), false, true);
    world_settle(&w);
    run_close(&other); /* one user of two has gone */
    world_advance(&w, SK_SEC(100));
    run_close(&run);
    world_advance(&w, SK_SEC(4));
    struct sk_log_stream *log = sk_log_open(s, &(struct sk_log_ask){.follow = true}, &log_events, &ends);
    sk_log_want(log);
    world_advance(&w, SK_SEC(100));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    sk_log_close(log);
    world_advance(&w, SK_NS(SK_SEC(5).ns - 1));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
    world_fini(&w);
}

static void test_never_idle(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = idle_after(&w, 0, ARGV("sh"));
    world_advance(&w, SK_SEC(35999));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

/* After a restart the time begins anew. */
static void test_idle_after_restart(void **state)
{
    struct world w;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    copy_id(id, idle_after(&w, 5, ARGV("sh")));
    world_advance(&w, SK_SEC(4));
    world_crash(&w);
    world_advance(&w, SK_SEC(100));
    world_start(&w);
    world_advance(&w, SK_SEC(4));
    assert_int_equal(state_of(&w, id), SK_STATE_RUNNING);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(&w, id), SK_STATE_TERMINATED);
    world_fini(&w);
}

static int slow_put(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "store.put") == 0 ? 3 : 0;
}

/* While a slow disk holds up the stop, nobody becomes idle and nothing begins. */
static void test_slow_stop(void **state)
{
    struct world w;
    struct run run, late;
    struct answer stopped, deleted;
    char id[SK_ID_MAX + 1], lazy_id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    copy_id(id, idle_after(&w, 1, ARGV("sh")));
    copy_id(lazy_id, pending(&w));
    run_start(&run, sk_node_find(w.node, id), ARGV("sleep", "infinity"), false, true);
    struct sk_sandbox *other = world_running(&w, NULL);
    world_hook(&w, slow_put, NULL);
    world_delete(&w, other, SK_NS(0), &deleted);
    world_settle(&w);
    answer_init(&stopped);
    sk_node_stop(w.node, &stopped.done);
    world_settle(&w);
    run_close(&run);
    run_start(&late, sk_node_find(w.node, lazy_id), ARGV("true"), false, true);
    world_advance(&w, SK_SEC(4));
    assert_int_equal(stopped.count, 0);
    assert_int_equal(late.error.code, SK_UNAVAILABLE);
    run_close(&late);
    world_advance(&w, SK_SEC(9));
    assert_int_equal(stopped.count, 1);
    assert_int_equal(world_stored_state(&w, id), SK_STATE_RUNNING);
    assert_int_equal(world_stored_state(&w, lazy_id), SK_STATE_PENDING);
    world_hook(&w, NULL, NULL);
    sk_node_free(sk_take(w.node));
    world_start(&w);
    world_fini(&w);
}

/* A user that lets go after the daemon has stopped starts no timer. */
static void test_use_over_a_stop(void **state)
{
    struct world w;
    struct run run;
    struct answer stopped;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = idle_after(&w, 5, ARGV("sh"));
    run_start(&run, s, ARGV("sleep", "infinity"), false, true);
    world_settle(&w);
    answer_init(&stopped);
    sk_node_stop(w.node, &stopped.done);
    world_settle(&w);
    run_close(&run);
    world_settle(&w);
    assert_int_equal(stopped.count, 1);
    sk_node_free(sk_take(w.node));
    world_start(&w);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_for_use),      cmocka_unit_test(test_many_first_uses),
        cmocka_unit_test(test_first_use_by_file),  cmocka_unit_test(test_first_use_by_log),
        cmocka_unit_test(test_delete_pending),     cmocka_unit_test(test_delete_at_first_use),
        cmocka_unit_test(test_crash_at_first_use), cmocka_unit_test(test_first_use_on_a_full_disk),
        cmocka_unit_test(test_pending_in_session), cmocka_unit_test(test_idle),
        cmocka_unit_test(test_use_keeps_it),       cmocka_unit_test(test_never_idle),
        cmocka_unit_test(test_idle_after_restart), cmocka_unit_test(test_use_over_a_stop),
        cmocka_unit_test(test_slow_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
