/* A whole pull: what is asked for, what stays, what is refused. */
#include "support/images_rig.h"
#include "support/sweep.h"

static void test_an_image_comes_whole_and_stays(void **state)
{
    struct rig r;
    struct rig_call call, again;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS, .index_architecture = "amd64"};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK);
    assert_string_equal(call.image->name, RIG_NAME);
    assert_string_equal(call.image->digest, image.digest);
    assert_string_equal(call.image->user, "app");
    assert_string_equal(call.image->puller, "");
    assert_int_equal(call.progress.phase, SK_IMAGE_DONE);
    assert_int_equal(call.progress.done_bytes, call.progress.total_bytes);
    assert_int_equal(call.progress.layers_done, 3);
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 0);
    sk_fake_content_collect(r.content);
    assert_int_equal(rig_count(&r, SK_FAKE_BLOB), 6); /* index, manifest, config, layers */
    assert_int_equal(rig_count(&r, SK_FAKE_SNAPSHOT), 3);
    const struct sk_fake_thing *named = sk_fake_content_find(r.content, SK_FAKE_IMAGE, RIG_NAME);
    assert_non_null(named);
    assert_string_equal(named->image.target.digest, image.target);
    assert_string_equal(named->image.target.media_type, TYPE_INDEX);
    assert_int_equal(named->image.target.size, image.target_size);
    assert_int_equal(rig_find(&r, &again, RIG_NAME), SK_OK);
    assert_string_equal(again.image->snapshot_parent, call.image->snapshot_parent);
    sk_image_free(again.image);
    sk_image_free(call.image);
    rig_remove(&r, RIG_NAME);
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_what_is_here_is_not_fetched(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image first = {.tag = "1", .layers = {"base", "app", NULL}};
    struct rig_image second = {.tag = "2", .layers = {"base", "app", "more", NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &first);
    rig_publish(&r, &second);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK);
    sk_image_free(call.image);
    assert_int_equal(sk_fake_registry_counts(r.registry)->blobs, 3);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK);
    sk_image_free(call.image);
    assert_int_equal(sk_fake_registry_counts(r.registry)->blobs, 3);
    assert_int_equal(rig_pull_now(&r, &call, "registry.test/app:2"), SK_OK);
    sk_image_free(call.image);
    assert_int_equal(sk_fake_registry_counts(r.registry)->blobs, 5); /* its config, and one layer */
    assert_int_equal(call.progress.done_bytes, call.progress.total_bytes);
    rig_image_fini(&first);
    rig_image_fini(&second);
    rig_fini(&r);
}

