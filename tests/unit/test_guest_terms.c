/* Whom another server vouches for, when the configuration says something else of it. */
#include "support/guests_rig.h"

static struct sk_guests_terms terms(struct sk_entity *entities, size_t count)
{
    return (struct sk_guests_terms){.open = true, .entities = {entities, count}, .grace = SK_SEC(3600)};
}

static void the_same_terms_change_nothing(void **state)
{
    struct rig *r = *state;
    struct sk_entity same[] = {{"blue", "team-blue"}, {"red", "team-red"}};
    struct sk_guests_terms next = terms(same, 2);
    struct sk_guest_use use;
    struct caller c;

    hold(r, &use, ANN, "");
    next.grace = SK_SEC(0);
    sk_guests_configure(r->guests, &next, false);
    call(r, &c, ANN, "");
    assert_true(c.at_once);
    wait_s(r, 1);
    assert_int_equal(r->questions, 1);
    assert_int_equal(r->opens, 0);
    r->is_away = true;
    wait_s(r, 600);
    call(r, &c, ANN, "");
    assert_int_equal(c.err.code, SK_UNAVAILABLE); /* the grace is what it is now */
    sk_guests_release(&use);
}

static void an_entity_that_is_taken_out_ends_what_came_in_by_it(void **state)
{
    struct rig *r = *state;
    struct sk_guests_terms next = terms(rows + 1, 1);
    struct sk_guest_use blue, red;
    struct caller c;

    hold(r, &blue, ANN, "blue");
    hold(r, &red, ANN, "red");
    sk_guests_configure(r->guests, &next, false);
    assert_int_equal(r->losses, 1); /* whatever the server says, or does not */
    assert_ptr_equal(r->lost, &blue);
    wait_s(r, 1);
    assert_int_equal(r->questions, 4);
    assert_int_equal(r->losses, 1); /* told once */
    call(r, &c, ANN, "blue");
    assert_int_equal(c.err.code, SK_PERMISSION_DENIED);
    call(r, &c, ANN, "");
    assert_in(&c, "team-red");
    sk_guests_release(&blue);
    sk_guests_release(&red);
}

static void of_two_entities_of_one_tenant_each_ends_only_its_own(void **state)
{
    struct rig *r = *state;
    struct sk_entity both[] = {{"blue", "team"}, {"red", "team"}};
    struct sk_guests_terms next = terms(both, 2);
    struct sk_guest_use blue, red;

    sk_guests_configure(r->guests, &next, false);
    hold(r, &blue, ANN, "blue");
    hold(r, &red, ANN, "red");
    r->blue_is_gone = true;
    wait_s(r, 600);
    assert_int_equal(r->losses, 1);
    assert_ptr_equal(r->lost, &blue);
    next = terms(both, 1);
    sk_guests_configure(r->guests, &next, false);
    assert_int_equal(r->losses, 2);
    assert_ptr_equal(r->lost, &red);
    sk_guests_release(&blue);
    sk_guests_release(&red);
}

static void an_entity_that_stands_for_another_tenant_ends_what_came_in_by_it(void **state)
{
    struct rig *r = *state;
    struct sk_entity others[] = {{"blue", "team-blue"}, {"red", "team-green"}};
    struct sk_guests_terms next = terms(others, 2);
    struct sk_guest_use blue, red;
    struct caller c;

    hold(r, &blue, ANN, "");
    hold(r, &red, ANN, "red");
    r->is_away = true;
    sk_guests_configure(r->guests, &next, false);
    assert_int_equal(r->losses, 1);
    assert_ptr_equal(r->lost, &red);
    call(r, &c, ANN, "red");
    assert_int_equal(c.err.code, SK_UNAVAILABLE);
    r->is_away = false;
    call(r, &c, ANN, "red");
    assert_in(&c, "team-green");
    sk_guests_release(&blue);
    sk_guests_release(&red);
}

