/* ImportImage, message by message. */
#include "support/image_stream_rig.h"

#include "oci/image_config.h"

#include <sys/utsname.h>

#define IMPORT "/sandkeep.v1.ImageService/ImportImage"

static void send(struct rig *rig, struct sk_server_call *rpc, SK_OWN_PB(ImportImageRequest__StepCase) step,
                 void *what)
{
    SK_OWN_PB(ImportImageRequest) request;

    sandkeep__v1__import_image_request__init(&request);
    request.step_case = step;
    request.start = what;
    fake_say(rpc, &request.base);
    world_settle(&rig->w);
}

static void begin_import(struct rig *rig, struct sk_server_call *rpc)
{
    SK_OWN_PB(ImportImageRequest__Start) start;

    sandkeep__v1__import_image_request__start__init(&start);
    start.name = "mine:1";
    fake_begin(rpc, &rig->w, IMPORT, &rig->imports);
    send(rig, rpc, SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_START), &start);
}

static void announce(struct rig *rig, const char *digest, size_t size)
{
    SK_OWN_PB(BlobDescriptor) blob;

    sandkeep__v1__blob_descriptor__init(&blob);
    blob.digest = (char *)digest;
    blob.size = (int64_t)size;
    send(rig, &rig->rpc, SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_BLOB), &blob);
}

static void chunk(struct rig *rig, const char *text, size_t len)
{
    SK_OWN_PB(ImportImageRequest) request;

    sandkeep__v1__import_image_request__init(&request);
    request.step_case = SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_CHUNK);
    request.chunk = (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)text};
    fake_say(&rig->rpc, &request.base);
    world_settle(&rig->w);
}

static void conclude(struct rig *rig, const char *digest, size_t size)
{
    SK_OWN_PB(ImportImageRequest__Finish) finish;
    SK_OWN_PB(BlobDescriptor) target;

    sandkeep__v1__import_image_request__finish__init(&finish);
    sandkeep__v1__blob_descriptor__init(&target);
    target.media_type = "application/vnd.oci.image.manifest.v1+json";
    target.digest = (char *)digest;
    target.size = (int64_t)size;
    finish.target = &target;
    send(rig, &rig->rpc, SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_FINISH), &finish);
}

static const SK_OWN_PB(ImportImageResponse) * heard(const struct rig *rig)
{
    assert_true(rig->rpc.sent_count);
    return (const void *)rig->rpc.sent[rig->rpc.sent_count - 1];
}

static void bring(struct rig *rig, const char *text, char out_digest[SK_DIGEST_SIZE])
{
    size_t len = strlen(text), half = len / 2;

    sk_digest_of(text, len, out_digest);
    announce(rig, out_digest, len);
    assert_int_equal(heard(rig)->step_case, SK_OWN_PBE(IMPORT_IMAGE_RESPONSE, STEP_BLOB));
    if (!heard(rig)->blob->wanted)
        return;
    chunk(rig, text, half);
    chunk(rig, text + half, len - half);
    assert_int_equal(heard(rig)->step_case, SK_OWN_PBE(IMPORT_IMAGE_RESPONSE, STEP_STORED));
}

static char *config_text(void)
{
    struct utsname host;

    assert_int_equal(uname(&host), 0);
    return sk_printf("{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{\"User\":\"me\"},"
                     "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}",
                     sk_architecture_of(host.machine));
}

