#include "cli/image_upload.h"

#define CHUNK ((size_t)512 << 10) /* the server takes twice that */

typedef Sandkeep__V1__ImportImageRequest import_request;
typedef Sandkeep__V1__ImportImageResponse import_response;

/* --- from the server ---------------------------------------------------------------- */

static void on_progress(struct sk_upload *upload, const Sandkeep__V1__PullImageResponse *said)
{
    if (said->image) {
        sk_image_made_fini(&upload->made);
        upload->made.name = sk_strdup(said->image->name);
        upload->made.digest = sk_strdup(said->image->digest);
    }
    if (upload->bar && said->phase != SANDKEEP__V1__PULL_PHASE__PULL_PHASE_WAITING)
        sk_image_bar_show(upload->bar, said);
}

static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct sk_upload *upload = arg;
    const import_response *said = (const import_response *)message;

    switch (said->step_case) {
    case SANDKEEP__V1__IMPORT_IMAGE_RESPONSE__STEP_BLOB:
        upload->answered = true;
        upload->wanted = said->blob->wanted;
        break;
    case SANDKEEP__V1__IMPORT_IMAGE_RESPONSE__STEP_STORED:
        upload->stored = true;
        break;
    case SANDKEEP__V1__IMPORT_IMAGE_RESPONSE__STEP_PROGRESS:
        on_progress(upload, said->progress);
        break;
    default: /* something newer than this program */
        break;
    }
    sk_stream_want(upload->stream);
    sk_loop_stop(upload->client->loop);
}

static void on_sent(void *arg)
{
    struct sk_upload *upload = arg;

    upload->sending = false;
    sk_loop_stop(upload->client->loop);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct sk_upload *upload = arg;
    struct sk_call_failure failure = sk_channel_failure(upload->client->channel);

    upload->over = true;
    if (err)
        sk_fault_set(&upload->fault, err, failure.details, failure.details_len);
    else if (!upload->made.digest)
        (void)sk_fail(&upload->fault.err, SK_INTERNAL, "the server did not say what it imported");
    sk_loop_stop(upload->client->loop);
}

/* --- to the server ---------------------------------------------------------------------- */

static void send(struct sk_upload *upload, const import_request *request)
{
    while (upload->sending && !upload->over)
        sk_loop_run(upload->client->loop);
    if (upload->over)
        return;
    upload->sending = true;
    sk_stream_send(upload->stream, &request->base);
}

static enum sk_code await(struct sk_upload *upload, const bool *what)
{
    while (!*what && !upload->over)
        sk_loop_run(upload->client->loop);
    return *what ? SK_OK : upload->fault.err.code;
}

static void describe(const struct sk_oci_descriptor *what, Sandkeep__V1__BlobDescriptor *out)
{
    sandkeep__v1__blob_descriptor__init(out);
    out->media_type = (char *)what->media_type;
    out->digest = (char *)what->digest;
    out->size = what->size;
}

enum sk_code sk_upload_blob(struct sk_upload *upload, const struct sk_oci_descriptor *what, bool *out_wanted)
{
    import_request request = SANDKEEP__V1__IMPORT_IMAGE_REQUEST__INIT;
    Sandkeep__V1__BlobDescriptor blob;

    describe(what, &blob);
    request.step_case = SANDKEEP__V1__IMPORT_IMAGE_REQUEST__STEP_BLOB;
    request.blob = &blob;
    upload->answered = upload->stored = false;
    send(upload, &request);
    enum sk_code code = await(upload, &upload->answered);
    *out_wanted = upload->wanted;
    return code;
}

enum sk_code sk_upload_write(struct sk_upload *upload, const uint8_t *data, size_t len)
{
    import_request request = SANDKEEP__V1__IMPORT_IMAGE_REQUEST__INIT;

    request.step_case = SANDKEEP__V1__IMPORT_IMAGE_REQUEST__STEP_CHUNK;
    for (size_t at = 0; at < len && !upload->over; at += request.chunk.len) {
        request.chunk =
            (ProtobufCBinaryData){.len = len - at < CHUNK ? len - at : CHUNK, .data = (uint8_t *)data + at};
        send(upload, &request);
    }
    return upload->fault.err.code;
}

enum sk_code sk_upload_end_blob(struct sk_upload *upload)
{
    return await(upload, &upload->stored);
}

enum sk_code sk_upload_finish(struct sk_upload *upload, const struct sk_oci_descriptor *target,
                              struct sk_image_bar *bar)
{
    import_request request = SANDKEEP__V1__IMPORT_IMAGE_REQUEST__INIT;
    Sandkeep__V1__ImportImageRequest__Finish finish = SANDKEEP__V1__IMPORT_IMAGE_REQUEST__FINISH__INIT;
    Sandkeep__V1__BlobDescriptor what;

    describe(target, &what);
    finish.target = &what;
    request.step_case = SANDKEEP__V1__IMPORT_IMAGE_REQUEST__STEP_FINISH;
    request.finish = &finish;
    upload->bar = bar;
    send(upload, &request);
    (void)await(upload, &upload->over);
    return upload->fault.err.code;
}

/* --- life ----------------------------------------------------------------------------------- */

static void on_signal(void *arg)
{
    sk_stream_cancel(((struct sk_upload *)arg)->stream);
}

void sk_upload_open(struct sk_upload *upload, struct sk_client *client, const char *name)
{
    static const struct sk_stream_events events = {on_message, on_sent, on_end};
    const struct sk_method method = {SK_IMAGE_SERVICE "ImportImage",
                                     &sandkeep__v1__import_image_response__descriptor};
    import_request request = SANDKEEP__V1__IMPORT_IMAGE_REQUEST__INIT;
    Sandkeep__V1__ImportImageRequest__Start start = SANDKEEP__V1__IMPORT_IMAGE_REQUEST__START__INIT;

    *upload = (struct sk_upload){.client = client};
    upload->stream = sk_stream_open(client->channel, &method, NULL, SK_NS(0), &events, upload);
    client->arg = upload;
    client->on_signal = on_signal;
    start.name = (char *)name;
    request.step_case = SANDKEEP__V1__IMPORT_IMAGE_REQUEST__STEP_START;
    request.start = &start;
    send(upload, &request);
    sk_stream_want(upload->stream);
}

void sk_upload_close(struct sk_upload *upload)
{
    if (!upload->stream)
        return;
    upload->client->on_signal = NULL;
    sk_stream_close(sk_take(upload->stream));
    sk_image_made_fini(&upload->made);
}