/* The operator's change of one entity is no outage for the others' people while the server is away. */
static void who_came_in_by_an_entity_that_stays_is_known_while_the_server_is_silent(void **state)
{
    struct rig *r = *state;
    struct sk_guests_terms next = terms(rows + 1, 1);
    struct sk_guest_use use;
    struct caller c;

    hold(r, &use, ANN, "red");
    r->is_away = true;
    sk_guests_configure(r->guests, &next, false);
    for (int i = 0; i < 5; i++)
        wait_s(r, 60);
    assert_int_equal(r->losses, 0);
    call(r, &c, ANN, "red");
    assert_false(c.at_once); /* it is asked for */
    assert_in(&c, "team-red");
    wait_s(r, 3600);
    call(r, &c, ANN, "red");
    assert_in(&c, "team-red");
    wait_s(r, 600); /* the grace is counted from what was said, not from the reload */
    call(r, &c, ANN, "red");
    assert_int_equal(c.err.code, SK_UNAVAILABLE);
    assert_int_equal(r->losses, 0);
    r->is_away = false;
    r->knows_nobody = true;
    wait_s(r, 60);
    assert_int_equal(r->losses, 1);
    sk_guests_release(&use);
}

static void strangers_keep_nobody_out_who_came_in_by_an_entity_that_stays(void **state)
{
    struct rig *r = *state;
    struct sk_guests_terms next = terms(rows + 1, 1);
    struct caller c, strangers[SK_GUESTS_ASKED_MAX];
    char keys[SK_GUESTS_ASKED_MAX][64];

    call(r, &c, ANN, "red");
    sk_guests_configure(r->guests, &next, false);
    r->is_mute = r->is_slow = true;
    for (size_t i = 0; i < SK_GUESTS_ASKED_MAX; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "no such key, number %zu", i);
        call(r, &strangers[i], keys[i], "");
    }
    call(r, &c, ANN, "red");
    assert_false(c.at_once);
    assert_int_equal(r->mute_count, SK_GUESTS_ASKED_MAX + 1);
    while (r->mute_count)
        give_up(r, r->mutes[--r->mute_count]);
    sk_vloop_settle(r->loop);
    assert_in(&c, "team-red");
    assert_int_equal(strangers[0].err.code, SK_UNAVAILABLE);
}

static void an_entity_that_goes_before_counts_once_the_server_has_said_so(void **state)
{
    struct rig *r = *state;
    struct sk_guests_terms red = terms(rows + 1, 1), both = terms(rows, 2);
    struct sk_guest_use use;

    sk_guests_configure(r->guests, &red, false);
    hold(r, &use, ANN, "");
    sk_guests_configure(r->guests, &both, false);
    assert_int_equal(r->losses, 0);
    wait_s(r, 1);
    assert_int_equal(r->losses, 1);
    assert_ptr_equal(r->lost, &use);
    sk_guests_release(&use);
}

static void a_question_under_way_is_answered_by_the_entities_there_are_then(void **state)
{
    struct rig *r = *state;
    struct sk_guests_terms next = terms(rows + 1, 1);
    struct caller c;

    r->is_slow = true;
    call(r, &c, ANN, "");
    sk_guests_configure(r->guests, &next, false);
    reply(r);
    sk_vloop_settle(r->loop);
    assert_int_equal(c.answers, 1);
    assert_in(&c, "team-red");
}

static void a_question_to_the_server_before_is_not_joined(void **state)
{
    struct rig *r = *state;
    struct sk_guests_terms next = terms(rows, 2);
    struct caller before, after;

    r->is_mute = r->is_slow = true;
    call(r, &before, ANN, "");
    sk_guests_configure(r->guests, &next, true);
    r->is_mute = false;
    call(r, &after, ANN, "");
    assert_int_equal(r->questions, 2);
    give_up(r, r->mutes[0]);
    sk_vloop_settle(r->loop);
    assert_int_equal(before.err.code, SK_UNAVAILABLE);
    assert_int_equal(after.answers, 0);
    reply(r);
    sk_vloop_settle(r->loop);
    assert_int_equal(after.answers, 1);
    assert_in(&after, "team-blue");
}

