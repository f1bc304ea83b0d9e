/* The end of a session: all sandboxes at once, durable before it is carried out, whatever comes in between.
 */
#include "core/session_impl.h"
#include "support/sessions.h"

#include <stdio.h>

#define STUBBORN ARGV("play", "trap:15", "sleep:infinity")

static void test_close(void **state)
{
    struct world w;
    struct answer closed, waited;
    char id[SK_ID_MAX + 1], polite[SK_ID_MAX + 1], stubborn[SK_ID_MAX + 1], expected[160];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    copy_id(polite, session_running(&w, id, ARGV("sh")));
    copy_id(stubborn, session_running(&w, id, STUBBORN));
    struct sk_sandbox *other = world_running(&w, NULL);
    session_close(&w, id, SK_SEC(20), false, &closed);
    session_close(&w, id, SK_SEC(20), true, &waited);
    world_settle(&w);
    assert_int_equal(closed.count, 1);
    assert_int_equal(waited.count, 0);
    assert_int_equal(session_stored(&w, id), SK_SESSION_CLOSING);
    assert_int_equal(session_counts(&w, id).expires.ns, 0);
    assert_int_equal(state_of(&w, polite), SK_STATE_TERMINATED);
    assert_int_equal(state_of(&w, stubborn), SK_STATE_TERMINATING);
    assert_int_equal(session_counts(&w, id).live, 1);
    assert_int_equal(session_counts(&w, id).created, 2);
    world_advance(&w, SK_SEC(20));
    assert_int_equal(waited.count, 1);
    assert_int_equal(waited.err.code, SK_OK);
    assert_int_equal(session_stored(&w, id), SK_SESSION_CLOSED);
    assert_int_not_equal(sk_session_record(session_of(&w, id))->closed.ns, 0);
    assert_string_equal(sk_session_record(session_of(&w, id))->state_reason, "closed by request");
    (void)snprintf(expected, sizeof(expected), "session %s was closed", id);
    assert_string_equal(reason_of(&w, stubborn), expected);
    assert_int_equal(state_of(&w, stubborn), SK_STATE_TERMINATED);
    assert_int_equal(sk_sandbox_record(other)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

static void test_empty(void **state)
{
    struct world w;
    struct answer closed, again;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    size_t puts = sk_memstore_puts(w.store);
    session_close(&w, id, SK_SEC(20), false, &closed);
    world_settle(&w);
    assert_int_equal(closed.err.code, SK_OK);
    assert_int_equal(session_stored(&w, id), SK_SESSION_CLOSED);
    assert_int_equal(sk_memstore_puts(w.store), puts + 1);
    session_close(&w, id, SK_SEC(20), true, &again);
    world_settle(&w);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.err.code, SK_OK);
    assert_int_equal(sk_memstore_puts(w.store), puts + 1);
    world_fini(&w);
}

static void test_earlier_kill_wins(void **state)
{
    struct world w;
    struct answer a, b, c;
    char id[SK_ID_MAX + 1], box[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    copy_id(box, session_running(&w, id, STUBBORN));
    session_close(&w, id, SK_SEC(100), false, &a);
    world_advance(&w, SK_SEC(10));
    struct sk_instant kill_at = sk_session_record(session_of(&w, id))->kill_at;
    session_close(&w, id, SK_SEC(200), false, &b); /* later: stands back */
    world_advance(&w, SK_SEC(10));
    assert_int_equal(sk_session_record(session_of(&w, id))->kill_at.ns, kill_at.ns);
    session_close(&w, id, SK_SEC(5), true, &c);
    world_advance(&w, SK_MSEC(4999));
    assert_int_equal(state_of(&w, box), SK_STATE_TERMINATING);
    world_advance(&w, SK_MSEC(1));
    assert_int_equal(state_of(&w, box), SK_STATE_TERMINATED);
    assert_int_equal(a.count + b.count + c.count, 3);
    world_fini(&w);
}

static void test_cancelled_wait(void **state)
{
    struct world w;
    struct answer closed;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    (void)session_running(&w, id, STUBBORN);
    session_close(&w, id, SK_SEC(20), true, &closed);
    world_settle(&w);
    assert_int_equal(closed.count, 0);
    sk_done_cancel(&closed.done);
    assert_int_equal(closed.count, 0);
    world_settle(&w);
    assert_int_equal(closed.count, 1);
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSING);
    session_close(&w, id, SK_SEC(20), true, &closed);
    sk_done_cancel(&closed.done); /* before it is durable: it answers when it is */
    world_settle(&w);
    assert_int_equal(closed.count, 1);
    world_fini(&w);
}

static void test_no_admission(void **state)
{
    struct world w;
    struct answer original, closed, created, again;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    world_create(&w, session_sandbox(&w, id, "r"), &original);
    world_settle(&w);
    session_close(&w, id, SK_NS(0), false, &closed);
    world_create(&w, session_sandbox(&w, id, ""), &created); /* before the close is stored */
    world_settle(&w);
    assert_int_equal(created.err.code, SK_FAILED_PRECONDITION);
    assert_string_equal(created.err.reason, "SESSION_CLOSED");
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    world_create(&w, session_sandbox(&w, id, ""), &created);
    world_create(&w, session_sandbox(&w, id, "r"), &again);
    world_settle(&w);
    assert_string_equal(created.err.reason, "SESSION_CLOSED");
    assert_int_equal(again.err.code, SK_OK);
    assert_ptr_equal(again.sandbox, original.sandbox);
    world_fini(&w);
}

/* The close comes in the n-th turn after the create, for every n until the sandbox runs. */
static void test_close_during_create(void **state)
{
    (void)state;
    for (int turns = 0; turns < 60; turns++) {
        struct world w;
        struct answer created, closed;
        char id[SK_ID_MAX + 1];
        world_init(&w);
        session_new(&w, id);
        world_create(&w, session_sandbox(&w, id, ""), &created);
        for (int i = 0; i < turns; i++)
            (void)sk_vloop_turn(w.loop);
        session_close(&w, id, SK_NS(0), true, &closed);
        world_advance(&w, SK_SEC(1));
        assert_int_equal(created.count, 1);
        assert_int_equal(created.err.code, SK_OK);
        assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_TERMINATED);
        assert_non_null(strstr(sk_sandbox_record(created.sandbox)->state_reason, id));
        assert_int_equal(closed.count, 1);
        assert_int_equal(session_stored(&w, id), SK_SESSION_CLOSED);
        world_assert_clean(&w);
        world_fini(&w);
    }
}

