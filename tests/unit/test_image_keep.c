/* Which images stay on the node, and which are fetched before anybody asks. */
#include "core/images_impl.h"
#include "core/sandbox_impl.h"
#include "support/world.h"

#define DAY  SK_SEC(86400)
#define WEEK SK_SEC(7 * 86400)
#define GIB  (INT64_C(1) << 30)

#define PYTHON    "docker.io/library/python:3.11"
#define ALPINE    "docker.io/library/alpine:3"
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static int64_t now_s(const struct world *w)
{
    return sk_loop_wall(w->loop).ns / 1000000000;
}

static void world_with(struct world *w, struct sk_images_config config)
{
    world_init(w);
    world_stop(w);
    w->config.images = config;
    world_start(w);
}

/* An image of that size, last used so many days ago. */
static void add(struct world *w, const char *name, int64_t gib, int64_t days)
{
    sk_fake_images_add(w->images, &(struct sk_fake_image){.name = name, .bytes = gib * GIB});
    sk_fake_images_set_used_s(w->images, name, now_s(w) - days * 86400);
}

static void look_again(struct world *w)
{
    world_advance(w, SK_SEC(601));
}

/* --- by age ----------------------------------------------------------------------- */

static void test_what_nobody_uses_goes(void **state)
{
    struct world w;

    (void)state;
    world_with(&w, (struct sk_images_config){.unused = WEEK});
    add(&w, "ghcr.io/old:1", 1, 8);
    add(&w, "ghcr.io/young:1", 1, 6);
    look_again(&w);
    assert_false(sk_fake_images_has(w.images, "ghcr.io/old:1"));
    assert_true(sk_fake_images_has(w.images, "ghcr.io/young:1"));
    assert_true(sk_fake_images_has(w.images, PYTHON));
    world_advance(&w, DAY);
    assert_false(sk_fake_images_has(w.images, "ghcr.io/young:1"));
    world_advance(&w, WEEK);
    assert_false(sk_fake_images_has(w.images, PYTHON)); /* its arrival counts as a use */
    world_fini(&w);
}

static void test_nothing_goes_unless_asked_for(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    add(&w, "ghcr.io/old:1", 1000, 1000);
    world_advance(&w, WEEK);
    assert_true(sk_fake_images_has(w.images, "ghcr.io/old:1"));
    world_fini(&w);
}

static void test_a_use_is_remembered_across_restarts(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_with(&w, (struct sk_images_config){.unused = WEEK});
    world_advance(&w, SK_SEC(6 * 86400));
    world_delete(&w, world_running(&w, NULL), SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(sk_fake_images_used_s(w.images, PYTHON), now_s(&w));
    world_stop(&w);
    world_start(&w);
    world_advance(&w, SK_SEC(2 * 86400));
    assert_true(sk_fake_images_has(w.images, PYTHON));
    assert_false(sk_fake_images_has(w.images, ALPINE));
    world_advance(&w, SK_SEC(5 * 86400 + 3600));
    assert_false(sk_fake_images_has(w.images, PYTHON));
    world_fini(&w);
}

static struct sk_sandbox *long_running(struct world *w, const char *image, bool on_first_use)
{
    struct sk_record *record = world_record(w, "");
    struct answer created;

    record->spec.image = image;
    record->spec.max_lifetime_seconds = 100 * 86400;
    record->start_on_first_use = on_first_use;
    world_create(w, record, &created);
    world_settle(w);
    assert_int_equal(created.err.code, SK_OK);
    return created.sandbox;
}

static void test_what_is_in_use_stays(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_with(&w, (struct sk_images_config){.unused = WEEK});
    struct sk_sandbox *s = long_running(&w, "python:3.11", false);
    (void)long_running(&w, "alpine:3", true); /* PENDING, and nothing was made of it yet */
    world_advance(&w, SK_SEC(30 * 86400));
    assert_true(sk_fake_images_has(w.images, PYTHON));
    assert_true(sk_fake_images_has(w.images, ALPINE));
    assert_true(sk_images_in_use(sk_node_images(w.node), PYTHON));
    world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(6 * 86400)); /* its last use is the end of the sandbox, not the begin */
    assert_false(sk_images_in_use(sk_node_images(w.node), PYTHON));
    assert_true(sk_fake_images_has(w.images, PYTHON));
    world_advance(&w, SK_SEC(86400 + 3600));
    assert_false(sk_fake_images_has(w.images, PYTHON));
    assert_true(sk_fake_images_has(w.images, ALPINE));
    world_fini(&w);
}

static void test_pins_stay(void **state)
{
    struct world w;

    (void)state;
    world_with(&w, (struct sk_images_config){
                       .unused = WEEK, .pinned = LIST("ghcr.io/*"), .prepull = LIST("alpine:3")});
    add(&w, "ghcr.io/old:1", 1, 100);
    world_advance(&w, SK_SEC(30 * 86400));
    assert_true(sk_fake_images_has(w.images, "ghcr.io/old:1"));
    assert_true(sk_fake_images_has(w.images, ALPINE));
    assert_false(sk_fake_images_has(w.images, PYTHON));
    world_fini(&w);
}

