/* Layers that come before those below them are unpacked ahead of their turn: when, how many, and what becomes
 * of them when their turn never comes. */
#include "drivers/images/aheads.h"
#include "support/images_rig.h"
#include "support/sweep.h"

#include <stdio.h>

#define MIB   ((size_t)1024 * 1024)
#define LONG  (MIB / 2)
#define CHUNK 4096

struct ahead {
    struct rig r;
    struct rig_image image;
    char *bottom; /* so long that all others come before it */
    unsigned aheads, drops, unpacks;
    int verdict; /* of unpack_ahead */
};

static int watch(void *arg, const char *call)
{
    struct ahead *a = arg;

    a->drops += strcmp(call, "content.drop_ahead") == 0;
    a->unpacks += strcmp(call, "content.unpack") == 0;
    if (strcmp(call, "content.unpack_ahead") != 0)
        return SK_FAKE_OK;
    a->aheads++;
    return a->verdict;
}

static char *long_layer(size_t len)
{
    char *text = sk_alloc(len + 1);

    memset(text, 'b', len);
    return text;
}

static int setup(void **state)
{
    struct ahead *a = sk_alloc(sizeof(*a));

    rig_init(&a->r);
    a->bottom = long_layer(LONG);
    sk_fake_registry_bend(a->r.registry)->chunk = CHUNK;
    a->image = (struct rig_image){.tag = "1", .layers = {a->bottom, "one", "two", "three", NULL}};
    rig_publish(&a->r, &a->image);
    sk_fake_content_calls(a->r.content)->hook = watch;
    sk_fake_content_calls(a->r.content)->arg = a;
    *state = a;
    return 0;
}

static int teardown(void **state)
{
    struct ahead *a = *state;

    sk_fake_content_calls(a->r.content)->hook = NULL;
    rig_image_fini(&a->image);
    rig_fini(&a->r);
    free(a->bottom);
    free(a);
    return 0;
}

static void pull_ok(struct ahead *a, const char *name)
{
    struct rig_call call;

    assert_int_equal(rig_pull_now(&a->r, &call, name), SK_OK);
    sk_image_free(call.image);
}

static void test_what_comes_early_is_unpacked_early(void **state)
{
    struct ahead *a = *state;

    pull_ok(a, RIG_NAME);
    assert_int_equal(a->aheads, 3);
    assert_int_equal(a->unpacks, 4);
    assert_int_equal(a->drops, 0);
    rig_remove(&a->r, RIG_NAME);
    rig_assert_empty(&a->r);
}

/* The fault is not the image's; nor is it tried with every layer. */
static void test_a_store_that_cannot(void **state)
{
    struct ahead *a = *state;

    a->verdict = SK_FAKE_FAIL;
    sk_fake_registry_bend(a->r.registry)->pace = SK_MSEC(1);
    struct rig_call call;
    rig_pull(&a->r, &call, RIG_NAME);
    sk_vloop_advance(a->r.loop, SK_SEC(10));
    assert_int_equal(call.answers, 1);
    assert_int_equal(call.err.code, SK_OK);
    sk_image_free(call.image);
    assert_in_range(a->aheads, 1, 2);
    assert_int_equal(a->unpacks, 4);
    rig_remove(&a->r, RIG_NAME);
}

static void test_none_where_one_is_fetched_at_a_time(void **state)
{
    struct ahead *a = *state;

    rig_close_driver(&a->r);
    a->r.driver = sk_images_driver_new(&(struct sk_images_options){
        .loop = a->r.loop,
        .content = sk_fake_content_base(a->r.content),
        .registry = a->r.registry,
        .machine = "x86_64",
        .layers_at_once = 1,
    });
    a->r.base = sk_images_driver_base(a->r.driver);
    pull_ok(a, RIG_NAME);
    assert_int_equal(a->aheads, 0);
    rig_remove(&a->r, RIG_NAME);
}