struct slow_first {
    int verdict; /* of the first put */
    int calls;
};

static int slow_first(void *arg, const char *call)
{
    struct slow_first *slow = arg;

    return strcmp(call, "store.put") == 0 && slow->calls++ == 0 ? slow->verdict : 0;
}

/* The close is stored and carried out before the sandbox's first record is, or is refused. */
static void test_close_before_record(void **state)
{
    (void)state;
    for (int verdict = 3; verdict <= 4; verdict++) {
        struct world w;
        struct answer created, closed;
        struct slow_first slow = {.verdict = verdict};
        char id[SK_ID_MAX + 1];
        world_init(&w);
        session_new(&w, id);
        world_hook(&w, slow_first, &slow);
        world_create(&w, session_sandbox(&w, id, ""), &created);
        session_close(&w, id, SK_NS(0), true, &closed);
        world_advance(&w, SK_SEC(4));
        assert_int_equal(session_stored(&w, id), SK_SESSION_CLOSING);
        assert_int_equal(created.count + closed.count, 0);
        world_advance(&w, SK_SEC(2));
        assert_int_equal(created.count, 1);
        assert_int_equal(closed.count, 1);
        assert_int_equal(session_stored(&w, id), SK_SESSION_CLOSED);
        if (verdict == 3)
            assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_TERMINATED);
        else
            assert_true(sk_list_is_empty(&w.node->sandboxes));
        assert_int_equal(sk_memstore_count(w.store), verdict == 3 ? 2 : 1);
        assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
        world_fini(&w);
    }
}

static void test_many_at_once(void **state)
{
    struct world w;
    struct answer created[200], closed;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    for (size_t i = 0; i < sk_array_len(created); i++)
        world_create(&w, session_sandbox(&w, id, ""), &created[i]);
    world_settle(&w);
    assert_int_equal(session_counts(&w, id).live, 200);
    int64_t began = sk_loop_now(w.loop).ns;
    session_close(&w, id, SK_SEC(10), true, &closed);
    world_settle(&w);
    assert_int_equal(closed.count, 1);
    assert_int_equal(sk_loop_now(w.loop).ns, began); /* no sandbox waited for another */
    for (size_t i = 0; i < sk_array_len(created); i++)
        assert_int_equal(sk_sandbox_record(created[i].sandbox)->state, SK_STATE_TERMINATED);
    assert_int_equal(session_counts(&w, id).live, 0);
    world_assert_clean(&w);
    world_fini(&w);
}