/* What the server before says of a key is nothing that counts. */
static void an_answer_of_the_server_before_is_not_heard(void **state)
{
    struct rig *r = *state;
    struct sk_guests_terms next = terms(rows, 2);
    struct sk_guest_use use;
    struct caller c;

    hold(r, &use, ANN, "");
    r->is_slow = true;
    wait_s(r, 600); /* it is asked for again */
    call(r, &c, ANN, "");
    sk_guests_configure(r->guests, &next, true);
    reply(r); /* it knows her */
    r->knows_nobody = true;
    r->is_slow = false;
    sk_vloop_settle(r->loop);
    assert_int_equal(c.answers, 1);
    assert_int_equal(c.err.code, SK_UNAVAILABLE);
    wait_s(r, 1);
    assert_int_equal(r->losses, 1); /* by what the new one says, which was asked at once */
    sk_guests_release(&use);
}

static void without_a_server_nobody_comes_in_and_callers_still_need_a_key(void **state)
{
    struct rig *r = *state;
    struct sk_guests_terms none = {.open = false}, again = terms(rows, 2);
    struct sk_guest_use uses[2];
    struct caller c;

    hold(r, &uses[0], ANN, "");
    hold(r, &uses[1], ANN, "red");
    sk_guests_configure(r->guests, &none, true);
    assert_int_equal(r->losses, 2); /* there is nobody to ask */
    assert_false(sk_guests_may_know(r->guests, ANN));
    assert_true(sk_guests_were_open(r->guests));
    wait_s(r, 700); /* while the calls take their time to end */
    assert_int_equal(r->questions, 2);
    for (size_t i = 0; i < sk_array_len(uses); i++)
        sk_guests_release(&uses[i]);
    sk_guests_configure(r->guests, &again, true);
    call(r, &c, ANN, "");
    assert_in(&c, "team-blue");
    assert_int_equal(r->opens, 0); /* they needed one all the while */
}

static void on_nothing(struct sk_done *done, const struct sk_err *err)
{
    (void)done;
    (void)err;
}

static void the_first_server_is_told_of(void **state)
{
    struct rig *r = *state;
    const struct sk_guests_options options = {.loop = r->loop, .verifier = &r->verifier};
    static const struct sk_guests_events events = {.on_open = on_open, .on_lost = on_lost};
    struct sk_guests_terms next = terms(rows, 2);
    struct sk_done closed;

    struct sk_guests *guests = sk_guests_new(&options);
    sk_guests_listen(guests, &events, r);
    assert_false(sk_guests_were_open(guests));
    assert_false(sk_guests_may_know(guests, ANN));
    sk_guests_configure(guests, &next, true);
    assert_int_equal(r->opens, 1);
    assert_true(sk_guests_may_know(guests, ANN));
    sk_done_init(&closed, on_nothing);
    sk_guests_close(guests, &closed);
    sk_vloop_settle(r->loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_terms_change_nothing),
        TEST(an_entity_that_is_taken_out_ends_what_came_in_by_it),
        TEST(of_two_entities_of_one_tenant_each_ends_only_its_own),
        TEST(an_entity_that_stands_for_another_tenant_ends_what_came_in_by_it),
        TEST(who_came_in_by_an_entity_that_stays_is_known_while_the_server_is_silent),
        TEST(strangers_keep_nobody_out_who_came_in_by_an_entity_that_stays),
        TEST(an_entity_that_goes_before_counts_once_the_server_has_said_so),
        TEST(a_question_under_way_is_answered_by_the_entities_there_are_then),
        TEST(a_question_to_the_server_before_is_not_joined),
        TEST(an_answer_of_the_server_before_is_not_heard),
        TEST(without_a_server_nobody_comes_in_and_callers_still_need_a_key),
        TEST(the_first_server_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