/* What lies behind an index is asked for each time: the registry is to show that it has it. */
static void test_what_an_index_names_is_asked_for(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS, .index_architecture = "amd64"};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    for (unsigned i = 1; i <= 2; i++) {
        assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK);
        sk_image_free(call.image);
        assert_int_equal(sk_fake_registry_counts(r.registry)->manifests, 2 * i);
        assert_int_equal(sk_fake_registry_counts(r.registry)->blobs, 4); /* of the first time */
    }
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_an_image_without_layers(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1"};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK);
    assert_string_equal(call.image->snapshot_parent, "");
    sk_image_free(call.image);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_a_layer_that_comes_twice(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = {"same", "same", "other", "same", NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK);
    assert_int_equal(sk_fake_registry_counts(r.registry)->blobs, 3);
    assert_int_equal(rig_count(&r, SK_FAKE_SNAPSHOT), 4);
    assert_int_equal(call.progress.done_bytes, call.progress.total_bytes);
    sk_image_free(call.image);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_a_digest_is_held_to(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS};
    struct rig_image other = {.tag = "2", .layers = {"other", NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    SK_AUTO_FREE char *name = sk_printf("registry.test/app@%s", image.target);
    assert_int_equal(rig_pull_now(&r, &call, name), SK_OK);
    assert_string_equal(call.image->digest, image.digest);
    sk_image_free(call.image);
    rig_remove(&r, name);
    rig_publish(&r, &other);
    sk_fake_registry_bend(r.registry)->wrong_manifests = true;
    assert_int_equal(rig_pull_now(&r, &call, name), SK_DATA_LOSS);
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_image_fini(&other);
    rig_fini(&r);
}

/* --- what is refused -------------------------------------------------------------------- */

static void assert_refused(struct rig_image *image, enum sk_code code, const char *says)
{
    struct rig r;
    struct rig_call call;

    rig_init(&r);
    rig_publish(&r, image);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), code);
    assert_non_null(strstr(call.err.text, "image " RIG_NAME ": "));
    assert_non_null(strstr(call.err.text, says));
    rig_assert_empty(&r);
    rig_image_fini(image);
    rig_fini(&r);
}

static void test_images_that_contradict_themselves(void **state)
{
    (void)state;
    assert_refused(&(struct rig_image){.tag = "1", .layers = RIG_THREE_LAYERS, .diff_ids_left_out = 1},
                   SK_FAILED_PRECONDITION, "3 layers");
    assert_refused(&(struct rig_image){.tag = "1", .layers = RIG_THREE_LAYERS, .architecture = "s390x"},
                   SK_FAILED_PRECONDITION, "linux/amd64");
    assert_refused(&(struct rig_image){.tag = "1", .layers = RIG_THREE_LAYERS, .index_architecture = "s390x"},
                   SK_FAILED_PRECONDITION, "linux/amd64");
    assert_refused(
        &(struct rig_image){
            .tag = "1", .layers = RIG_THREE_LAYERS, .index_architecture = "amd64", .manifest_size_lie = 1},
        SK_FAILED_PRECONDITION, "said to have");
    assert_refused(&(struct rig_image){.tag = "1", .layers = RIG_THREE_LAYERS, .size_lie = 1}, SK_DATA_LOSS,
                   "");
    assert_refused(&(struct rig_image){.tag = "1", .layers = RIG_THREE_LAYERS, .size_lie = -1}, SK_DATA_LOSS,
                   "");
    assert_refused(&(struct rig_image){.tag = "1", .layers = RIG_THREE_LAYERS, .config_size = 5 << 20},
                   SK_FAILED_PRECONDITION, "the image's config has");
    assert_refused(&(struct rig_image){.tag = "1", .layers = RIG_THREE_LAYERS, .size_lie = INT64_C(2) << 30},
                   SK_RESOURCE_EXHAUSTED, "above the limit");
}

static void assert_document_refused(const char *text, enum sk_code code, const char *says)
{
    struct rig r;
    struct rig_call call;
    char digest[SK_DIGEST_SIZE];

    rig_init(&r);
    sk_fake_registry_add_manifest(r.registry, "1", TYPE_INDEX, text, digest);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), code);
    assert_non_null(strstr(call.err.text, says));
    assert_int_equal(sk_fake_registry_counts(r.registry)->blobs, 0);
    rig_assert_empty(&r);
    rig_fini(&r);
}

static void test_documents_that_are_none(void **state)
{
    struct sk_buf many;

    (void)state;
    assert_document_refused("", SK_FAILED_PRECONDITION, "");
    assert_document_refused("[1, 2", SK_FAILED_PRECONDITION, "");
    assert_document_refused("{\"schemaVersion\":1}", SK_FAILED_PRECONDITION, "schema 1");
    sk_buf_init(&many, SK_OCI_BLOB_MAX);
    (void)!sk_buf_printf(&many, "{\"config\":{\"digest\":\"sha256:%064d\",\"size\":1},\"layers\":[{}", 0);
    for (int i = 1; i < 10000; i++)
        (void)!sk_buf_printf(&many,
                             ",{\"mediaType\":\"" TYPE_TAR "\",\"digest\":\"sha256:%064d\",\"size\":1}", i);
    (void)!sk_buf_printf(&many, "]}");
    SK_AUTO_FREE char *text = sk_buf_take_text(&many);
    assert_document_refused(text, SK_FAILED_PRECONDITION, "layers");
}