static void an_image_is_imported(void **state)
{
    struct rig *rig = *state;
    char config[SK_DIGEST_SIZE], manifest[SK_DIGEST_SIZE];
    SK_AUTO_FREE char *text = config_text();

    begin_import(rig, &rig->rpc);
    assert_int_equal(rig->imports, 1);
    bring(rig, text, config);
    SK_AUTO_FREE char *whole = sk_printf(
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":"
        "{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
        "\"layers\":[]}",
        config, strlen(text));
    bring(rig, whole, manifest);
    announce(rig, config, strlen(text));
    assert_false(heard(rig)->blob->wanted); /* it has come */
    conclude(rig, manifest, strlen(whole));
    must_end(&rig->rpc, SK_OK, "");
    const SK_OWN_PB(ImportImageResponse) *last = heard(rig);
    assert_int_equal(last->step_case, SK_OWN_PBE(IMPORT_IMAGE_RESPONSE, STEP_PROGRESS));
    assert_non_null(last->progress->image);
    assert_string_equal(last->progress->image->name, "docker.io/library/mine:1");
    assert_string_equal(last->progress->image->digest, manifest);
    assert_string_equal(last->progress->image->config->user, "me");
    assert_true(sk_fake_images_has(rig->w.images, "docker.io/library/mine:1"));
    assert_int_equal(rig->imports, 0);
}

static void bytes_that_are_not_those_end_the_import(void **state)
{
    struct rig *rig = *state;
    char digest[SK_DIGEST_SIZE];

    sk_digest_of("right", 5, digest);
    begin_import(rig, &rig->rpc);
    announce(rig, digest, 5);
    chunk(rig, "wrong", 5);
    must_end(&rig->rpc, SK_DATA_LOSS, digest);
    assert_int_equal(rig->imports, 0);
}

static void faults_of_the_stream_end_the_import(void **state)
{
    struct rig *rig = *state;
    char digest[SK_DIGEST_SIZE];

    sk_digest_of("right", 5, digest);
    begin_import(rig, &rig->rpc);
    announce(rig, digest, 5);
    chunk(rig, "too many", 8);
    must_end(&rig->rpc, SK_INVALID_ARGUMENT, "more bytes");
    assert_int_equal(rig->imports, 0);
    fake_fini(&rig->rpc);
    begin_import(rig, &rig->rpc);
    announce(rig, digest, 5);
    fake_say(&rig->rpc, NULL);
    must_end(&rig->rpc, SK_INVALID_ARGUMENT, "5 bytes short");
    fake_fini(&rig->rpc);
    begin_import(rig, &rig->rpc);
    conclude(rig, digest, 5);
    must_end(&rig->rpc, SK_FAILED_PRECONDITION, "has not come");
    assert_int_equal(rig->imports, 0);
}

/* The next message is asked for when the last has been written. */
static void a_fast_client_waits_for_the_disk(void **state)
{
    struct rig *rig = *state;
    char digest[SK_DIGEST_SIZE];

    sk_digest_of("right", 5, digest);
    begin_import(rig, &rig->rpc);
    announce(rig, digest, 5);
    sk_fake_images_calls(rig->w.images)->latency = SK_SEC(100); /* beyond what a client may be silent */
    chunk(rig, "rig", 3);
    assert_false(rig->rpc.wants);
    world_advance(&rig->w, SK_SEC(99));
    assert_false(rig->rpc.wants || rig->rpc.over);
    world_advance(&rig->w, SK_SEC(2));
    assert_true(rig->rpc.wants);
    fake_cancel(&rig->rpc);
    world_settle(&rig->w);
    must_end(&rig->rpc, SK_CANCELLED, "");
    sk_fake_images_calls(rig->w.images)->latency = SK_NS(0);
}

static void a_silent_client_is_sent_away(void **state)
{
    struct rig *rig = *state;
    char digest[SK_DIGEST_SIZE];

    sk_digest_of("right", 5, digest);
    fake_begin(&rig->rpc, &rig->w, IMPORT, &rig->imports);
    world_advance(&rig->w, SK_SEC(61));
    must_end(&rig->rpc, SK_DEADLINE_EXCEEDED, "a minute");
    fake_fini(&rig->rpc);
    begin_import(rig, &rig->rpc);
    world_advance(&rig->w, SK_SEC(59));
    announce(rig, digest, 5);
    world_advance(&rig->w, SK_SEC(59));
    chunk(rig, "ri", 2);
    world_advance(&rig->w, SK_SEC(59));
    assert_false(rig->rpc.over);
    world_advance(&rig->w, SK_SEC(2));
    must_end(&rig->rpc, SK_DEADLINE_EXCEEDED, "a minute");
    assert_int_equal(rig->imports, 0);
}

