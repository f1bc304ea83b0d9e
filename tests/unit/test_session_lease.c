/* Leases: exact, never early, held by whoever holds them. */
#include "core/session_impl.h"
#include "support/sessions.h"

#include <stdio.h>

struct holding {
    struct sk_session_holder holder;
    int told;
};

static void on_closed(struct sk_session_holder *holder)
{
    sk_container_of(holder, struct holding, holder)->told++;
}

static void hold(struct world *w, const char *id, struct holding *h)
{
    struct sk_err err = {0};

    *h = (struct holding){0};
    assert_int_equal(sk_session_hold(session_of(w, id), &h->holder, on_closed, &err), SK_OK);
}

static void test_exact(void **state)
{
    struct world w;
    char id[SK_ID_MAX + 1], box[SK_ID_MAX + 1], expected[160];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    copy_id(box, session_running(&w, id, ARGV("sh")));
    world_advance(&w, SK_NS(SK_SEC(30).ns - 1));
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    world_advance(&w, SK_NS(1));
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    assert_int_equal(state_of(&w, box), SK_STATE_TERMINATED);
    (void)snprintf(expected, sizeof(expected), "session %s was closed: its lease of 30 s ran out (", id);
    assert_memory_equal(reason_of(&w, box), expected, strlen(expected));
    assert_int_equal(sk_sandbox_record(sk_node_find(w.node, box))->exit_code, 0); /* asked politely */
    world_assert_clean(&w);
    world_fini(&w);
}

/* What does not end by itself gets the grace of the expiry. */
static void test_expire_grace(void **state)
{
    struct world w;
    char id[SK_ID_MAX + 1], box[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    copy_id(box, session_running(&w, id, ARGV("play", "trap:15", "sleep:infinity")));
    world_advance(&w, SK_SEC(39));
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSING);
    assert_int_equal(state_of(&w, box), SK_STATE_TERMINATING);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    world_fini(&w);
}

static void test_renew(void **state)
{
    struct world w;
    struct sk_err err = {0};
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    for (int i = 0; i < 10; i++) {
        world_advance(&w, SK_MSEC(29999));
        assert_int_equal(sk_session_renew(session_of(&w, id), &err), SK_OK);
    }
    assert_int_equal(session_stored(&w, id), SK_SESSION_OPEN);
    world_advance(&w, SK_SEC(30));
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    assert_int_equal(sk_session_renew(session_of(&w, id), &err), SK_FAILED_PRECONDITION);
    assert_string_equal(err.reason, "SESSION_CLOSED");
    world_fini(&w);
}

static void test_holders(void **state)
{
    struct world w;
    struct holding a, b;
    struct sk_err err = {0};
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    hold(&w, id, &a);
    assert_int_equal(session_counts(&w, id).expires.ns, 0);
    world_advance(&w, SK_SEC(3600));
    hold(&w, id, &b);
    assert_int_equal(session_counts(&w, id).holders, 2);
    sk_session_let_go(&a.holder);
    sk_session_let_go(&a.holder); /* twice is harmless */
    assert_int_equal(sk_session_renew(session_of(&w, id), &err), SK_OK);
    world_advance(&w, SK_SEC(3600));
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    sk_session_let_go(&b.holder);
    world_advance(&w, SK_NS(SK_SEC(30).ns - 1)); /* the whole lease begins when the last lets go */
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    world_advance(&w, SK_NS(1));
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    assert_int_equal(a.told + b.told, 0);
    assert_int_equal(sk_session_hold(session_of(&w, id), &a.holder, on_closed, &err), SK_FAILED_PRECONDITION);
    world_fini(&w);
}

struct flip {
    struct world *w;
    const char *id;
    struct holding holding;
    struct sk_timer timer;
    enum sk_code code;
};

static void on_flip(struct sk_timer *timer)
{
    struct flip *flip = sk_container_of(timer, struct flip, timer);

    flip->code = sk_session_hold(session_of(flip->w, flip->id), &flip->holding.holder, on_closed, NULL);
}

/* An attach in the very instant the lease runs out: either it holds, or it is told that it came too late. */
static void test_attach_at_expiry(void **state)
{
    (void)state;
    for (int late = -1; late <= 1; late++) {
        struct world w;
        char id[SK_ID_MAX + 1];
        world_init(&w);
        session_new(&w, id);
        struct flip flip = {.w = &w, .id = id, .code = SK_UNKNOWN};
        struct sk_instant at = session_of(&w, id)->expires;
        sk_timer_start(w.loop, &flip.timer, sk_instant_add(at, SK_NS(late)), on_flip);
        world_advance(&w, SK_SEC(31));
        assert_true(flip.code == SK_OK || flip.code == SK_FAILED_PRECONDITION);
        assert_int_equal(session_state(&w, id), flip.code == SK_OK ? SK_SESSION_OPEN : SK_SESSION_CLOSED);
        if (late < 0)
            assert_int_equal(flip.code, SK_OK);
        sk_session_let_go(&flip.holding.holder);
        world_fini(&w);
    }
}

