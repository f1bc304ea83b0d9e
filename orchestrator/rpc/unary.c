#include "rpc/channel.h"
#include "rpc/message.h"

#include <assert.h>
#include <grpc/byte_buffer.h>

struct unary {
    struct sk_channel *channel;
    grpc_call *grpc;
    struct sk_tag asked, answered;
    unsigned held; /* batches under way */
    struct sk_call_headers headers;
    struct sk_call_end end;
    grpc_byte_buffer *request, *response;

    const ProtobufCMessageDescriptor *type;
    struct sk_arena *arena;
    ProtobufCMessage **out_response; /* may be NULL */
    struct sk_done *done;
};

static void release(struct unary *unary)
{
    if (--unary->held)
        return;
    grpc_call_unref(unary->grpc);
    sk_call_headers_fini(&unary->headers);
    sk_call_end_fini(&unary->end);
    grpc_byte_buffer_destroy(unary->request);
    if (unary->response)
        grpc_byte_buffer_destroy(unary->response);
    free(unary);
}

static enum sk_code unpack(struct unary *unary, struct sk_err *err)
{
    if (!unary->response)
        return sk_fail(err, SK_INTERNAL, "the server answered OK without an answer");
    if (!unary->out_response)
        return SK_OK;
    if (sk_message_unpack(unary->arena, unary->type, unary->response, unary->out_response, err)) {
        err->code = SK_INTERNAL; /* not the caller's fault, as the code would say */
        return sk_err_wrap(err, "the server's answer");
    }
    return SK_OK;
}

static void on_asked(struct sk_tag *tag, bool ok)
{
    (void)ok; /* a failure shows in the status */
    release(sk_container_of(tag, struct unary, asked));
}

static void on_answered(struct sk_tag *tag, bool ok)
{
    struct unary *unary = sk_container_of(tag, struct unary, answered);
    struct sk_channel *channel = unary->channel;
    struct sk_err err = {0};
    enum sk_code code = sk_call_end_code(&unary->end, &err);

    (void)ok; /* the status says it all */
    if (!code)
        code = unpack(unary, &err);
    channel->calls--;
    channel->failure = sk_call_end_failure(&unary->end);
    /* The channel may be freed by whoever waits, so it is not touched after; the next failure overwrites. */
    sk_done_fire(unary->done, code ? &err : NULL);
    release(unary);
}

static void cancel(struct sk_done *done)
{
    struct unary *unary = done->callee;
    (void)grpc_call_cancel(unary->grpc, NULL);
}

/* Two batches: sends end no sooner than the connection takes or fails the write they are in, not by cancel or
 * deadline, and a batch ends with its last part. False when gRPC takes none. */
static bool start(struct unary *unary)
{
    grpc_op ask[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = unary->headers.count, .metadata = unary->headers.items}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {unary->request}},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
    };
    grpc_op answer[] = {
        {.op = GRPC_OP_RECV_INITIAL_METADATA, .data.recv_initial_metadata = {&unary->end.initial}},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&unary->response}},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &unary->end.trailing,
                                        .status = &unary->end.status,
                                        .status_details = &unary->end.text}},
    };
    unary->asked.fn = on_asked;
    unary->answered.fn = on_answered;
    if (grpc_call_start_batch(unary->grpc, ask, sk_array_len(ask), sk_tag_quietly(&unary->asked), NULL) !=
        GRPC_CALL_OK)
        return false;
    grpc_call_error error =
        grpc_call_start_batch(unary->grpc, answer, sk_array_len(answer), &unary->answered, NULL);
    assert(error == GRPC_CALL_OK); /* it has nothing that may be illegal */
    (void)error;
    unary->held = 2;
    return true;
}

void sk_call_unary(struct sk_channel *channel, const struct sk_method *method,
                   const ProtobufCMessage *request, const struct sk_header *headers,
                   struct sk_duration timeout, struct sk_arena *arena, ProtobufCMessage **out_response,
                   struct sk_done *done)
{
    struct sk_call_headers all;
    struct sk_err err;

    if (sk_call_headers_init(&all, channel, headers, &err)) {
        sk_done_later(sk_bridge_loop(channel->bridge), done, &err);
        return;
    }
    struct unary *unary = sk_alloc(sizeof(*unary));
    *unary = (struct unary){.channel = channel,
                            .headers = all,
                            .type = method->response,
                            .arena = arena,
                            .out_response = out_response,
                            .done = done};
    unary->grpc = sk_channel_call(channel, method->path, timeout);
    unary->request = sk_message_pack(request);
    sk_call_end_init(&unary->end);
    if (!start(unary)) {
        (void)sk_fail(&err, SK_INTERNAL, "gRPC refused to start a call of %s", method->path);
        unary->held = 1;
        release(unary);
        sk_done_later(sk_bridge_loop(channel->bridge), done, &err);
        return;
    }
    channel->calls++;
    done->cancel = cancel;
    done->callee = unary;
}
