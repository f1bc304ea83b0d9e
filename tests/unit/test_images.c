/* How creates come to their images: from the node, or by one pull for all who wait. */
#include "api/encode.h"
#include "core/sandbox_impl.h"
#include "support/image_ask_rig.h"

/* --- the fast path ---------------------------------------------------------------- */

struct tally {
    int finds, touches, others;
};

static int count_calls(void *arg, const char *call)
{
    struct tally *tally = arg;

    if (!strcmp(call, "image.find"))
        tally->finds++;
    else if (!strcmp(call, "image.touch"))
        tally->touches++;
    else if (!strncmp(call, "image.", 6))
        tally->others++;
    return SK_FAKE_OK;
}

static void test_an_image_that_is_here_costs_one_look(void **state)
{
    struct world w;
    struct answer created;
    struct tally tally = {0};

    (void)state;
    world_init(&w);
    world_hook(&w, count_calls, &tally);
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    assert_int_equal(tally.finds, 1);
    assert_int_equal(tally.touches, 1);
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(tally.finds, 2);
    assert_int_equal(tally.touches, 1); /* at most once an hour */
    assert_int_equal(tally.others, 0);
    world_advance(&w, SK_SEC(3600));
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(tally.touches, 2);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

/* A use is noted behind the back of the create. */
static int hang_touch(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "image.touch") ? SK_FAKE_OK : SK_FAKE_HANG;
}

static void test_noting_a_use_holds_nobody_up(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    world_hook(&w, hang_touch, NULL);
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    world_fini(&w); /* nor a stop */
}

/* --- one pull for all --------------------------------------------------------------- */

#define CROWD 100

static void test_a_hundred_creates_make_one_pull(void **state)
{
    struct world w;
    struct answer *created = sk_alloc(CROWD * sizeof(*created));

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    for (size_t i = 0; i < CROWD; i++) {
        struct sk_record *record = world_record(&w, "");
        record->spec.image = IMAGE_NAME;
        world_create(&w, record, &created[i]);
    }
    world_advance(&w, SK_SEC(5));
    assert_int_equal(sk_fake_images_pulling(w.images), 1);
    world_advance(&w, SK_SEC(6));
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(sk_sandbox_record(created[i].sandbox)->state, SK_STATE_RUNNING);
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    assert_true(sk_fake_images_has(w.images, IMAGE_NAME));
    world_fini(&w);
    free(created);
}

static void test_names_are_made_full(void **state)
{
    struct world w;
    struct image_asked a, b;

    (void)state;
    world_init(&w);
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = "docker.io/library/tool:latest"});
    image_ask(&w, &a, "tool", NULL);
    image_ask(&w, &b, "docker.io/library/tool:latest", NULL);
    world_settle(&w);
    image_assert_given(&a, "docker.io/library/tool:latest");
    image_assert_given(&b, "docker.io/library/tool:latest");
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_fini(&w);
}

static void test_one_who_leaves_stops_nobody(void **state)
{
    struct world w;
    struct image_asked a, b;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    image_ask(&w, &a, IMAGE_NAME, NULL);
    image_ask(&w, &b, IMAGE_NAME, NULL);
    world_advance(&w, SK_SEC(3));
    sk_done_cancel(&a.answer.done); /* the one that began it */
    world_settle(&w);
    image_assert_failed(&a, SK_CANCELLED, "cancelled");
    assert_int_equal(b.answer.count, 0);
    world_advance(&w, SK_SEC(8));
    image_assert_given(&b, IMAGE_NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_fini(&w);
}

static void test_when_all_have_left_the_pull_ends(void **state)
{
    struct world w;
    struct image_asked a, b, late;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    image_ask(&w, &a, IMAGE_NAME, NULL);
    image_ask(&w, &b, IMAGE_NAME, NULL);
    world_advance(&w, SK_SEC(3));
    sk_done_cancel(&a.answer.done);
    sk_done_cancel(&b.answer.done);
    image_ask(&w, &late, IMAGE_NAME, NULL); /* while it is ending */
    world_settle(&w);
    image_assert_failed(&a, SK_CANCELLED, "cancelled");
    image_assert_failed(&b, SK_CANCELLED, "cancelled");
    assert_int_equal(sk_fake_images_pulling(w.images), 1); /* anew */
    world_advance(&w, SK_SEC(11));
    image_assert_given(&late, IMAGE_NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 2);
    world_fini(&w);
}

static void test_a_deleted_sandbox_ends_in_mid_pull(void **state)
{
    struct world w;
    struct answer created, deleted;
    struct sk_record *record;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    record = world_record(&w, "");
    record->spec.image = IMAGE_NAME;
    world_create(&w, record, &created);
    world_advance(&w, SK_SEC(3));
    world_delete(&w, created.sandbox, SK_SEC(30), &deleted);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_TERMINATED);
    assert_int_equal(sk_fake_images_pulling(w.images), 0);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_each_create_has_its_own_deadline(void **state)
{
    struct world w;
    struct answer created;
    struct image_asked patient;
    struct sk_record *record;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    sk_fake_images_pace(w.images, SK_SEC(10));
    record = world_record(&w, "");
    record->spec.image = IMAGE_NAME;
    world_create(&w, record, &created);
    image_ask(&w, &patient, IMAGE_NAME, NULL);
    world_advance(&w, SK_SEC(61)); /* create_limit is 60 */
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_FAILED);
    assert_non_null(
        strstr(sk_sandbox_record(created.sandbox)->state_reason, "no time left while pulling " IMAGE_NAME));
    assert_int_equal(sk_fake_images_pulling(w.images), 1);
    world_advance(&w, SK_SEC(40));
    image_assert_given(&patient, IMAGE_NAME);
    world_fini(&w);
}