static void test_an_index_of_indexes(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "0", .layers = RIG_THREE_LAYERS, .index_architecture = "amd64"};
    char digest[SK_DIGEST_SIZE];

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    SK_AUTO_FREE char *outer =
        sk_printf("{\"manifests\":[{\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\","
                  "\"architecture\":\"amd64\"}}]}",
                  image.target, image.target_size);
    sk_fake_registry_add_manifest(r.registry, "1", TYPE_INDEX, outer, digest);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(call.err.text, "index of indexes"));
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_what_swells_is_stopped(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_content_swell(r.content, INT64_C(40) << 20); /* the first two fit, all three do not */
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_RESOURCE_EXHAUSTED);
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_what_the_registry_says_is_passed_on(void **state)
{
    static const enum sk_code rows[] = {SK_NOT_FOUND, SK_UNAUTHENTICATED, SK_PERMISSION_DENIED,
                                        SK_UNAVAILABLE, SK_RESOURCE_EXHAUSTED};

    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        struct rig r;
        struct rig_call call;
        rig_init(&r);
        sk_fake_registry_bend(r.registry)->fails = rows[i];
        assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), rows[i]);
        assert_non_null(strstr(call.err.text, "image " RIG_NAME));
        assert_non_null(strstr(call.err.text, "registry.test"));
        rig_assert_empty(&r); /* not even a lease: nothing was fetched */
        rig_fini(&r);
    }
}

static void test_no_valid_name(void **state)
{
    struct rig r;
    struct rig_call call;

    (void)state;
    rig_init(&r);
    assert_int_equal(rig_pull_now(&r, &call, "UPPER CASE"), SK_INVALID_ARGUMENT);
    rig_assert_empty(&r);
    rig_fini(&r);
}

/* --- whatever goes wrong ------------------------------------------------------------------------ */

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

static bool is_lasting(enum sk_code code)
{
    return code != SK_OK && code != SK_CANCELLED && code != SK_UNAVAILABLE && code != SK_DEADLINE_EXCEEDED;
}

/* Nothing is left but what an hour's lease holds; the next pull goes on from there, and ends well. */
static void pull_once(struct sk_sweep *sweep, void *arg)
{
    struct swept s;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS, .index_architecture = "amd64"};

    (void)arg;
    rig_init(&s.rig);
    rig_publish(&s.rig, &image);
    struct sk_fake_calls *calls = sk_fake_content_calls(s.rig.content);
    calls->hook = sk_fake_registry_bend(s.rig.registry)->hook = sk_sweep_hook;
    calls->arg = sk_fake_registry_bend(s.rig.registry)->arg = sweep;
    sk_sweep_on_cancel(sweep, s.rig.loop, cancel_pull, &s);
    rig_pull(&s.rig, &s.call, RIG_NAME);
    sk_vloop_advance(s.rig.loop, SK_SEC(60));
    bool hangs = !s.call.answers;
    cancel_pull(&s);
    sk_vloop_advance(s.rig.loop, SK_SEC(60));
    assert_int_equal(s.call.answers, 1);
    if (sk_sweep_is_clean(sweep))
        assert_int_equal(s.call.err.code, SK_OK);
    assert_false(hangs && s.call.err.code == SK_OK);
    assert_false(is_lasting(s.call.err.code));
    assert_int_equal(s.call.image != NULL, s.call.err.code == SK_OK);
    sk_image_free(s.call.image);
    sk_sweep_pause(sweep, true);
    calls->limit = SK_SEC(1);
    assert_int_equal(rig_pull_now(&s.rig, &s.call, RIG_NAME), SK_OK);
    sk_image_free(s.call.image);
    rig_remove(&s.rig, RIG_NAME);
    sk_vloop_advance(s.rig.loop, SK_SEC(3601)); /* a lease that could not be let go of has run out */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_image_comes_whole_and_stays),
        cmocka_unit_test(test_what_is_here_is_not_fetched),
        cmocka_unit_test(test_what_an_index_names_is_asked_for),
        cmocka_unit_test(test_an_image_without_layers),
        cmocka_unit_test(test_a_layer_that_comes_twice),
        cmocka_unit_test(test_a_digest_is_held_to),
        cmocka_unit_test(test_images_that_contradict_themselves),
        cmocka_unit_test(test_documents_that_are_none),
        cmocka_unit_test(test_an_index_of_indexes),
        cmocka_unit_test(test_what_swells_is_stopped),
        cmocka_unit_test(test_what_the_registry_says_is_passed_on),
        cmocka_unit_test(test_no_valid_name),
        cmocka_unit_test(test_failure_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
