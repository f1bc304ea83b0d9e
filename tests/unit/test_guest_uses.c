/* What is under way with a key that another server vouches for: it is asked for again, and ended. */
#include "support/guests_rig.h"

static void a_key_in_use_is_asked_for_again_and_ends_with_the_answer_no(void **state)
{
    struct rig *r = *state;
    struct sk_guest_use uses[3];
    struct caller c;

    for (size_t i = 0; i < sk_array_len(uses); i++)
        hold(r, &uses[i], ANN, "");
    call(r, &c, ANN, "");
    wait_s(r, 599);
    assert_int_equal(r->questions, 1);
    for (int i = 2; i < 5; i++) {
        wait_s(r, i == 2 ? 1 : 600);
        assert_int_equal(r->questions, i); /* one, however many hold it */
        assert_int_equal(r->losses, 0);
    }
    call(r, &c, ANN, "");
    assert_true(c.at_once); /* what was said in between is for new calls, too */
    r->knows_nobody = true;
    wait_s(r, 600);
    assert_int_equal(r->losses, sk_array_len(uses));
    for (size_t i = 0; i < sk_array_len(uses); i++)
        sk_guests_release(&uses[i]);
}

static void a_key_that_nothing_holds_is_not_asked_for(void **state)
{
    struct rig *r = *state;
    struct sk_guest_use a, b;

    hold(r, &a, ANN, "");
    hold(r, &b, ANN, "");
    sk_guests_release(&a);
    sk_guests_release(&a); /* harmless */
    wait_s(r, 600);
    assert_int_equal(r->questions, 2);
    sk_guests_release(&b);
    wait_s(r, 6000);
    assert_int_equal(r->questions, 2);
    r->knows_nobody = true;
    struct caller c;
    call(r, &c, ANN, "");
    assert_int_equal(r->losses, 0); /* there is nothing to end */
}

static void what_a_call_was_told_counts_for_what_is_under_way(void **state)
{
    struct rig *r = *state;
    struct sk_guest_use use;
    struct caller c;

    hold(r, &use, ANN, "");
    r->is_away = true;
    wait_s(r, 610); /* asked, and not answered */
    assert_int_equal(r->questions, 2);
    r->is_away = false;
    r->knows_nobody = true;
    call(r, &c, ANN, "");
    assert_int_equal(c.err.code, SK_UNAUTHENTICATED);
    assert_int_equal(r->losses, 1);
    sk_guests_release(&use);
}

static void silence_ends_nothing(void **state)
{
    struct rig *r = *state;
    struct sk_guest_use use;
    struct caller c;

    hold(r, &use, ANN, "");
    r->is_away = true;
    wait_s(r, 600);
    assert_int_equal(r->questions, 2);
    for (int i = 0; i < 2 * 60; i++)
        wait_s(r, 60);
    assert_int_equal(r->questions, 2 + 2 * 60); /* once a minute */
    assert_int_equal(r->losses, 0);
    call(r, &c, ANN, "");
    assert_int_equal(c.err.code, SK_UNAVAILABLE); /* beyond the grace nobody new comes in */
    r->is_away = false;
    r->knows_nobody = true;
    wait_s(r, 60);
    assert_int_equal(r->losses, 1);
    sk_guests_release(&use);
}

/* Who has several entities loses what was begun for one of them. */
static void what_was_begun_as_another_tenant_ends(void **state)
{
    struct rig *r = *state;
    struct sk_guest_use blue, red;
    struct caller c;

    hold(r, &blue, ANN, "");
    hold(r, &red, ANN, "red");
    r->blue_is_gone = true;
    wait_s(r, 600);
    assert_int_equal(r->losses, 1);
    assert_ptr_equal(r->lost, &blue);
    call(r, &c, ANN, "");
    assert_in(&c, "team-red");
    sk_guests_release(&blue);
    wait_s(r, 600);
    assert_int_equal(r->losses, 1);
    sk_guests_release(&red);
}

static void what_is_let_go_while_it_is_asked_for_is_dropped(void **state)
{
    struct rig *r = *state;
    struct sk_guest_use use, again;

    hold(r, &use, ANN, "");
    r->is_slow = true;
    wait_s(r, 600);
    assert_non_null(r->waiting);
    sk_guests_release(&use);
    assert_int_equal(r->cancelled, 1);
    r->is_slow = false;
    hold(r, &again, ANN, ""); /* before the end of that question is told */
    sk_guests_release(&again);
    assert_int_equal(r->questions, 3);
}

/* A server that was slow for a while is not asked for everybody at once. */
static void a_few_are_asked_for_at_a_time(void **state)
{
    struct rig *r = *state;
    struct sk_guest_use uses[3 * SK_GUESTS_AGAIN_MAX];
    char key[64];

    r->knows_all = true;
    for (size_t i = 0; i < sk_array_len(uses); i++) {
        (void)snprintf(key, sizeof(key), "a key that is good, number %zu", i);
        hold(r, &uses[i], key, "");
    }
    int before = r->questions;
    r->is_mute = true;
    wait_s(r, 600);
    assert_int_equal(r->questions, before + SK_GUESTS_AGAIN_MAX);
    wait_s(r, 10);
    assert_int_equal(r->questions, before + SK_GUESTS_AGAIN_MAX);
    r->is_mute = false;
    for (size_t i = 0; i < SK_GUESTS_AGAIN_MAX; i++)
        give_up(r, r->mutes[i]);
    wait_s(r, 1);
    assert_int_equal(r->questions, before + 2 * SK_GUESTS_AGAIN_MAX);
    wait_s(r, 1);
    assert_int_equal(r->questions, before + 3 * SK_GUESTS_AGAIN_MAX);
    assert_int_equal(r->losses, 0);
    for (size_t i = 0; i < sk_array_len(uses); i++)
        sk_guests_release(&uses[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_in_use_is_asked_for_again_and_ends_with_the_answer_no),
        TEST(a_key_that_nothing_holds_is_not_asked_for),
        TEST(what_a_call_was_told_counts_for_what_is_under_way),
        TEST(silence_ends_nothing),
        TEST(what_was_begun_as_another_tenant_ends),
        TEST(what_is_let_go_while_it_is_asked_for_is_dropped),
        TEST(a_few_are_asked_for_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
