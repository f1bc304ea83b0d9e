/* Images of many layers: the ceiling holds for all of them together, and to know what they take costs little.
 */
#include "support/images_rig.h"

#include <stdio.h>

enum { DEEP = 38, FIT = 35, LAYER_LEN = 4 };

#define CEILING (INT64_C(1) << 30) /* the rig's */

struct deep {
    struct rig r;
    struct rig_image image;
    char texts[DEEP][LAYER_LEN + 1];
    unsigned measured;
};

static int count_measures(void *arg, const char *call)
{
    struct deep *d = arg;
    d->measured += strcmp(call, "content.measure") == 0;
    return SK_FAKE_OK;
}

/* Each unpacks to so much that FIT of them fit and one more does not. */
static int setup(void **state)
{
    struct deep *d = sk_alloc(sizeof(*d));

    rig_init(&d->r);
    d->image.tag = "1";
    for (size_t i = 0; i < DEEP; i++)
        (void)snprintf(d->texts[i], sizeof(d->texts[i]), "%04zu", i);
    sk_fake_content_swell(d->r.content, CEILING / (LAYER_LEN * FIT));
    sk_fake_content_calls(d->r.content)->hook = count_measures;
    sk_fake_content_calls(d->r.content)->arg = d;
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct deep *d = *state;

    sk_fake_content_calls(d->r.content)->hook = NULL;
    rig_image_fini(&d->image);
    rig_fini(&d->r);
    free(d);
    return 0;
}

static void publish(struct deep *d, size_t layers)
{
    for (size_t i = 0; i < layers; i++)
        d->image.layers[i] = d->texts[i];
    rig_publish(&d->r, &d->image);
}

static void test_as_many_as_fit(void **state)
{
    struct deep *d = *state;
    struct rig_call call;

    publish(d, FIT);
    assert_int_equal(rig_pull_now(&d->r, &call, RIG_NAME), SK_OK);
    assert_int_equal(rig_count(&d->r, SK_FAKE_SNAPSHOT), FIT);
    assert_int_equal(d->measured, 0); /* what it unpacks itself it knows */
    sk_image_free(call.image);
    rig_remove(&d->r, RIG_NAME);
}

static void test_one_more(void **state)
{
    struct deep *d = *state;
    struct rig_call call;

    publish(d, FIT + 1);
    assert_int_equal(rig_pull_now(&d->r, &call, RIG_NAME), SK_RESOURCE_EXHAUSTED);
    rig_assert_empty(&d->r);
}

/* Whoever waits for a layer that somebody else unpacks is told of it too; one that is there by then is asked
 * for alone. */
static void test_two_pulls_of_the_same(void **state)
{
    struct deep *d = *state;
    struct rig_call one, two;

    char digest[SK_DIGEST_SIZE];

    publish(d, FIT + 1);
    sk_fake_registry_add_manifest(d->r.registry, "2", TYPE_MANIFEST, d->image.manifest_text, digest);
    rig_pull(&d->r, &one, RIG_NAME);
    rig_pull(&d->r, &two, "registry.test/app:2");
    sk_vloop_settle(d->r.loop);
    assert_int_equal(one.err.code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(two.err.code, SK_RESOURCE_EXHAUSTED);
    assert_in_range(d->measured, 0, FIT);
    rig_assert_empty(&d->r);
}

/* What lies there already counts: it is measured once. */
static void test_on_top_of_another_image(void **state)
{
    struct deep *d = *state;
    struct rig_image upper = {.tag = "2"};
    struct rig_call call;

    publish(d, FIT - 1);
    assert_int_equal(rig_pull_now(&d->r, &call, RIG_NAME), SK_OK);
    sk_image_free(call.image);
    for (size_t i = 0; i < FIT + 1; i++)
        upper.layers[i] = d->texts[i];
    rig_publish(&d->r, &upper);
    assert_int_equal(rig_pull_now(&d->r, &call, "registry.test/app:2"), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(d->measured, 1);
    rig_remove(&d->r, RIG_NAME);
    rig_assert_empty(&d->r);
    rig_image_fini(&upper);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_as_many_as_fit),
        CASE(test_one_more),
        CASE(test_two_pulls_of_the_same),
        CASE(test_on_top_of_another_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