static void test_a_pull_has_a_limit(void **state)
{
    struct world w;
    struct image_asked a, b;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    image_restart_with(&w, (struct sk_images_config){.pull_limit = SK_SEC(5)});
    image_ask(&w, &a, IMAGE_NAME, NULL);
    world_advance(&w, SK_SEC(4));
    image_ask(&w, &b, IMAGE_NAME, NULL); /* coming late does not make it longer */
    world_advance(&w, SK_SEC(1));
    image_assert_failed(&a, SK_DEADLINE_EXCEEDED, "longer than 5 s");
    image_assert_failed(&b, SK_DEADLINE_EXCEEDED, IMAGE_NAME);
    assert_int_equal(sk_fake_images_pulling(w.images), 0);
    world_fini(&w);
}

static void test_a_failure_is_told_to_all_and_tried_anew(void **state)
{
    struct world w;
    struct image_asked a, b, again;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    sk_fake_images_cut(w.images, true);
    image_ask(&w, &a, IMAGE_NAME, NULL);
    image_ask(&w, &b, IMAGE_NAME, NULL);
    world_settle(&w);
    image_assert_failed(&a, SK_UNAVAILABLE, "does not answer");
    image_assert_failed(&b, SK_UNAVAILABLE, IMAGE_NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    sk_fake_images_cut(w.images, false);
    image_ask(&w, &again, IMAGE_NAME, NULL);
    world_advance(&w, SK_SEC(11));
    image_assert_given(&again, IMAGE_NAME);
    world_fini(&w);
}

static void assert_shown_reason(struct world *w, struct sk_sandbox *s, const char *reason)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const SK_PB(Sandbox) *shown = (const void *)sk_encode_whole(&arena, s, sk_node_config(w->node));

    assert_string_equal(shown->status->state_reason, reason);
}

/* --- what is seen ---------------------------------------------------------------------- */

static void test_progress_is_told(void **state)
{
    struct world w;
    struct answer created;
    struct sk_record *record;
    char text[SK_IMAGE_WAIT_TEXT];

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    record = world_record(&w, "");
    record->spec.image = IMAGE_NAME;
    world_create(&w, record, &created);
    world_advance(&w, SK_MSEC(500));
    sk_sandbox_describe_progress(created.sandbox, text);
    assert_string_equal(text, "pulling " IMAGE_NAME " 0 %");
    world_advance(&w, SK_SEC(4));
    sk_sandbox_describe_progress(created.sandbox, text);
    assert_string_equal(text, "pulling " IMAGE_NAME " 40 %");
    assert_shown_reason(&w, created.sandbox, text);
    assert_string_equal(sk_sandbox_record(created.sandbox)->state_reason, ""); /* shown, not stored */
    world_advance(&w, SK_SEC(7));
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    sk_sandbox_describe_progress(created.sandbox, text);
    assert_string_equal(text, "");
    assert_shown_reason(&w, created.sandbox, "");
    world_fini(&w);
}

static int hang_pull(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "image.pull") ? SK_FAKE_OK : SK_FAKE_HANG;
}