/* Its sandboxes end by themselves too: the session stays open. */
static void test_members_end(void **state)
{
    struct world w;
    struct answer closed;
    char id[SK_ID_MAX + 1], box[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    copy_id(box, session_running(&w, id, ARGV("play", "sleep:1", "exit:3")));
    world_advance(&w, SK_SEC(2));
    assert_int_equal(state_of(&w, box), SK_STATE_COMPLETED);
    assert_int_equal(session_counts(&w, id).live, 0);
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    session_close(&w, id, SK_NS(0), true, &closed);
    world_settle(&w);
    assert_int_equal(state_of(&w, box), SK_STATE_COMPLETED);
    world_fini(&w);
}

static int refuse_puts(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "store.put") == 0 ? 1 : 0;
}

/* A full disk is told to who asks, and delays no end. */
static void test_disk_refuses(void **state)
{
    struct world w;
    struct answer closed;
    char id[SK_ID_MAX + 1], box[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    copy_id(box, session_running(&w, id, NULL));
    world_hook(&w, refuse_puts, NULL);
    session_close(&w, id, SK_NS(0), true, &closed);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(closed.count, 1);
    assert_int_equal(closed.err.code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(state_of(&w, box), SK_STATE_TERMINATED);
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    assert_int_equal(session_stored(&w, id), SK_SESSION_OPEN);
    world_hook(&w, NULL, NULL);
    world_advance(&w, SK_SEC(6)); /* the sweep */
    assert_int_equal(session_stored(&w, id), SK_SESSION_CLOSED);
    assert_int_equal(world_stored_state(&w, box), SK_STATE_TERMINATED);
    assert_true(sk_list_is_empty(&w.node->unsaved));
    world_fini(&w);
}

/* --- restarts -------------------------------------------------------------- */

/* The daemon dies in the n-th turn after the close, for every n: what was answered stands, and either way
 * nothing is left when the next one has carried it out. */
static void test_crash_during_close(void **state)
{
    (void)state;
    for (int turns = 0; turns < 60; turns++) {
        struct world w;
        struct answer closed;
        char id[SK_ID_MAX + 1], box[SK_ID_MAX + 1], stubborn[SK_ID_MAX + 1];
        world_init(&w);
        session_new(&w, id);
        copy_id(box, session_running(&w, id, NULL));
        copy_id(stubborn, session_running(&w, id, STUBBORN));
        session_close(&w, id, SK_SEC(8), false, &closed);
        for (int i = 0; i < turns; i++)
            (void)sk_vloop_turn(w.loop);
        bool answered = closed.count == 1 && closed.err.code == SK_OK;
        world_crash(&w);
        bool stored = session_stored(&w, id) != SK_SESSION_OPEN;
        assert_true(stored || !answered);
        world_advance(&w, SK_SEC(3));
        world_start(&w);
        if (stored) {
            assert_int_not_equal(session_state(&w, id), SK_SESSION_OPEN);
            world_advance(&w, SK_SEC(5));
            assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED); /* in what was left of the grace */
            assert_int_equal(state_of(&w, box), SK_STATE_TERMINATED);
            assert_int_equal(state_of(&w, stubborn), SK_STATE_TERMINATED);
            assert_non_null(strstr(reason_of(&w, stubborn), id));
        } else {
            assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
            assert_int_equal(state_of(&w, box), SK_STATE_RUNNING);
            world_advance(&w, SK_SEC(40)); /* the lease */
            assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
        }
        world_assert_clean(&w);
        world_fini(&w);
    }
}

/* The daemon stops in good order in the n-th turn after close and create. */
static void test_stop_during_close(void **state)
{
    (void)state;
    for (int turns = 0; turns < 60; turns += 1) {
        struct world w;
        struct answer created, closed;
        char id[SK_ID_MAX + 1];
        world_init(&w);
        session_new(&w, id);
        (void)session_running(&w, id, STUBBORN);
        world_create(&w, session_sandbox(&w, id, ""), &created);
        for (int i = 0; i < turns / 2; i++)
            (void)sk_vloop_turn(w.loop);
        session_close(&w, id, SK_SEC(8), true, &closed);
        for (int i = 0; i < turns - turns / 2; i++)
            (void)sk_vloop_turn(w.loop);
        world_stop(&w);
        assert_int_equal(closed.count, 1);
        assert_true(closed.err.code == SK_OK || closed.err.code == SK_UNAVAILABLE);
        assert_int_equal(created.count, 1);
        world_start(&w);
        assert_int_not_equal(session_state(&w, id),
                             SK_SESSION_OPEN); /* it was asked for, and could be stored */
        world_advance(&w, SK_SEC(20));
        assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
        world_assert_clean(&w);
        world_fini(&w);
    }
}

/* Dying while a sandbox of a session is made: it is made anew, still one of the session's. */
static void test_crash_during_create(void **state)
{
    (void)state;
    for (int turns = 0; turns < 40; turns++) {
        struct world w;
        struct answer created, closed;
        char id[SK_ID_MAX + 1];
        world_init(&w);
        session_new(&w, id);
        world_create(&w, session_sandbox(&w, id, "r"), &created);
        for (int i = 0; i < turns; i++)
            (void)sk_vloop_turn(w.loop);
        world_crash(&w);
        world_start(&w);
        world_create(&w, session_sandbox(&w, id, "r"), &created);
        world_advance(&w, SK_SEC(1));
        assert_int_equal(created.err.code, SK_OK);
        assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
        assert_int_equal(session_counts(&w, id).live, 1);
        assert_int_equal(session_counts(&w, id).created, 1);
        session_close(&w, id, SK_NS(0), true, &closed);
        world_advance(&w, SK_SEC(1));
        assert_int_equal(closed.count, 1);
        world_assert_clean(&w);
        world_fini(&w);
    }
}

/* The session's record is lost: the sandbox belongs to nobody and is ended, with its grace. */
static void test_stray(void **state)
{
    struct world w;
    char id[SK_ID_MAX + 1], box[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    copy_id(box, session_running(&w, id, ARGV("sh")));
    world_crash(&w);
    sk_store_delete(w.store, SK_KIND_SESSION, id, NULL);
    world_settle(&w);
    world_start(&w);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(&w, box), SK_STATE_TERMINATED);
    assert_non_null(strstr(reason_of(&w, box), "is not known any more"));
    assert_int_equal(sk_sandbox_record(sk_node_find(w.node, box))->exit_code, 0);
    world_assert_clean(&w);
    world_fini(&w);
}

/* --- failures -------------------------------------------------------------- */

static void life(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct opened opened;
    struct answer created, closed;

    (void)arg;
    world_init(&w);
    world_sweep(&w, sweep);
    session_open(&w, session_record(&w, ""), &opened);
    world_advance(&w, SK_SEC(6));
    assert_int_equal(opened.count, 1);
    if (opened.err.code != SK_OK) {
        assert_true(sk_list_is_empty(&w.node->sessions));
        assert_int_equal(w.node->open_sessions, 0);
        world_fini(&w);
        return;
    }
    char id[SK_ID_MAX + 1];
    (void)snprintf(id, sizeof(id), "%s", sk_session_record(opened.session)->id);
    world_create(&w, session_sandbox(&w, id, ""), &created);
    world_advance(&w, SK_SEC(6));
    session_close(&w, id, SK_SEC(2), true, &closed);
    world_advance(&w, SK_SEC(150)); /* beyond every limit */
    sk_sweep_pause(sweep, true);
    assert_int_equal(created.count, 1);
    assert_int_equal(closed.count, 1);
    if (sk_sweep_is_clean(sweep))
        assert_int_equal(closed.err.code, SK_OK);
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    assert_int_equal(session_stored(&w, id), SK_SESSION_CLOSED);
    assert_int_equal(session_counts(&w, id).live, 0);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(life, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_earlier_kill_wins),
        cmocka_unit_test(test_cancelled_wait),
        cmocka_unit_test(test_no_admission),
        cmocka_unit_test(test_close_during_create),
        cmocka_unit_test(test_close_before_record),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_members_end),
        cmocka_unit_test(test_disk_refuses),
        cmocka_unit_test(test_crash_during_close),
        cmocka_unit_test(test_stop_during_close),
        cmocka_unit_test(test_crash_during_create),
        cmocka_unit_test(test_stray),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
