#include "cli/images.h"

#include "cli/output.h"

enum sk_code sk_client_images_list(struct sk_client *client, struct sk_arena *arena,
                                   Sandkeep__V1__ListImagesResponse **out_list, struct sk_fault *fault)
{
    Sandkeep__V1__ListImagesRequest request = SANDKEEP__V1__LIST_IMAGES_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    enum sk_code code =
        sk_client_call(client, SK_IMAGE_SERVICE "ListImages", &request.base,
                       &sandkeep__v1__list_images_response__descriptor, SK_ABANDON, arena, &answer, fault);

    if (!code)
        *out_list = (Sandkeep__V1__ListImagesResponse *)answer;
    return code;
}

enum sk_code sk_client_images_get(struct sk_client *client, const char *name, struct sk_arena *arena,
                                  Sandkeep__V1__Image **out_image, struct sk_fault *fault)
{
    Sandkeep__V1__GetImageRequest request = SANDKEEP__V1__GET_IMAGE_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    request.name = (char *)name;
    enum sk_code code = sk_client_call(client, SK_IMAGE_SERVICE "GetImage", &request.base,
                                       &sandkeep__v1__image__descriptor, SK_ABANDON, arena, &answer, fault);
    if (!code)
        *out_image = (Sandkeep__V1__Image *)answer;
    return code;
}

enum sk_code sk_client_images_remove(struct sk_client *client, const char *name, struct sk_fault *fault)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    Sandkeep__V1__RemoveImageRequest request = SANDKEEP__V1__REMOVE_IMAGE_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    request.name = (char *)name;
    return sk_client_call(client, SK_IMAGE_SERVICE "RemoveImage", &request.base,
                          &sandkeep__v1__remove_image_response__descriptor, SK_FINISH, &arena, &answer,
                          fault);
}

/* --- pull ------------------------------------------------------------------------ */

struct pull {
    struct sk_client *client;
    struct sk_stream_call *stream;
    struct sk_image_bar *bar;
    struct sk_image_made *made;
    struct sk_fault *fault;
    bool over;
};

bool sk_image_made_print(const struct sk_image_made *made, bool quiet)
{
    return sk_output_say(stdout, "%s%s%s", quiet ? "" : made->name, quiet ? "" : " ", made->digest);
}

void sk_image_made_fini(struct sk_image_made *made)
{
    free(made->name);
    free(made->digest);
    *made = (struct sk_image_made){0};
}

static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct pull *pull = arg;
    const Sandkeep__V1__PullImageResponse *said = (const Sandkeep__V1__PullImageResponse *)message;

    if (said->image) {
        sk_image_made_fini(pull->made);
        pull->made->name = sk_strdup(said->image->name);
        pull->made->digest = sk_strdup(said->image->digest);
    }
    sk_image_bar_show(pull->bar, said);
    sk_stream_want(pull->stream);
}

static void on_sent(void *arg)
{
    sk_stream_half_close(((struct pull *)arg)->stream);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct pull *pull = arg;
    struct sk_call_failure failure = sk_channel_failure(pull->client->channel);

    pull->over = true;
    if (err)
        sk_fault_set(pull->fault, err, failure.details, failure.details_len);
    else if (!pull->made->digest)
        (void)sk_fail(&pull->fault->err, SK_INTERNAL, "the server did not say what it pulled");
    sk_loop_stop(pull->client->loop);
}

static void on_signal(void *arg)
{
    sk_stream_cancel(((struct pull *)arg)->stream);
}

enum sk_code sk_client_images_pull(struct sk_client *client, const Sandkeep__V1__PullImageRequest *request,
                                   struct sk_image_bar *bar, struct sk_image_made *out_made,
                                   struct sk_fault *fault)
{
    static const struct sk_stream_events events = {on_message, on_sent, on_end};
    const struct sk_method method = {SK_IMAGE_SERVICE "PullImage",
                                     &sandkeep__v1__pull_image_response__descriptor};
    SK_AUTO_FREE struct pull *pull = sk_alloc(sizeof(*pull));

    *fault = (struct sk_fault){0};
    *pull = (struct pull){.client = client, .bar = bar, .made = out_made, .fault = fault};
    pull->stream = sk_stream_open(client->channel, &method, NULL, SK_NS(0), &events, pull);
    client->arg = pull;
    client->on_signal = on_signal;
    sk_stream_send(pull->stream, &request->base);
    sk_stream_want(pull->stream);
    while (!pull->over)
        sk_loop_run(client->loop);
    client->on_signal = NULL;
    sk_stream_close(pull->stream);
    sk_image_bar_fini(bar);
    return fault->err.code;
}
