#include "rpc/channel.h"
#include "rpc/message.h"

#include <grpc/byte_buffer.h>

struct unary {
    struct sk_channel *channel;
    grpc_call *grpc;
    struct sk_tag tag; /* one batch does it all */
    struct sk_call_headers headers;
    struct sk_call_end end;
    grpc_byte_buffer *request, *response;

    const ProtobufCMessageDescriptor *type;
    struct sk_arena *arena;
    ProtobufCMessage **out_response; /* may be NULL */
    struct sk_done *done;
};

static void unary_free(struct unary *unary)
{
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

static void on_answer(struct sk_tag *tag, bool ok)
{
    struct unary *unary = sk_container_of(tag, struct unary, tag);
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
    unary_free(unary);
}

static void cancel(struct sk_done *done)
{
    struct unary *unary = done->callee;
    (void)grpc_call_cancel(unary->grpc, NULL);
}

static grpc_call_error start(struct unary *unary)
{
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = unary->headers.count, .metadata = unary->headers.items}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {unary->request}},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA, .data.recv_initial_metadata = {&unary->end.initial}},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&unary->response}},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &unary->end.trailing,
                                        .status = &unary->end.status,
                                        .status_details = &unary->end.text}},
    };
    unary->tag.fn = on_answer;
    return grpc_call_start_batch(unary->grpc, ops, sk_array_len(ops), &unary->tag, NULL);
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
    if (start(unary) != GRPC_CALL_OK) {
        (void)sk_fail(&err, SK_INTERNAL, "gRPC refused to start a call of %s", method->path);
        unary_free(unary);
        sk_done_later(sk_bridge_loop(channel->bridge), done, &err);
        return;
    }
    channel->calls++;
    done->cancel = cancel;
    done->callee = unary;
}
