/* Images that go: those removed by hand, and what killed daemons leave of pulls. */
#include "core/sandbox_impl.h"
#include "support/image_ask_rig.h"

/* --- removal --------------------------------------------------------------- */

static void remove_image(struct world *w, struct answer *answer, const char *name)
{
    answer_init(answer);
    sk_images_remove(sk_node_images(w->node), name, &answer->done);
}

static void test_removal(void **state)
{
    struct world w;
    struct answer removed;
    struct image_asked a;

    (void)state;
    world_init(&w);
    (void)world_running(&w, NULL);
    remove_image(&w, &removed, "docker.io/library/python:3.11");
    world_settle(&w);
    assert_int_equal(removed.err.code, SK_FAILED_PRECONDITION);
    assert_non_null(strstr(removed.err.text, "in use"));
    remove_image(&w, &removed, "docker.io/library/none:1");
    world_settle(&w);
    assert_int_equal(removed.err.code, SK_NOT_FOUND);
    image_publish(&w, NULL);
    sk_fake_images_add(w.images, &(struct sk_fake_image){.name = IMAGE_NAME});
    image_ask_registry(&w, &a, IMAGE_NAME);
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = IMAGE_NAME, .revision = 2});
    world_settle(&w);
    remove_image(&w, &removed, IMAGE_NAME);
    world_settle(&w);
    assert_int_equal(removed.err.code, SK_FAILED_PRECONDITION);
    assert_non_null(strstr(removed.err.text, "being pulled"));
    world_advance(&w, SK_SEC(11));
    image_assert_given(&a, IMAGE_NAME);
    remove_image(&w, &removed, IMAGE_NAME);
    world_settle(&w);
    assert_int_equal(removed.err.code, SK_OK);
    assert_false(sk_fake_images_has(w.images, IMAGE_NAME));
    world_fini(&w);
}

/* Who asks for a name while it goes must not be given what is going. */
static void test_a_create_waits_for_a_removal(void **state)
{
    struct world w;
    struct answer removed;
    struct image_asked a, cancelled;

    (void)state;
    world_init(&w);
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = "docker.io/library/alpine:3"});
    sk_fake_images_calls(w.images)->latency = SK_SEC(1);
    remove_image(&w, &removed, "docker.io/library/alpine:3");
    world_advance(&w, SK_MSEC(1500)); /* it was looked at, and is going */
    image_ask(&w, &a, "alpine:3", NULL);
    image_ask(&w, &cancelled, "alpine:3", NULL);
    sk_done_cancel(&cancelled.answer.done);
    world_advance(&w, SK_MSEC(400));
    image_assert_failed(&cancelled, SK_CANCELLED, "cancelled");
    assert_int_equal(removed.count, 0);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(removed.err.code, SK_OK);
    image_assert_given(&a, "docker.io/library/alpine:3");
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_fini(&w);
}

/* --- what killed daemons leave
 * ------------------------------------------------------------------------------ */

static void test_litter_of_images_is_taken_away(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    sk_fake_images_litter(w.images, "image lease", "sandkeep-pull-1");
    sk_fake_images_litter(w.images, "image snapshot", "extract-1");
    world_advance(&w, SK_SEC(60));
    assert_int_equal(sk_fake_images_litter_count(w.images), 0);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_a_create_waits_for_a_removal),
        cmocka_unit_test(test_litter_of_images_is_taken_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
