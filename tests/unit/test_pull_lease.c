/* The one lease that all of a pull is written under, and when it goes. */
#include "support/images_rig.h"

static void test_a_long_pull_keeps_its_lease(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_registry_bend(r.registry)->chunk = 16;
    sk_fake_registry_bend(r.registry)->pace = SK_SEC(600);
    rig_pull(&r, &call, RIG_NAME);
    for (int i = 0; i < 40 * 3 && !call.answers; i++) {
        sk_vloop_advance(r.loop, SK_SEC(1200));
        sk_fake_content_collect(r.content); /* leases that ran out go, and all that was under them */
    }
    assert_int_equal(call.err.code, SK_OK);
    assert_int_equal(call.answers, 1);
    sk_image_free(call.image);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_a_name_pulled_again_at_once(void **state)
{
    struct rig r;
    struct rig_call first, second;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_content_calls(r.content)->latency = SK_MSEC(5);
    rig_pull(&r, &first, RIG_NAME);
    for (int i = 0; i < 1000 && !first.answers; i++)
        sk_vloop_advance(r.loop, SK_MSEC(1));
    assert_int_equal(first.err.code, SK_OK);
    rig_pull(&r, &second, RIG_NAME); /* while the lease is let go of */
    sk_vloop_advance(r.loop, SK_SEC(2));
    assert_int_equal(second.answers, 1);
    assert_int_equal(second.err.code, SK_OK);
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 0);
    sk_image_free(first.image);
    sk_image_free(second.image);
    sk_fake_content_calls(r.content)->latency = SK_MSEC(0);
    rig_image_fini(&image);
    rig_fini(&r);
}

static int refuse_let_go(void *arg, const char *call)
{
    const int *verdict = arg;
    return strcmp(call, "content.let_go") == 0 ? *verdict : SK_FAKE_OK;
}

/* Pulls, while the store answers nothing about the lease's end. */
static void pull_and_owe(struct rig *r, struct rig_image *image, int *verdict)
{
    struct rig_call call;

    rig_init(r);
    rig_publish(r, image);
    sk_fake_content_calls(r->content)->hook = refuse_let_go;
    sk_fake_content_calls(r->content)->arg = verdict;
    assert_int_equal(rig_pull_now(r, &call, RIG_NAME), SK_OK);
    sk_image_free(call.image);
    sk_vloop_advance(r->loop, SK_SEC(300));
    assert_int_equal(rig_count(r, SK_FAKE_LEASE), 1);
}

static void test_a_lease_goes_when_the_store_is_back(void **state)
{
    static const int verdicts[] = {SK_FAKE_FAIL, SK_FAKE_HANG};
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sk_array_len(verdicts); i++) {
        struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS};
        int verdict = verdicts[i];

        pull_and_owe(&r, &image, &verdict);
        verdict = SK_FAKE_OK;
        sk_vloop_advance(r.loop, SK_SEC(80));
        assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 0);
        rig_image_fini(&image);
        rig_fini(&r);
    }
}

/* The next pull takes it over, and its end is that of both. */
static void test_an_owed_lease_is_opened_again(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS};
    int verdict = SK_FAKE_FAIL;

    (void)state;
    pull_and_owe(&r, &image, &verdict);
    verdict = SK_FAKE_OK;
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK);
    sk_image_free(call.image);
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 0);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_closing_waits_for_no_owed_lease(void **state)
{
    struct rig r;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS};
    int verdict = SK_FAKE_FAIL;

    (void)state;
    pull_and_owe(&r, &image, &verdict);
    rig_close_driver(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_long_pull_keeps_its_lease),
        cmocka_unit_test(test_a_name_pulled_again_at_once),
        cmocka_unit_test(test_a_lease_goes_when_the_store_is_back),
        cmocka_unit_test(test_an_owed_lease_is_opened_again),
        cmocka_unit_test(test_closing_waits_for_no_owed_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