static void a_client_that_does_not_read_is_sent_away_too(void **state)
{
    struct rig *rig = *state;
    char digest[SK_DIGEST_SIZE];

    sk_digest_of("right", 5, digest);
    begin_import(rig, &rig->rpc);
    rig->rpc.slow = true;
    announce(rig, digest, 5);
    assert_false(rig->rpc.wants);
    world_advance(&rig->w, SK_SEC(61));
    must_end(&rig->rpc, SK_DEADLINE_EXCEEDED, "a minute");
    assert_int_equal(rig->imports, 0);
}

static void few_import_at_a_time(void **state)
{
    struct rig *rig = *state;

    for (size_t i = 0; i < 4; i++)
        begin_import(rig, &rig->others[i]);
    begin_import(rig, &rig->rpc);
    must_end(&rig->rpc, SK_RESOURCE_EXHAUSTED, "4 images");
    assert_int_equal(rig->imports, 4);
    fake_cancel(&rig->others[1]);
    world_settle(&rig->w);
    fake_fini(&rig->rpc);
    begin_import(rig, &rig->rpc);
    assert_false(rig->rpc.over);
    fake_cancel(&rig->rpc);
    for (size_t i = 0; i < 4; i++) {
        if (!rig->others[i].over)
            fake_cancel(&rig->others[i]);
    }
    world_settle(&rig->w);
    assert_int_equal(rig->imports, 0);
}

static int hang(void *arg, const char *call)
{
    return strcmp(call, arg) == 0 ? SK_FAKE_HANG : SK_FAKE_OK;
}

/* Wherever the client goes away, the driver answers, and nothing stays. */
static void a_client_may_go_at_any_step(void **state)
{
    static const char *const calls[] = {"image.import_open",   "image.import_blob",   "image.import_write",
                                        "image.import_commit", "image.import_finish", "image.inspect"};
    struct rig *rig = *state;
    char config[SK_DIGEST_SIZE], manifest[SK_DIGEST_SIZE];
    SK_AUTO_FREE char *text = config_text();

    sk_digest_of(text, strlen(text), config);
    SK_AUTO_FREE char *whole = sk_printf(
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
        "\"digest\":\"%s\",\"size\":%zu},\"layers\":[]}",
        config, strlen(text));
    sk_digest_of(whole, strlen(whole), manifest);
    for (size_t i = 0; i < sk_array_len(calls); i++) {
        sk_fake_images_calls(rig->w.images)->hook = hang;
        sk_fake_images_calls(rig->w.images)->arg = (void *)(uintptr_t)calls[i];
        begin_import(rig, &rig->rpc);
        if (i > 0)
            announce(rig, i > 3 ? manifest : config, i > 3 ? strlen(whole) : strlen(text));
        if (i == 2 || i == 3)
            chunk(rig, text, strlen(text));
        if (i > 3) {
            chunk(rig, whole, strlen(whole));
            bring(rig, text, config);
            conclude(rig, manifest, strlen(whole));
        }
        assert_false(rig->rpc.wants || rig->rpc.over);
        fake_cancel(&rig->rpc);
        world_settle(&rig->w);
        must_end(&rig->rpc, SK_CANCELLED, "");
        assert_int_equal(rig->imports, 0);
        fake_fini(&rig->rpc);
        rig->rpc = (struct sk_server_call){0};
    }
    sk_fake_images_calls(rig->w.images)->hook = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_image_is_imported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_that_are_not_those_end_the_import, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_of_the_stream_end_the_import, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fast_client_waits_for_the_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_silent_client_is_sent_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_does_not_read_is_sent_away_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(few_import_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_may_go_at_any_step, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
