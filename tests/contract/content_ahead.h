/* content_ahead.h: layers that are unpacked before their turn (drivers/content.h); for every store that can.
 */
#ifndef SK_CONTRACT_CONTENT_AHEAD_H
#define SK_CONTRACT_CONTENT_AHEAD_H

#include "contract/content.h"

static enum sk_code unpack_ahead(struct content_suite *s, const struct sk_unpack_ask *ask,
                                 struct sk_ahead **out)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->unpack_ahead(s->content, ask, out, &w.done);
    return sk_wait(&w);
}

static enum sk_code drop_ahead(struct content_suite *s, struct sk_ahead *ahead_take)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->drop_ahead(ahead_take, &w.done);
    return sk_wait(&w);
}

/* Two layers under LEASE_A that lie packed, and how they are asked for. */
struct two_layers {
    struct sk_buf low, high;
    char lower[SK_DIGEST_SIZE], upper[SK_DIGEST_SIZE], chain[SK_DIGEST_SIZE];
    struct sk_unpack_ask first, second;
};

static void two_layers_init(struct content_suite *s, struct two_layers *two)
{
    two->low = tarball_of("etc/motd", "below\n");
    two->high = tarball_of("etc/other", "above\n");
    sk_digest_of("chain of two", 12, two->chain);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, two->low.data, two->low.len, two->lower), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, two->high.data, two->high.len, two->upper), SK_OK);
    two->first = unpack_ask(two->lower, two->low.len, two->lower, "", two->lower);
    two->second = unpack_ask(two->upper, two->high.len, two->upper, two->lower, two->chain);
}

static void two_layers_fini(struct two_layers *two)
{
    sk_buf_fini(&two->low);
    sk_buf_fini(&two->high);
}

static void assert_nothing_stays(struct content_suite *s, const struct two_layers *two)
{
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_false(has_snapshot(s, two->chain));
    assert_false(has_snapshot(s, two->lower));
    assert_int_equal(litter_count(s), 0);
}

static void test_a_layer_is_unpacked_ahead(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(two_layers_fini) struct two_layers two;
    int64_t plain, ahead = -1;

    two_layers_init(s, &two);
    assert_int_equal(unpack(s, &two.first), SK_OK);
    assert_int_equal(unpack(s, &two.second), SK_OK);
    plain = measure(s, two.chain);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    two_layers_fini(&two);
    two_layers_init(s, &two);
    assert_int_equal(unpack_ahead(s, &two.second, &two.second.ahead_take), SK_OK);
    assert_non_null(two.second.ahead_take);
    assert_false(has_snapshot(s, two.chain));
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(unpack(s, &two.first), SK_OK);
    two.second.out_bytes = &ahead;
    assert_int_equal(unpack(s, &two.second), SK_OK);
    assert_true(has_snapshot(s, two.chain));
    assert_int_equal(measure(s, two.chain), plain);
    assert_int_equal(ahead, measure_above(s, two.chain, two.lower));
    assert_nothing_stays(s, &two);
}

static void test_what_was_unpacked_ahead_is_dropped(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(two_layers_fini) struct two_layers two;
    struct sk_ahead *ahead;

    two_layers_init(s, &two);
    assert_int_equal(unpack_ahead(s, &two.second, &ahead), SK_OK);
    assert_int_equal(drop_ahead(s, ahead), SK_OK);
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(unpack(s, &two.first), SK_OK);
    assert_int_equal(unpack(s, &two.second), SK_OK);
    assert_nothing_stays(s, &two);
}

static void test_what_was_unpacked_ahead_has_nothing_to_go_on(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(two_layers_fini) struct two_layers two;

    two_layers_init(s, &two);
    assert_int_equal(unpack_ahead(s, &two.second, &two.second.ahead_take), SK_OK);
    assert_int_equal(unpack(s, &two.second), SK_NOT_FOUND);
    assert_nothing_stays(s, &two);
}

static void test_what_was_unpacked_ahead_is_there_already(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(two_layers_fini) struct two_layers two;

    two_layers_init(s, &two);
    assert_int_equal(unpack(s, &two.first), SK_OK);
    assert_int_equal(unpack(s, &two.second), SK_OK);
    assert_int_equal(unpack_ahead(s, &two.second, &two.second.ahead_take), SK_OK);
    assert_int_equal(unpack(s, &two.second), SK_OK);
    assert_nothing_stays(s, &two);
}

static void test_its_size_is_judged_again_in_its_turn(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(two_layers_fini) struct two_layers two;

    two_layers_init(s, &two);
    assert_int_equal(unpack(s, &two.first), SK_OK);
    assert_int_equal(unpack_ahead(s, &two.second, &two.second.ahead_take), SK_OK);
    two.second.max_bytes = 100;
    assert_int_equal(unpack(s, &two.second), SK_RESOURCE_EXHAUSTED);
    assert_false(has_snapshot(s, two.chain));
    assert_nothing_stays(s, &two);
}

static void test_nothing_comes_of_what_fails_ahead(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(two_layers_fini) struct two_layers two;
    struct sk_ahead *ahead = NULL;
    struct sk_wait w;

    two_layers_init(s, &two);
    struct sk_unpack_ask ask = two.second;
    ask.diff_id = two.lower;
    assert_int_equal(unpack_ahead(s, &ask, &ahead), SK_FAILED_PRECONDITION);
    assert_null(ahead);
    ask = two.second;
    ask.max_bytes = 100;
    assert_int_equal(unpack_ahead(s, &ask, &ahead), SK_RESOURCE_EXHAUSTED);
    assert_null(ahead);
    sk_wait_init(&w, s->loop);
    s->content->ops->unpack_ahead(s->content, &two.second, &ahead, &w.done);
    sk_done_cancel(&w.done);
    assert_int_equal(sk_wait(&w), SK_CANCELLED);
    assert_null(ahead);
    assert_nothing_stays(s, &two);
}

static int run_content_ahead(struct content_suite *s)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_a_layer_is_unpacked_ahead, s),
        cmocka_unit_test_prestate(test_what_was_unpacked_ahead_is_dropped, s),
        cmocka_unit_test_prestate(test_what_was_unpacked_ahead_has_nothing_to_go_on, s),
        cmocka_unit_test_prestate(test_what_was_unpacked_ahead_is_there_already, s),
        cmocka_unit_test_prestate(test_its_size_is_judged_again_in_its_turn, s),
        cmocka_unit_test_prestate(test_nothing_comes_of_what_fails_ahead, s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