static void test_progress_without_an_answer_yet(void **state)
{
    struct world w;
    struct image_asked a;
    char text[SK_IMAGE_WAIT_TEXT];

    (void)state;
    world_init(&w);
    world_hook(&w, hang_pull, NULL);
    image_ask(&w, &a, IMAGE_NAME, NULL);
    world_settle(&w);
    sk_image_wait_describe(&a.wait, text);
    assert_string_equal(text, "pulling " IMAGE_NAME);
    sk_done_cancel(&a.answer.done);
    world_settle(&w);
    assert_null(sk_image_wait_progress(&a.wait));
    world_fini(&w);
}

/* --- outages, stops ---------------------------------------------------------------------------------- */

static int no_images(void *arg, const char *call)
{
    const bool *away = arg;
    return *away && !strncmp(call, "image.", 6) ? SK_FAKE_FAIL : SK_FAKE_OK;
}

static void test_a_create_outlasts_a_restart_of_the_runtime(void **state)
{
    struct world w;
    struct answer created;
    struct sk_record *record;
    bool away = true;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    world_hook(&w, no_images, &away);
    record = world_record(&w, "");
    record->spec.image = IMAGE_NAME;
    world_create(&w, record, &created);
    sk_fake_runtime_away(w.runtime, true);
    world_advance(&w, SK_SEC(3));
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_CREATING);
    away = false;
    sk_fake_runtime_away(w.runtime, false);
    world_advance(&w, SK_SEC(12));
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

static void test_a_stop_ends_pulls(void **state)
{
    struct world w;
    struct answer created;
    struct image_asked a;
    struct sk_record *record;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    record = world_record(&w, "");
    record->spec.image = IMAGE_NAME;
    world_create(&w, record, &created);
    image_ask(&w, &a, IMAGE_NAME, NULL); /* somebody who is not told of the stop */
    world_advance(&w, SK_SEC(3));
    SK_AUTO_FREE char *id = sk_strdup(sk_sandbox_record(created.sandbox)->id);
    world_stop(&w);
    image_assert_failed(&a, SK_UNAVAILABLE, "stopping");
    assert_int_equal(sk_fake_images_pulling(w.images), 0);
    world_start(&w); /* and the next daemon begins anew */
    world_advance(&w, SK_SEC(11));
    assert_int_equal(sk_sandbox_record(sk_node_find(w.node, id))->state, SK_STATE_RUNNING);
    world_fini(&w);
}

/* --- sweeps
 * --------------------------------------------------------------------------------------------------- */

static void cancel_by_delete(void *arg)
{
    struct world *w = arg;
    static struct answer deleted;

    if (!sk_list_is_empty(&w->node->sandboxes))
        world_delete(w, sk_list_entry(w->node->sandboxes.next, struct sk_sandbox, link), SK_NS(0), &deleted);
}

static void birth_by_pull(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct answer created;
    struct sk_record *record;

    (void)arg;
    world_init(&w);
    image_publish(&w, NULL);
    world_sweep(&w, sweep);
    sk_sweep_on_cancel(sweep, w.loop, cancel_by_delete, &w);
    record = world_record(&w, "");
    record->spec.image = IMAGE_NAME;
    world_create(&w, record, &created);
    world_advance(&w, SK_SEC(12));
    sk_sweep_pause(sweep, true);
    world_advance(&w, SK_SEC(30));
    if (created.err.code == SK_OK && sweep->flavour == SK_SWEEP_HANG)
        world_advance(&w, SK_SEC(35)); /* past create_limit */
    assert_int_equal(created.count, 1);
    if (sk_sweep_is_clean(sweep))
        assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    if (created.err.code == SK_OK && !sk_state_is_final(sk_sandbox_record(created.sandbox)->state))
        cancel_by_delete(&w);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(sk_fake_images_pulling(w.images), 0);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(birth_by_pull, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_image_that_is_here_costs_one_look),
        cmocka_unit_test(test_noting_a_use_holds_nobody_up),
        cmocka_unit_test(test_a_hundred_creates_make_one_pull),
        cmocka_unit_test(test_names_are_made_full),
        cmocka_unit_test(test_one_who_leaves_stops_nobody),
        cmocka_unit_test(test_when_all_have_left_the_pull_ends),
        cmocka_unit_test(test_a_deleted_sandbox_ends_in_mid_pull),
        cmocka_unit_test(test_each_create_has_its_own_deadline),
        cmocka_unit_test(test_a_pull_has_a_limit),
        cmocka_unit_test(test_a_failure_is_told_to_all_and_tried_anew),
        cmocka_unit_test(test_progress_is_told),
        cmocka_unit_test(test_progress_without_an_answer_yet),
        cmocka_unit_test(test_a_create_outlasts_a_restart_of_the_runtime),
        cmocka_unit_test(test_a_stop_ends_pulls),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
