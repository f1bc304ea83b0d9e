/* PullImage, message by message, and what is shown of the images that are there. */
#include "support/image_stream_rig.h"

#define PULL "/sandkeep.v1.ImageService/PullImage"

/* --- pull --------------------------------------------------------------------------- */

static void begin_pull(struct rig *rig, const char *name)
{
    SK_OWN_PB(PullImageRequest) request;

    sandkeep__v1__pull_image_request__init(&request);
    request.name = (char *)name;
    fake_begin(&rig->rpc, &rig->w, PULL, &rig->imports);
    fake_say(&rig->rpc, &request.base);
}

static void publish(struct rig *rig, unsigned layers, struct sk_duration pace)
{
    const struct sk_fake_image image = {
        .name = "docker.io/library/new:1", .bytes = 1 << 20, .layers = layers, .user = "app"};

    sk_fake_images_publish(rig->w.images, &image);
    sk_fake_images_pace(rig->w.images, pace);
}

static const SK_OWN_PB(PullImageResponse) * said(const struct sk_server_call *rpc, size_t n)
{
    assert_true(n < rpc->sent_count);
    return (const void *)rpc->sent[n];
}

static void a_pull_tells_how_far_it_is(void **state)
{
    struct rig *rig = *state;

    publish(rig, 4, SK_SEC(1));
    begin_pull(rig, "new:1");
    assert_int_equal(rig->rpc.sent_count, 1); /* at once */
    assert_int_equal(said(&rig->rpc, 0)->phase, SK_OWN_PBE(PULL_PHASE, PULL_PHASE_WAITING));
    world_advance(&rig->w, SK_SEC(10));
    must_end(&rig->rpc, SK_OK, "");
    assert_in_range(rig->rpc.sent_count, 4, 12); /* only what is news */
    const SK_OWN_PB(PullImageResponse) *last = said(&rig->rpc, rig->rpc.sent_count - 1);
    assert_int_equal(last->phase, SK_OWN_PBE(PULL_PHASE, PULL_PHASE_DONE));
    assert_non_null(last->image);
    assert_string_equal(last->image->name, "docker.io/library/new:1");
    assert_non_null(last->image->config);
    assert_string_equal(last->image->config->user, "app");
    assert_int_equal(last->done_bytes, last->total_bytes);
    for (size_t i = 0; i + 1 < rig->rpc.sent_count; i++) {
        assert_null(said(&rig->rpc, i)->image);
        if (i)
            assert_true(said(&rig->rpc, i)->done_bytes >= said(&rig->rpc, i - 1)->done_bytes);
    }
}

/* However much happens, five times a second will do. */
static void a_fast_pull_does_not_chatter(void **state)
{
    struct rig *rig = *state;

    publish(rig, 200, SK_MSEC(10));
    begin_pull(rig, "new:1");
    world_advance(&rig->w, SK_SEC(10));
    must_end(&rig->rpc, SK_OK, "");
    assert_in_range(rig->rpc.sent_count, 5, 14);
}

static void a_client_that_does_not_read_gets_one_message(void **state)
{
    struct rig *rig = *state;

    publish(rig, 4, SK_SEC(1));
    fake_begin(&rig->rpc, &rig->w, PULL, &rig->imports);
    rig->rpc.slow = true;
    SK_OWN_PB(PullImageRequest) request;
    sandkeep__v1__pull_image_request__init(&request);
    request.name = "new:1";
    fake_say(&rig->rpc, &request.base);
    world_advance(&rig->w, SK_SEC(10));
    must_end(&rig->rpc, SK_OK, "");
    assert_int_equal(rig->rpc.sent_count, 2); /* the first and the last */
}

static void a_client_that_goes_ends_the_pull(void **state)
{
    struct rig *rig = *state;

    publish(rig, 4, SK_SEC(1));
    begin_pull(rig, "new:1");
    world_advance(&rig->w, SK_SEC(1));
    assert_int_equal(sk_fake_images_pulling(rig->w.images), 1);
    fake_cancel(&rig->rpc);
    world_advance(&rig->w, SK_MSEC(10));
    must_end(&rig->rpc, SK_CANCELLED, "");
    assert_int_equal(sk_fake_images_pulling(rig->w.images), 0);
    assert_false(sk_fake_images_has(rig->w.images, "docker.io/library/new:1"));
}

static void begin_pull_as(struct rig *rig, const char *name, bool is_admin)
{
    SK_OWN_PB(PullImageRequest) request;

    fake_fini(&rig->rpc);
    sandkeep__v1__pull_image_request__init(&request);
    request.name = (char *)name;
    fake_open(&rig->rpc, &rig->w, PULL, &rig->imports);
    rig->rpc.call.caller.is_admin = is_admin;
    rig->rpc.call.method.stream(&rig->rpc.call);
    fake_say(&rig->rpc, &request.base);
    world_advance(&rig->w, SK_SEC(10));
}