/* Half of the room goes to what is ahead, in equal parts. */
static void test_none_of_a_layer_that_is_large(void **state)
{
    struct ahead *a = *state;
    SK_AUTO_FREE char *large = long_layer(MIB / 8);
    struct rig_image image = {.tag = "2", .layers = {a->bottom, large, "small", NULL}};
    struct rig_call call;
    struct sk_image_pull pull = {.name = "registry.test/app:2", .puller = "", .max_bytes = (int64_t)MIB};

    rig_publish(&a->r, &image);
    pull.progress = &call.progress;
    a->r.base->ops->pull(a->r.base, &pull, &call.image, rig_call_init(&call));
    sk_vloop_settle(a->r.loop);
    assert_int_equal(call.err.code, SK_OK);
    sk_image_free(call.image);
    assert_int_equal(a->aheads, 1);
    rig_remove(&a->r, "registry.test/app:2");
    rig_image_fini(&image);
}

static void run_until_ahead(struct ahead *a)
{
    for (int i = 0; i < 1000 && sk_fake_content_aheads(a->r.content) < 3; i++)
        sk_vloop_advance(a->r.loop, SK_MSEC(1));
    assert_int_equal(sk_fake_content_aheads(a->r.content), 3);
}

static void pull_slowly(struct ahead *a, struct rig_call *call, int64_t max_bytes)
{
    struct sk_image_pull pull = {
        .name = "registry.test/app:2", .puller = "", .max_bytes = max_bytes, .progress = &call->progress};

    sk_fake_registry_bend(a->r.registry)->pace = SK_MSEC(10);
    a->r.base->ops->pull(a->r.base, &pull, &call->image, rig_call_init(call));
}

/* With an equal part of half the room each, that half is all they take, however many layers there are. */
static void test_no_more_of_them_than_parts(void **state)
{
    struct ahead *a = *state;
    struct rig_image image = {.tag = "2", .layers = {a->bottom}};
    char texts[SK_AHEADS_MAX + 3][8];
    struct rig_call call;
    size_t most = 0;

    for (size_t i = 0; i < SK_AHEADS_MAX + 3; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "no %zu", i);
        image.layers[i + 1] = texts[i];
    }
    rig_publish(&a->r, &image);
    pull_slowly(a, &call, (int64_t)4 * MIB);
    for (int i = 0; i < 4000 && !call.answers; i++) {
        size_t now = sk_fake_content_aheads(a->r.content);
        most = now > most ? now : most;
        sk_vloop_advance(a->r.loop, SK_MSEC(1));
    }
    assert_int_equal(call.err.code, SK_OK);
    assert_int_equal(most, SK_AHEADS_MAX);
    sk_image_free(call.image);
    rig_remove(&a->r, "registry.test/app:2");
    rig_image_fini(&image);
}

/* What swells beyond its part is not followed by the next that may. */
static void test_none_after_one_that_swells(void **state)
{
    struct ahead *a = *state;
    struct rig_image image = {.tag = "2", .layers = {a->bottom, "one", "two", "three", "four", "five", NULL}};
    struct rig_call call;

    rig_publish(&a->r, &image);
    sk_fake_content_swell(a->r.content, 30000);
    pull_slowly(a, &call, (int64_t)MIB);
    sk_vloop_advance(a->r.loop, SK_SEC(10));
    assert_int_equal(call.err.code, SK_RESOURCE_EXHAUSTED);
    assert_in_range(a->aheads, 1, 2);
    assert_int_equal(sk_fake_content_aheads(a->r.content), 0);
    rig_image_fini(&image);
}

static void test_a_pull_that_is_cancelled_drops_them(void **state)
{
    struct ahead *a = *state;
    struct rig_call call;

    sk_fake_registry_bend(a->r.registry)->pace = SK_MSEC(10);
    rig_pull(&a->r, &call, RIG_NAME);
    run_until_ahead(a);
    sk_done_cancel(&call.done);
    sk_vloop_settle(a->r.loop);
    assert_int_equal(call.err.code, SK_CANCELLED);
    assert_int_equal(a->drops, 3);
    assert_int_equal(sk_fake_content_aheads(a->r.content), 0);
}