static void test_holders_are_told(void **state)
{
    struct world w;
    struct holding a, b;
    struct answer closed;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    (void)session_running(&w, id, ARGV("play", "trap:15", "sleep:infinity"));
    hold(&w, id, &a);
    hold(&w, id, &b);
    session_close(&w, id, SK_SEC(20), false, &closed);
    assert_int_equal(a.told, 0);
    sk_session_let_go(&b.holder);
    world_settle(&w);
    assert_int_equal(a.told, 1);
    assert_int_equal(b.told, 0);
    assert_int_equal(sk_session_record(a.holder.session)->state, SK_SESSION_CLOSING);
    world_advance(&w, SK_SEC(60));
    assert_int_equal(a.told, 1);
    sk_session_let_go(&a.holder);
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    world_fini(&w);
}

static void test_wall_jumps(void **state)
{
    struct world w;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    sk_vloop_jump_wall(w.loop, SK_SEC(3600));
    world_advance(&w, SK_SEC(15));
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    assert_int_equal(session_counts(&w, id).expires.ns, sk_loop_wall(w.loop).ns + SK_SEC(15).ns);
    sk_vloop_jump_wall(w.loop, SK_SEC(-7200));
    world_advance(&w, SK_NS(SK_SEC(15).ns - 1));
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    world_advance(&w, SK_NS(1));
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    world_fini(&w);
}

/* After a restart the whole lease begins anew. */
static void test_restart(void **state)
{
    struct world w;
    char id[SK_ID_MAX + 1], box[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    copy_id(box, session_running(&w, id, ARGV("play", "trap:15", "sleep:infinity")));
    world_advance(&w, SK_SEC(29));
    world_crash(&w);
    sk_vloop_jump_wall(w.loop, SK_SEC(3600));
    world_advance(&w, SK_SEC(100));
    world_start(&w);
    assert_int_equal(session_counts(&w, id).live, 1);
    world_advance(&w, SK_SEC(29));
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    assert_int_equal(state_of(&w, box), SK_STATE_RUNNING);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(state_of(&w, box), SK_STATE_TERMINATING);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_stop_tells_holders(void **state)
{
    struct world w;
    struct holding a;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    hold(&w, id, &a);
    struct answer stopped;
    answer_init(&stopped);
    sk_node_stop(w.node, &stopped.done);
    world_settle(&w);
    assert_int_equal(a.told, 1);
    assert_int_equal(sk_session_record(a.holder.session)->state, SK_SESSION_OPEN);
    sk_session_let_go(&a.holder);
    sk_node_free(sk_take(w.node));
    world_start(&w);
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    world_fini(&w);
}

static int slow_put(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "store.put") == 0 ? 3 : 0;
}

/* While a slow disk holds up the stop, no lease runs out. */
static void test_slow_stop(void **state)
{
    struct world w;
    struct opened first, second;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    struct sk_session_record *record = session_record(&w, "");
    record->lease_seconds = 1;
    (void)snprintf(id, sizeof(id), "%s", record->id);
    session_open(&w, record, &first);
    (void)sk_vloop_turn(w.loop); /* its put is on the way */
    world_hook(&w, slow_put, NULL);
    session_open(&w, session_record(&w, ""), &second);
    struct answer stopped;
    answer_init(&stopped);
    sk_node_stop(w.node, &stopped.done);
    world_advance(&w, SK_SEC(4));
    assert_int_equal(first.err.code, SK_OK);
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    world_advance(&w, SK_SEC(2));
    assert_int_equal(stopped.count, 1);
    world_hook(&w, NULL, NULL);
    sk_node_free(sk_take(w.node));
    world_start(&w);
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    world_fini(&w);
}

/* Many sessions cost nothing but their timers: a day with nobody there writes and does nothing. */
static void test_idle_is_free(void **state)
{
    struct world w;
    struct holding held[100];
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    for (size_t i = 0; i < sk_array_len(held); i++) {
        session_new(&w, id);
        hold(&w, id, &held[i]);
    }
    size_t puts = sk_memstore_puts(w.store);
    world_advance(&w, SK_SEC(86400));
    assert_int_equal(sk_memstore_puts(w.store), puts);
    for (size_t i = 0; i < sk_array_len(held); i++)
        sk_session_let_go(&held[i].holder);
    world_advance(&w, SK_SEC(30));
    assert_int_equal(w.node->open_sessions, 0);
    assert_int_equal(sk_memstore_puts(w.store), puts + sk_array_len(held));
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_expire_grace),
        cmocka_unit_test(test_renew),
        cmocka_unit_test(test_holders),
        cmocka_unit_test(test_attach_at_expiry),
        cmocka_unit_test(test_holders_are_told),
        cmocka_unit_test(test_wall_jumps),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_stop_tells_holders),
        cmocka_unit_test(test_slow_stop),
        cmocka_unit_test(test_idle_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