/* "never" is the operator's word, and no tenant's call goes round it. */
static void never_means_that_admins_pull(void **state)
{
    struct rig *rig = *state;

    publish(rig, 1, SK_SEC(1));
    begin_pull_as(rig, "new:1", false);
    must_end(&rig->rpc, SK_OK, "");
    world_stop(&rig->w);
    rig->w.config.images.pull_policy = SK_PULL_NEVER;
    world_start(&rig->w);
    size_t pulls = sk_fake_images_pulls(rig->w.images);
    begin_pull_as(rig, "new:1", false);
    must_end(&rig->rpc, SK_PERMISSION_DENIED, "image_pull_policy is \"never\"");
    assert_int_equal(sk_fake_images_pulls(rig->w.images), pulls);
    begin_pull_as(rig, "new:1", true);
    must_end(&rig->rpc, SK_OK, "");
    assert_int_equal(sk_fake_images_pulls(rig->w.images), pulls + 1);
}

static void pulls_that_cannot_be_are_refused(void **state)
{
    struct rig *rig = *state;

    begin_pull(rig, "Not A Name");
    must_end(&rig->rpc, SK_INVALID_ARGUMENT, "name: ");
    fake_fini(&rig->rpc);
    begin_pull(rig, "absent:1");
    world_settle(&rig->w);
    must_end(&rig->rpc, SK_NOT_FOUND, "absent:1");
    fake_fini(&rig->rpc);
    fake_begin(&rig->rpc, &rig->w, PULL, &rig->imports);
    fake_say(&rig->rpc, NULL);
    must_end(&rig->rpc, SK_INVALID_ARGUMENT, "no request");
    fake_fini(&rig->rpc);
    fake_begin(&rig->rpc, &rig->w, PULL, &rig->imports);
    fake_cancel(&rig->rpc);
    must_end(&rig->rpc, SK_CANCELLED, "");
}

/* --- what is there -------------------------------------------------------------------- */

static void ask_about(struct rig *rig, const char *path, const ProtobufCMessage *request, bool is_admin)
{
    size_t len;

    fake_fini(&rig->rpc);
    fake_open(&rig->rpc, &rig->w, path, NULL);
    rig->rpc.call.caller = (struct sk_caller){.tenant = "blue", .key_id = "", .is_admin = is_admin};
    const uint8_t *bytes = sk_pb_pack(&rig->rpc.arena, request, &len);
    rig->rpc.call.method.unary(&rig->rpc.call,
                               sk_pb_unpack(&rig->rpc.arena, request->descriptor, bytes, len));
    world_settle(&rig->w);
    must_end(&rig->rpc, SK_OK, "");
}

static const SK_OWN_PB(Image) * get(struct rig *rig, bool is_admin)
{
    SK_OWN_PB(GetImageRequest) request;

    sandkeep__v1__get_image_request__init(&request);
    request.name = "new:1";
    ask_about(rig, "/sandkeep.v1.ImageService/GetImage", &request.base, is_admin);
    return (const void *)rig->rpc.sent[0];
}

static const SK_OWN_PB(Image) * list(struct rig *rig, bool is_admin)
{
    SK_OWN_PB(ListImagesRequest) request;

    sandkeep__v1__list_images_request__init(&request);
    ask_about(rig, "/sandkeep.v1.ImageService/ListImages", &request.base, is_admin);
    const SK_OWN_PB(ListImagesResponse) *out = (const void *)rig->rpc.sent[0];
    for (size_t i = 0; i < out->n_images; i++)
        if (!strcmp(out->images[i]->name, "docker.io/library/new:1"))
            return out->images[i];
    fail_msg("it is not listed");
    return NULL;
}

static void assert_seen(const SK_OWN_PB(Image) * image, bool is_private, bool has_config, bool has_digest)
{
    assert_string_equal(image->name, "docker.io/library/new:1");
    assert_int_equal(image->private_, is_private);
    assert_int_equal(image->config != NULL, has_config);
    assert_int_equal(*image->digest != '\0', has_digest);
}

/* That there is a private image is told to everybody, what is in it is not. */
static void private_images_are_not_shown(void **state)
{
    struct rig *rig = *state;
    SK_OWN_PB(PullImageRequest) request;
    SK_OWN_PB(RegistryLogin) login;

    publish(rig, 1, SK_SEC(0));
    begin_pull_as(rig, "new:1", false);
    assert_seen(get(rig, false), false, true, true);
    assert_seen(list(rig, false), false, false, true);
    const struct sk_fake_image next = {
        .name = "docker.io/library/new:1", .bytes = 1 << 20, .user = "app", .revision = 1};
    sk_fake_images_publish(rig->w.images, &next);
    sandkeep__v1__pull_image_request__init(&request);
    sandkeep__v1__registry_login__init(&login);
    request.name = "new:1";
    login.username = "robot";
    login.password = "right horse";
    request.login = &login;
    fake_fini(&rig->rpc);
    fake_begin(&rig->rpc, &rig->w, PULL, &rig->imports);
    fake_say(&rig->rpc, &request.base);
    world_advance(&rig->w, SK_SEC(10));
    must_end(&rig->rpc, SK_OK, "");
    assert_seen(said(&rig->rpc, rig->rpc.sent_count - 1)->image, true, true, true); /* whoever pulled it */
    assert_seen(get(rig, false), true, false, false);
    assert_seen(list(rig, false), true, false, false);
    assert_seen(get(rig, true), true, true, true);
    assert_seen(list(rig, true), true, false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pull_tells_how_far_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fast_pull_does_not_chatter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_does_not_read_gets_one_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_goes_ends_the_pull, set_up, tear_down),
        cmocka_unit_test_setup_teardown(never_means_that_admins_pull, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pulls_that_cannot_be_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(private_images_are_not_shown, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
