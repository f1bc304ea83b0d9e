#include "api/image_import.h"

#include <inttypes.h>
#include <string.h>

static enum sk_code blame(struct sk_err *err, const char *message, const char *field)
{
    (void)snprintf(err->field, sizeof(err->field), "%s%s", message, field);
    return err->code;
}

static enum sk_code check_blob(const SK_OWN_PB(BlobDescriptor) * blob, const char *field, struct sk_err *err)
{
    if (!sk_digest_is_valid(blob->digest)) {
        (void)sk_fail(err, SK_INVALID_ARGUMENT, "%s.digest: must be \"sha256:\" and 64 hexadecimal digits",
                      field);
        return blame(err, field, ".digest");
    }
    if (blob->size < 0) {
        (void)sk_fail(err, SK_INVALID_ARGUMENT, "%s.size: must not be negative", field);
        return blame(err, field, ".size");
    }
    return SK_OK;
}

static enum sk_code take_start(struct sk_import_course *course,
                               const SK_OWN_PB(ImportImageRequest__Start) * start, struct sk_err *err)
{
    if (sk_reference_normalise(start->name, course->name, err))
        return blame(err, "start", ".name");
    course->state = SK_IMPORT_BETWEEN;
    return SK_OK;
}

static enum sk_code take_blob(struct sk_import_course *course, const SK_OWN_PB(BlobDescriptor) * blob,
                              struct sk_err *err)
{
    enum sk_code code = check_blob(blob, "blob", err);
    if (code)
        return code;
    if (course->blobs == SK_IMPORT_BLOBS_MAX)
        return sk_fail(err, SK_INVALID_ARGUMENT, "an image of more than %d blobs cannot be imported",
                       SK_IMPORT_BLOBS_MAX);
    course->blobs++;
    course->size = course->missing = blob->size;
    (void)snprintf(course->digest, sizeof(course->digest), "%s", blob->digest);
    course->state = SK_IMPORT_BYTES;
    return SK_OK;
}

static enum sk_code take_chunk(struct sk_import_course *course, const ProtobufCBinaryData *chunk,
                               struct sk_err *err)
{
    if (!chunk->len)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a chunk must not be empty");
    if (chunk->len > SK_IMPORT_CHUNK_MAX)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a chunk of %zu bytes is too long: at most %zu fit",
                       chunk->len, SK_IMPORT_CHUNK_MAX);
    if ((int64_t)chunk->len > course->missing)
        return sk_fail(err, SK_INVALID_ARGUMENT, "%s: more bytes came than the %" PRId64 " announced",
                       course->digest, course->size);
    course->missing -= (int64_t)chunk->len;
    return SK_OK;
}

static enum sk_code take_finish(struct sk_import_course *course,
                                const SK_OWN_PB(ImportImageRequest__Finish) * finish, struct sk_err *err)
{
    const SK_OWN_PB(BlobDescriptor) *target = finish->target;
    struct sk_oci_descriptor *out = &course->target;
    if (!target) {
        (void)sk_fail(err, SK_INVALID_ARGUMENT, "finish.target: must name the manifest or index");
        return blame(err, "finish", ".target");
    }
    enum sk_code code = check_blob(target, "finish.target", err);
    if (code)
        return code;
    if (target->size > (int64_t)SK_OCI_BLOB_MAX || strlen(target->media_type) >= SK_OCI_TYPE_MAX) {
        (void)sk_fail(err, SK_INVALID_ARGUMENT, "finish.target: too large for a manifest");
        return blame(err, "finish", ".target");
    }
    out->size = target->size;
    (void)snprintf(out->digest, sizeof(out->digest), "%s", target->digest);
    (void)snprintf(out->media_type, sizeof(out->media_type), "%s", target->media_type);
    course->state = SK_IMPORT_OVER;
    return SK_OK;
}

static enum sk_code fail_end(const struct sk_import_course *course, struct sk_err *err)
{
    if (course->state == SK_IMPORT_BYTES)
        return sk_fail(err, SK_INVALID_ARGUMENT, "%s: the stream ended %" PRId64 " bytes short",
                       course->digest, course->missing);
    return sk_fail(err, SK_INVALID_ARGUMENT, "the stream ended before finish");
}

static enum sk_code fail_order(const struct sk_import_course *course, struct sk_err *err)
{
    switch (course->state) {
    case SK_IMPORT_NEW:
        return sk_fail(err, SK_INVALID_ARGUMENT, "the first message must be start");
    case SK_IMPORT_BETWEEN:
        return sk_fail(err, SK_INVALID_ARGUMENT,
                       "here a blob or finish must come; a chunk only after a blob that is wanted");
    case SK_IMPORT_BYTES:
        return sk_fail(err, SK_INVALID_ARGUMENT, "%s: %" PRId64 " bytes are still to come, in chunks",
                       course->digest, course->missing);
    case SK_IMPORT_OVER:
        break;
    }
    return sk_fail(err, SK_INVALID_ARGUMENT, "nothing may come after finish");
}

enum sk_code sk_import_take(struct sk_import_course *course, const SK_OWN_PB(ImportImageRequest) * in,
                            struct sk_err *err)
{
    if (!in)
        return fail_end(course, err);
    if (course->state == SK_IMPORT_NEW && in->step_case == SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_START))
        return take_start(course, in->start, err);
    if (course->state == SK_IMPORT_BETWEEN && in->step_case == SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_BLOB))
        return take_blob(course, in->blob, err);
    if (course->state == SK_IMPORT_BYTES && in->step_case == SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_CHUNK))
        return take_chunk(course, &in->chunk, err);
    if (course->state == SK_IMPORT_BETWEEN && in->step_case == SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_FINISH))
        return take_finish(course, in->finish, err);
    return fail_order(course, err);
}

void sk_import_end_blob(struct sk_import_course *course)
{
    course->missing = 0;
    course->state = SK_IMPORT_BETWEEN;
}
