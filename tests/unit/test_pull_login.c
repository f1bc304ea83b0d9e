/* Whose an image is that was fetched with a login. */
#include "support/images_rig.h"

static void test_login_and_puller(void **state)
{
    struct rig r;
    struct rig_call call, found;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS};
    char username[] = "reader";

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    const struct sk_image_login login = {"registry.test", username, "secret"};
    struct sk_image_pull pull = {RIG_NAME, &login, "who", INT64_C(1) << 30, &call.progress};
    r.base->ops->pull(r.base, &pull, &call.image, rig_call_init(&call));
    memset(username, 'x', strlen(username)); /* it was copied */
    sk_vloop_settle(r.loop);
    assert_int_equal(call.err.code, SK_OK);
    assert_string_equal(call.image->puller, "who");
    assert_string_equal(sk_fake_registry_counts(r.registry)->username, "reader");
    assert_int_equal(rig_find(&r, &found, RIG_NAME), SK_OK);
    assert_string_equal(found.image->puller, "who");
    sk_image_free(found.image);
    sk_image_free(call.image);
    rig_image_fini(&image);
    rig_fini(&r);
}

static enum sk_code pull_with_login(struct rig *r, struct rig_call *call)
{
    const struct sk_image_login login = {"registry.test", "reader", "secret"};
    const struct sk_image_pull pull = {RIG_NAME, &login, "who", INT64_C(1) << 30, &call->progress};

    r->base->ops->pull(r->base, &pull, &call->image, rig_call_init(call));
    sk_vloop_settle(r->loop);
    assert_int_equal(call->answers, 1);
    return call->err.code;
}

static void assert_puller(struct rig *r, const char *puller)
{
    const struct sk_fake_thing *named = sk_fake_content_find(r->content, SK_FAKE_IMAGE, RIG_NAME);

    assert_non_null(named);
    assert_string_equal(named->image.puller, puller);
}

/* Somebody's login does not take away what everybody had; what it alone brought is its own. */
static void test_what_was_everybodys_stays_so(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = RIG_THREE_LAYERS, .index_architecture = "amd64"};
    struct rig_image next = {.tag = "1", .layers = {"another", NULL}, .index_architecture = "amd64"};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK);
    sk_image_free(call.image);
    assert_int_equal(pull_with_login(&r, &call), SK_OK);
    assert_string_equal(call.image->puller, "");
    sk_image_free(call.image);
    assert_puller(&r, "");
    rig_remove(&r, RIG_NAME);
    assert_int_equal(pull_with_login(&r, &call), SK_OK);
    sk_image_free(call.image);
    assert_puller(&r, "who"); /* nobody else has been shown it */
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK);
    sk_image_free(call.image);
    assert_puller(&r, "");
    rig_publish(&r, &next);
    assert_int_equal(pull_with_login(&r, &call), SK_OK);
    sk_image_free(call.image);
    assert_puller(&r, "who"); /* the name stands for something new */
    rig_image_fini(&image);
    rig_image_fini(&next);
    rig_fini(&r);
}

/* Digests are no secrets: an index of a stranger's that names what lies here does not bring it. */
static void test_a_strangers_index_opens_nothing(void **state)
{
    static const int lies[] = {0, 1}; /* the size is not told either */
    struct rig r;
    struct rig_call call;
    struct rig_image hidden = {.tag = "1", .layers = RIG_THREE_LAYERS};
    char digest[SK_DIGEST_SIZE];

    (void)state;
    rig_init(&r);
    rig_publish(&r, &hidden);
    assert_int_equal(pull_with_login(&r, &call), SK_OK);
    sk_image_free(call.image);
    sk_fake_registry_bend(r.registry)->fails = SK_NOT_FOUND; /* the stranger's has not got it */
    sk_fake_registry_bend(r.registry)->fails_only = hidden.digest;
    for (size_t i = 0; i < sk_array_len(lies); i++) {
        SK_AUTO_FREE char *tag = sk_printf("bait%zu", i), *name = sk_printf("evil.example/x:%s", tag);
        SK_AUTO_FREE char *index =
            sk_printf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" TYPE_MANIFEST
                      "\",\"digest\":\"%s\",\"size\":%zu,"
                      "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
                      hidden.digest, strlen(hidden.manifest_text) + (size_t)lies[i]);
        sk_fake_registry_add_manifest(r.registry, tag, TYPE_INDEX, index, digest);
        assert_int_equal(rig_pull_now(&r, &call, name), SK_NOT_FOUND);
        assert_null(sk_fake_content_find(r.content, SK_FAKE_IMAGE, name));
    }
    rig_image_fini(&hidden);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_login_and_puller),
        cmocka_unit_test(test_what_was_everybodys_stays_so),
        cmocka_unit_test(test_a_strangers_index_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