static void test_a_clock_set_back_keeps_nothing_for_ever(void **state)
{
    struct world w;

    (void)state;
    world_with(&w, (struct sk_images_config){.unused = WEEK});
    add(&w, "ghcr.io/future:1", 1, -1000);
    add(&w, "ghcr.io/past:1", 1, 8);
    look_again(&w);
    assert_true(sk_fake_images_has(w.images, "ghcr.io/future:1"));
    assert_false(sk_fake_images_has(w.images, "ghcr.io/past:1"));
    world_fini(&w);
}

/* --- by pressure --------------------------------------------------------------------- */

static const struct sk_images_config marks = {.high_percent = 80, .low_percent = 50};

static void test_a_full_disk_sends_the_least_recently_used_away(void **state)
{
    struct world w;

    (void)state;
    world_with(&w, marks);
    sk_fake_images_set_disk(w.images, 100 * GIB, 10 * GIB);
    add(&w, "ghcr.io/b:1", 20, 2);
    add(&w, "ghcr.io/d:1", 20, 4);
    add(&w, "ghcr.io/c:1", 20, 3);
    look_again(&w); /* 70 %: below the high mark */
    assert_true(sk_fake_images_has(w.images, "ghcr.io/d:1"));
    add(&w, "ghcr.io/a:1", 20, 1);
    look_again(&w); /* 90 %, then 70 %, then 50 % */
    assert_false(sk_fake_images_has(w.images, "ghcr.io/d:1"));
    assert_false(sk_fake_images_has(w.images, "ghcr.io/c:1"));
    assert_true(sk_fake_images_has(w.images, "ghcr.io/b:1"));
    assert_true(sk_fake_images_has(w.images, "ghcr.io/a:1"));
    world_fini(&w);
}

static void test_pressure_spares_what_is_needed(void **state)
{
    struct world w;
    struct sk_images_config config = marks;

    (void)state;
    config.pinned = LIST("ghcr.io/pinned:*");
    config.prepull = LIST("ghcr.io/early:1");
    world_with(&w, config);
    sk_fake_images_set_disk(w.images, 100 * GIB, 0);
    add(&w, "ghcr.io/pinned:1", 40, 100);
    add(&w, "ghcr.io/early:1", 40, 99);
    add(&w, "ghcr.io/used:1", 10, 98);
    add(&w, "ghcr.io/free:1", 5, 1);
    (void)long_running(&w, "ghcr.io/used:1", false);
    look_again(&w);
    assert_true(sk_fake_images_has(w.images, "ghcr.io/pinned:1"));
    assert_true(sk_fake_images_has(w.images, "ghcr.io/early:1"));
    assert_true(sk_fake_images_has(w.images, "ghcr.io/used:1"));
    assert_false(sk_fake_images_has(w.images, "ghcr.io/free:1"));
    world_fini(&w);
}

static void test_a_pull_that_fills_the_disk_is_noticed_soon(void **state)
{
    struct world w;
    struct sk_image_wait wait = {0};
    struct sk_image *image = NULL;
    struct answer pulled;

    (void)state;
    world_with(&w, marks);
    sk_fake_images_set_disk(w.images, 100 * GIB, 0);
    add(&w, "ghcr.io/old:1", 60, 2);
    world_settle(&w);
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = "ghcr.io/new:1", .bytes = 30 * GIB});
    answer_init(&pulled);
    sk_images_ensure(sk_node_images(w.node), &wait, "ghcr.io/new:1", NULL, &image, &pulled.done);
    world_settle(&w);
    assert_int_equal(pulled.err.code, SK_OK);
    sk_image_free(image);
    world_advance(&w, SK_SEC(6));
    assert_false(sk_fake_images_has(w.images, "ghcr.io/old:1"));
    assert_true(sk_fake_images_has(w.images, "ghcr.io/new:1"));
    world_fini(&w);
}

/* What is being pulled anew may be the oldest that lies there. */
static void test_pressure_spares_what_is_being_pulled(void **state)
{
    struct world w;
    struct sk_image_wait wait = {0};
    struct sk_image *image = NULL;
    struct answer pulled;

    (void)state;
    world_with(&w, marks);
    add(&w, "ghcr.io/tool:1", 90, 2);
    sk_fake_images_publish(w.images,
                           &(struct sk_fake_image){.name = "ghcr.io/tool:1", .bytes = GIB, .revision = 2});
    sk_fake_images_pace(w.images, SK_SEC(1000));
    answer_init(&pulled);
    sk_images_pull(sk_node_images(w.node), &wait, "ghcr.io/tool:1", NULL, &image, &pulled.done);
    look_again(&w);
    assert_true(sk_fake_images_has(w.images, "ghcr.io/tool:1"));
    world_advance(&w, SK_SEC(500));
    assert_int_equal(pulled.count, 1);
    sk_image_free(image);
    world_fini(&w);
}

