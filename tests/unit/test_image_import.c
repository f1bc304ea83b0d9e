/* The course of an import: every message in every state, and what it may say. */
#include "api/image_import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef SK_OWN_PB(ImportImageRequest) request;

struct rig {
    struct sk_import_course course;
    struct sk_err err;
    SK_OWN_PB(ImportImageRequest__Start) start;
    SK_OWN_PB(ImportImageRequest__Finish) finish;
    SK_OWN_PB(BlobDescriptor) blob;
    request message;
};

static int set_up(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));

    sandkeep__v1__import_image_request__start__init(&rig->start);
    sandkeep__v1__import_image_request__finish__init(&rig->finish);
    sandkeep__v1__blob_descriptor__init(&rig->blob);
    rig->start.name = "python:3.11";
    rig->blob.media_type = "application/vnd.oci.image.manifest.v1+json";
    rig->blob.digest = DIGEST;
    rig->blob.size = 10;
    rig->finish.target = &rig->blob;
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static enum sk_code say(struct rig *rig, SK_OWN_PB(ImportImageRequest__StepCase) step, void *what)
{
    sandkeep__v1__import_image_request__init(&rig->message);
    rig->message.step_case = step;
    rig->message.start = what;
    rig->err = (struct sk_err){0};
    return sk_import_take(&rig->course, &rig->message, &rig->err);
}

static enum sk_code start(struct rig *rig)
{
    return say(rig, SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_START), &rig->start);
}

static enum sk_code blob(struct rig *rig)
{
    return say(rig, SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_BLOB), &rig->blob);
}

static enum sk_code finish(struct rig *rig)
{
    return say(rig, SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_FINISH), &rig->finish);
}

static enum sk_code chunk(struct rig *rig, size_t len)
{
    static uint8_t bytes[SK_IMPORT_CHUNK_MAX + 1];

    sandkeep__v1__import_image_request__init(&rig->message);
    rig->message.step_case = SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_CHUNK);
    rig->message.chunk = (ProtobufCBinaryData){.len = len, .data = bytes};
    rig->err = (struct sk_err){0};
    return sk_import_take(&rig->course, &rig->message, &rig->err);
}

static void a_whole_import_passes(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(start(rig), SK_OK);
    assert_string_equal(rig->course.name, "docker.io/library/python:3.11");
    assert_int_equal(blob(rig), SK_OK);
    assert_string_equal(rig->course.digest, DIGEST);
    assert_int_equal(chunk(rig, 4), SK_OK);
    assert_int_equal(chunk(rig, 6), SK_OK);
    assert_int_equal(rig->course.missing, 0);
    sk_import_end_blob(&rig->course);
    assert_int_equal(blob(rig), SK_OK);
    sk_import_end_blob(&rig->course); /* not wanted */
    assert_int_equal(finish(rig), SK_OK);
    assert_int_equal(rig->course.state, SK_IMPORT_OVER);
    assert_string_equal(rig->course.target.digest, DIGEST);
    assert_string_equal(rig->course.target.media_type, rig->blob.media_type);
    assert_int_equal(rig->course.target.size, 10);
}

static void must_refuse(struct rig *rig, enum sk_code code, const char *why)
{
    assert_int_equal(code, SK_INVALID_ARGUMENT);
    if (!strstr(rig->err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", rig->err.text, why);
}

static void wrong_order_is_refused(void **state)
{
    struct rig *rig = *state;

    must_refuse(rig, blob(rig), "first message must be start");
    must_refuse(rig, chunk(rig, 1), "first message must be start");
    must_refuse(rig, finish(rig), "first message must be start");
    assert_int_equal(start(rig), SK_OK);
    must_refuse(rig, start(rig), "a blob or finish");
    must_refuse(rig, chunk(rig, 1), "a blob or finish");
    must_refuse(rig, say(rig, SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP__NOT_SET), NULL), "a blob or finish");
    assert_int_equal(blob(rig), SK_OK);
    assert_int_equal(chunk(rig, 3), SK_OK);
    must_refuse(rig, blob(rig), "7 bytes are still to come");
    must_refuse(rig, finish(rig), "7 bytes are still to come");
    assert_int_equal(chunk(rig, 7), SK_OK);
    sk_import_end_blob(&rig->course);
    assert_int_equal(finish(rig), SK_OK);
    must_refuse(rig, start(rig), "after finish");
    must_refuse(rig, finish(rig), "after finish");
}

static void chunks_keep_to_what_was_announced(void **state)
{
    struct rig *rig = *state;

    rig->blob.size = SK_IMPORT_CHUNK_MAX + 10;
    assert_int_equal(start(rig), SK_OK);
    assert_int_equal(blob(rig), SK_OK);
    must_refuse(rig, chunk(rig, 0), "must not be empty");
    must_refuse(rig, chunk(rig, SK_IMPORT_CHUNK_MAX + 1), "too long");
    assert_int_equal(chunk(rig, SK_IMPORT_CHUNK_MAX), SK_OK);
    must_refuse(rig, chunk(rig, 11), "more bytes came");
    assert_int_equal(rig->course.missing, 10);
}

static void an_early_end_is_told(void **state)
{
    struct rig *rig = *state;

    must_refuse(rig, sk_import_take(&rig->course, NULL, &rig->err), "before finish");
    assert_int_equal(start(rig), SK_OK);
    must_refuse(rig, sk_import_take(&rig->course, NULL, &rig->err), "before finish");
    assert_int_equal(blob(rig), SK_OK);
    must_refuse(rig, sk_import_take(&rig->course, NULL, &rig->err), "ended 10 bytes short");
}

static void bad_fields_are_named(void **state)
{
    struct rig *rig = *state;

    rig->start.name = "Not A Name";
    must_refuse(rig, start(rig), "");
    assert_string_equal(rig->err.field, "start.name");
    assert_int_equal(rig->course.state, SK_IMPORT_NEW);
    rig->start.name = "a";
    assert_int_equal(start(rig), SK_OK);
    rig->blob.size = -1;
    must_refuse(rig, blob(rig), "negative");
    rig->blob.size = 1;
    rig->blob.digest = "sha256:short";
    must_refuse(rig, blob(rig), "hexadecimal");
    assert_string_equal(rig->err.field, "blob.digest");
    must_refuse(rig, finish(rig), "hexadecimal");
    rig->finish.target = NULL;
    must_refuse(rig, finish(rig), "must name");
    assert_string_equal(rig->err.field, "finish.target");
    assert_int_equal(rig->course.state, SK_IMPORT_BETWEEN);
}

static void a_target_that_is_no_manifest_is_refused(void **state)
{
    struct rig *rig = *state;
    char type[SK_OCI_TYPE_MAX + 1];

    assert_int_equal(start(rig), SK_OK);
    rig->blob.size = (int64_t)SK_OCI_BLOB_MAX + 1;
    must_refuse(rig, finish(rig), "too large");
    rig->blob.size = 1;
    memset(type, 'a', sizeof(type) - 1);
    type[sizeof(type) - 1] = '\0';
    rig->blob.media_type = type;
    must_refuse(rig, finish(rig), "too large");
}

static void the_number_of_blobs_is_limited(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(start(rig), SK_OK);
    for (int i = 0; i < SK_IMPORT_BLOBS_MAX; i++) {
        assert_int_equal(blob(rig), SK_OK);
        sk_import_end_blob(&rig->course);
    }
    must_refuse(rig, blob(rig), "more than");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_whole_import_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_order_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chunks_keep_to_what_was_announced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_early_end_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_fields_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_target_that_is_no_manifest_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_number_of_blobs_is_limited, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
