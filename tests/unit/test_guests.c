/* Callers whom another server vouches for: what is remembered of them, and for how long. */
#include "support/guests_rig.h"

static void the_first_entity_that_may_come_in_counts(void **state)
{
    struct rig *r = *state;
    struct caller c;

    call(r, &c, ANN, "");
    assert_in(&c, "team-blue");
    assert_false(c.at_once);
    call(r, &c, ANN, "red");
    assert_in(&c, "team-red");
    call(r, &c, ANN, "ann"); /* hers, but not let in */
    assert_int_equal(c.err.code, SK_PERMISSION_DENIED);
    call(r, &c, ANN, "bob");
    assert_int_equal(c.err.code, SK_PERMISSION_DENIED);
    call(r, &c, BOB, "red"); /* not his */
    assert_int_equal(c.err.code, SK_PERMISSION_DENIED);
    call(r, &c, "some other long enough key", "");
    assert_int_equal(c.err.code, SK_UNAUTHENTICATED);
}

static void what_was_said_is_remembered_for_a_while(void **state)
{
    struct rig *r = *state;
    struct caller c;

    call(r, &c, ANN, "");
    r->knows_nobody = true;
    sk_vloop_advance(r->loop, SK_SEC(599));
    call(r, &c, ANN, "");
    assert_true(c.at_once);
    assert_in(&c, "team-blue");
    assert_int_equal(r->questions, 1);
    sk_vloop_advance(r->loop, SK_SEC(2));
    call(r, &c, ANN, "");
    assert_int_equal(c.err.code, SK_UNAUTHENTICATED);
    r->knows_nobody = false;
    sk_vloop_advance(r->loop, SK_SEC(59));
    call(r, &c, ANN, "");
    assert_true(c.at_once);
    assert_int_equal(c.err.code, SK_UNAUTHENTICATED);
    sk_vloop_advance(r->loop, SK_SEC(2));
    call(r, &c, ANN, "");
    assert_in(&c, "team-blue");
    assert_int_equal(r->questions, 3);
}

/* --- silence, and crowds --------------------------------------------------------- */

static void a_silent_server_lets_in_only_whom_it_knew(void **state)
{
    struct rig *r = *state;
    struct caller c;

    call(r, &c, ANN, "");
    r->is_away = true;
    call(r, &c, BOB, "");
    assert_int_equal(c.err.code, SK_UNAVAILABLE);
    sk_vloop_advance(r->loop, SK_SEC(600 + 3599));
    call(r, &c, ANN, "");
    assert_in(&c, "team-blue");
    sk_vloop_advance(r->loop, SK_SEC(2));
    call(r, &c, ANN, "");
    assert_int_equal(c.err.code, SK_UNAVAILABLE);
    r->is_away = false;
    call(r, &c, ANN, "");
    assert_in(&c, "team-blue");
}

static void many_calls_make_one_question(void **state)
{
    struct rig *r = *state;
    struct caller c[3];

    r->is_slow = true;
    for (int i = 0; i < 3; i++)
        call(r, &c[i], ANN, "");
    assert_int_equal(r->questions, 1);
    sk_done_cancel(&c[1].done);
    sk_vloop_settle(r->loop);
    assert_int_equal(c[1].answers, 1);
    assert_int_equal(c[1].err.code, SK_CANCELLED);
    assert_int_equal(r->cancelled, 0);
    reply(r);
    sk_vloop_settle(r->loop);
    for (int i = 0; i < 3; i += 2) {
        assert_int_equal(c[i].answers, 1);
        assert_in(&c[i], "team-blue");
    }
}

static void a_question_that_nobody_waits_for_is_dropped(void **state)
{
    struct rig *r = *state;
    struct caller c;

    r->is_slow = true;
    call(r, &c, ANN, "");
    sk_done_cancel(&c.done);
    sk_vloop_settle(r->loop);
    assert_int_equal(c.err.code, SK_CANCELLED);
    assert_int_equal(r->cancelled, 1);
    r->is_slow = false;
    call(r, &c, ANN, "");
    assert_in(&c, "team-blue");
}

/* Those who try keys do not make the server forget whom it knows. */
static void strangers_do_not_drive_out_guests(void **state)
{
    struct rig *r = *state;
    struct caller c;
    char key[64];

    call(r, &c, ANN, "");
    for (int i = 0; i < SK_GUESTS_MAX + 10; i++) {
        (void)snprintf(key, sizeof(key), "no such key, number %d", i);
        call(r, &c, key, "");
        assert_int_equal(c.err.code, SK_UNAUTHENTICATED);
    }
    int before = r->questions;
    call(r, &c, ANN, "");
    assert_in(&c, "team-blue");
    assert_int_equal(r->questions, before);
}

static void what_is_none_is_not_asked_for(void **state)
{
    static const char *const bad[] = {"", "short", "with a\nline's end in it",
                                      "sk-0123456789ab-abcdefghijklmnopqrstuvwxyz234567"};

    const struct rig *r = *state;
    for (size_t i = 0; i < sk_array_len(bad); i++)
        assert_false(sk_guests_may_know(r->guests, bad[i]));
    assert_true(sk_guests_may_know(r->guests, ANN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_entity_that_may_come_in_counts),
        TEST(what_was_said_is_remembered_for_a_while),
        TEST(a_silent_server_lets_in_only_whom_it_knew),
        TEST(many_calls_make_one_question),
        TEST(a_question_that_nobody_waits_for_is_dropped),
        TEST(strangers_do_not_drive_out_guests),
        TEST(what_is_none_is_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