/* --- faults ----------------------------------------------------------------------------- */

static int refuse_removal(void *arg, const char *call)
{
    int *verdict = arg;
    return strcmp(call, "image.remove") ? SK_FAKE_OK : *verdict;
}

static void test_what_resists_is_tried_again(void **state)
{
    struct world w;
    int verdict = SK_FAKE_FAIL;

    (void)state;
    world_with(&w, (struct sk_images_config){.unused = WEEK});
    add(&w, "ghcr.io/old:1", 1, 8);
    world_hook(&w, refuse_removal, &verdict);
    look_again(&w);
    assert_true(sk_fake_images_has(w.images, "ghcr.io/old:1"));
    verdict = SK_FAKE_OK;
    look_again(&w);
    assert_false(sk_fake_images_has(w.images, "ghcr.io/old:1"));
    world_fini(&w);
}

static int verdict_of_images(void *arg, const char *call)
{
    const int *verdict = arg;
    return strncmp(call, "image.", 6) ? SK_FAKE_OK : *verdict;
}

static void test_a_round_that_hangs_stops_with_the_node(void **state)
{
    struct world w;
    int verdict = SK_FAKE_HANG;

    (void)state;
    world_with(&w, marks);
    world_hook(&w, verdict_of_images, &verdict);
    look_again(&w);
    world_fini(&w);
}

/* --- pre-pull ---------------------------------------------------------------------------- */

static void test_the_list_is_fetched_at_start(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = "docker.io/library/one:latest"});
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = "docker.io/library/two:1"});
    world_stop(&w);
    w.config.images = (struct sk_images_config){.prepull = LIST("one", "python:3.11", "two:1", "not valid")};
    world_start(&w);
    world_settle(&w);
    assert_true(sk_fake_images_has(w.images, "docker.io/library/one:latest"));
    assert_true(sk_fake_images_has(w.images, "docker.io/library/two:1"));
    assert_int_equal(sk_fake_images_pulls(w.images), 2);
    world_advance(&w, DAY);
    assert_int_equal(sk_fake_images_pulls(w.images), 2);
    world_fini(&w);
}

static void test_what_fails_is_fetched_later(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = "docker.io/library/two:1"});
    world_stop(&w);
    w.config.images = (struct sk_images_config){.prepull = LIST("one:1", "two:1")};
    world_start(&w);
    world_settle(&w);
    assert_true(sk_fake_images_has(w.images, "docker.io/library/two:1")); /* one failure holds up nothing */
    world_advance(&w, SK_SEC(3600));
    size_t pulls = sk_fake_images_pulls(w.images);
    assert_in_range(pulls, 6, 14); /* pauses grow */
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = "docker.io/library/one:1"});
    world_advance(&w, SK_SEC(601));
    assert_true(sk_fake_images_has(w.images, "docker.io/library/one:1"));
    world_fini(&w);
}

static void test_what_is_forbidden_is_not_tried_again(void **state)
{
    struct world w;

    (void)state;
    world_with(&w, (struct sk_images_config){.prepull = LIST("one:1"), .deny = LIST("*/one:*")});
    world_advance(&w, DAY);
    assert_int_equal(sk_fake_images_pulls(w.images), 0);
    world_fini(&w);
}

static void test_a_stop_ends_the_fetching(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = "docker.io/library/one:1"});
    sk_fake_images_pace(w.images, SK_SEC(100));
    world_stop(&w);
    w.config.images = (struct sk_images_config){.prepull = LIST("one:1")};
    world_start(&w);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(sk_fake_images_pulling(w.images), 1);
    world_stop(&w);
    assert_int_equal(sk_fake_images_pulling(w.images), 0);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_nobody_uses_goes),
        cmocka_unit_test(test_nothing_goes_unless_asked_for),
        cmocka_unit_test(test_a_use_is_remembered_across_restarts),
        cmocka_unit_test(test_what_is_in_use_stays),
        cmocka_unit_test(test_pins_stay),
        cmocka_unit_test(test_a_clock_set_back_keeps_nothing_for_ever),
        cmocka_unit_test(test_a_full_disk_sends_the_least_recently_used_away),
        cmocka_unit_test(test_pressure_spares_what_is_needed),
        cmocka_unit_test(test_a_pull_that_fills_the_disk_is_noticed_soon),
        cmocka_unit_test(test_pressure_spares_what_is_being_pulled),
        cmocka_unit_test(test_what_resists_is_tried_again),
        cmocka_unit_test(test_a_round_that_hangs_stops_with_the_node),
        cmocka_unit_test(test_the_list_is_fetched_at_start),
        cmocka_unit_test(test_what_fails_is_fetched_later),
        cmocka_unit_test(test_what_is_forbidden_is_not_tried_again),
        cmocka_unit_test(test_a_stop_ends_the_fetching),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