static void test_a_bottom_that_is_wrong_drops_them(void **state)
{
    struct ahead *a = *state;
    struct rig_call call;

    sk_fake_registry_bend(a->r.registry)->breaks_at = (int64_t)LONG / 2;
    assert_int_not_equal(rig_pull_now(&a->r, &call, RIG_NAME), SK_OK);
    assert_int_equal(a->drops, 3);
    assert_int_equal(a->unpacks, 0);
}

/* Two images with the same layers: who is a turn behind may try one once more. */
static void test_what_another_pull_has_unpacked(void **state)
{
    struct ahead *a = *state;
    struct rig_call one, two;
    char digest[SK_DIGEST_SIZE];

    sk_fake_registry_add_manifest(a->r.registry, "2", TYPE_MANIFEST, a->image.manifest_text, digest);
    sk_fake_registry_bend(a->r.registry)->pace = SK_MSEC(1);
    rig_pull(&a->r, &one, RIG_NAME);
    rig_pull(&a->r, &two, "registry.test/app:2");
    sk_vloop_advance(a->r.loop, SK_SEC(10));
    assert_int_equal(one.err.code, SK_OK);
    assert_int_equal(two.err.code, SK_OK);
    assert_in_range(a->aheads, 3, 4);
    assert_int_equal(sk_fake_content_aheads(a->r.content), 0);
    sk_image_free(one.image);
    sk_image_free(two.image);
    rig_remove(&a->r, RIG_NAME);
    rig_remove(&a->r, "registry.test/app:2");
    rig_assert_empty(&a->r);
}

/* --- whatever fails ------------------------------------------------------------------------- */

struct swept {
    struct rig rig;
    struct rig_call call;
};

static void cancel_pull(void *arg)
{
    struct swept *s = arg;
    if (!s->call.answers)
        sk_done_cancel(&s->call.done);
}

/* Nothing of what was unpacked ahead stays, and the next pull ends well. */
static void pull_once(struct sk_sweep *sweep, void *arg)
{
    struct swept s;
    SK_AUTO_FREE char *bottom = long_layer(LONG / 4);
    struct rig_image image = {.tag = "1", .layers = {bottom, "one", "two", NULL}};

    (void)arg;
    rig_init(&s.rig);
    rig_publish(&s.rig, &image);
    sk_fake_registry_bend(s.rig.registry)->chunk = CHUNK;
    struct sk_fake_calls *calls = sk_fake_content_calls(s.rig.content);
    calls->hook = sk_sweep_hook;
    calls->arg = sweep;
    sk_sweep_on_cancel(sweep, s.rig.loop, cancel_pull, &s);
    rig_pull(&s.rig, &s.call, RIG_NAME);
    sk_vloop_advance(s.rig.loop, SK_SEC(60));
    cancel_pull(&s);
    sk_vloop_advance(s.rig.loop, SK_SEC(60));
    assert_int_equal(s.call.answers, 1);
    assert_int_equal(sk_fake_content_aheads(s.rig.content), 0);
    if (sk_sweep_is_clean(sweep))
        assert_int_equal(s.call.err.code, SK_OK);
    sk_image_free(s.call.image);
    sk_sweep_pause(sweep, true);
    calls->limit = SK_SEC(1);
    assert_int_equal(rig_pull_now(&s.rig, &s.call, RIG_NAME), SK_OK);
    sk_image_free(s.call.image);
    rig_remove(&s.rig, RIG_NAME);
    sk_vloop_advance(s.rig.loop, SK_SEC(3601));
    sk_fake_content_collect(s.rig.content);
    rig_assert_empty(&s.rig);
    rig_image_fini(&image);
    rig_fini(&s.rig);
}

static void test_failure_sweep(void **state)
{
    (void)state;
    sk_sweep_run(pull_once, NULL);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_comes_early_is_unpacked_early),  CASE(test_a_store_that_cannot),
        CASE(test_none_where_one_is_fetched_at_a_time), CASE(test_none_of_a_layer_that_is_large),
        CASE(test_a_pull_that_is_cancelled_drops_them), CASE(test_a_bottom_that_is_wrong_drops_them),
        CASE(test_no_more_of_them_than_parts),          CASE(test_none_after_one_that_swells),
        CASE(test_what_another_pull_has_unpacked),      cmocka_unit_test(test_failure_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
