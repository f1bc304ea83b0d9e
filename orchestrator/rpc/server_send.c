/* server_send.c: messages to the client, and the last words. */
#include "rpc/common.h"
#include "rpc/message.h"
#include "rpc/server_call.h"

#include <assert.h>

/* The initial metadata goes with whatever is sent first. */
static size_t put_greeting(struct sk_server_call *call, grpc_op *op)
{
    if (call->greeted)
        return 0;
    call->greeted = true;
    *op = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA,
                    .data.send_initial_metadata = {.count = GRPC_SLICE_LENGTH(call->greeting.value) ? 1 : 0,
                                                   .metadata = &call->greeting}};
    return 1;
}

void sk_server_call_greet(struct sk_server_call *call, const char *name, const char *value)
{
    assert(!call->greeted && !GRPC_SLICE_LENGTH(call->greeting.value));
    call->greeting.key = grpc_slice_from_static_string(name);
    call->greeting.value = grpc_slice_from_copied_string(value);
}

static void on_last_sent(struct sk_tag *tag, bool ok)
{
    (void)ok; /* who is gone hears nothing */
    sk_server_call_release(sk_container_of(tag, struct sk_server_call, sent));
}

void sk_server_call_send_status(struct sk_server_call *call)
{
    struct sk_last_words *last = &call->last;
    grpc_op ops[3];
    size_t n = put_greeting(call, ops);

    if (last->message)
        ops[n++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {last->message}};
    ops[n++] = (grpc_op){
        .op = GRPC_OP_SEND_STATUS_FROM_SERVER,
        .data.send_status_from_server = {.trailing_metadata_count =
                                             GRPC_SLICE_LENGTH(last->trailer.value) ? 1 : 0,
                                         .trailing_metadata = &last->trailer,
                                         .status = last->status,
                                         .status_details = &last->text},
    };
    call->sent.fn = on_last_sent;
    sk_server_call_batch(call, ops, n, &call->sent);
}

static void on_sent(struct sk_tag *tag, bool ok);

static void send_message(struct sk_server_call *call, grpc_byte_buffer *bytes_take)
{
    grpc_op ops[2];
    size_t n = put_greeting(call, ops);

    ops[n++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {bytes_take}};
    call->sending = true;
    call->sent.fn = on_sent;
    sk_server_call_batch(call, ops, n, &call->sent);
    grpc_byte_buffer_destroy(bytes_take); /* gRPC has taken the slices out */
}

/* gRPC resets the stream right behind a status that comes before the client's half-close. HTTP allows that,
 * but HAProxy 2.6 takes it for a failure and throws away what it has not passed on yet, the last message too.
 * So a proxy gets that message by itself, and the status when the client has closed its half. */
static void end(struct sk_server_call *call)
{
    if (!call->by_proxy || call->half_closed)
        sk_server_call_send_status(call);
    else if (call->last.message)
        send_message(call, sk_take(call->last.message));
    else
        sk_server_call_linger(call);
}

static void tell_room(struct sk_server_call *call)
{
    call->full = false;
    if (sk_server_call_listens(call) && call->events.on_sent)
        call->events.on_sent(call->arg);
}

static void on_room_turn(struct sk_task *task)
{
    struct sk_server_call *call = sk_container_of(task, struct sk_server_call, room_turn);

    tell_room(call);
    sk_server_call_release(call);
}

static void on_sent(struct sk_tag *tag, bool ok)
{
    struct sk_server_call *call = sk_container_of(tag, struct sk_server_call, sent);
    grpc_byte_buffer *next = sk_take(call->outbox);

    call->sending = false;
    if (next && ok && !call->cancelled) {
        send_message(call, next);
        tell_room(call);
    } else if (next) {
        grpc_byte_buffer_destroy(next);
    }
    if (!call->sending && call->finished && !call->cancelled)
        end(call);
    sk_server_call_release(call);
}

/* Clients refuse what is bigger, so it must not be sent. */
static bool is_too_big(const grpc_byte_buffer *message)
{
    return message->data.raw.slice_buffer.length > SK_RPC_MESSAGE_MAX;
}

void sk_server_call_give(struct sk_server_call *call, uint8_t *data_take, size_t len)
{
    free(call->gift);
    call->gift = data_take;
    call->gift_len = len;
}

static grpc_byte_buffer *pack(struct sk_server_call *call, const ProtobufCMessage *message)
{
    return call->gift ? sk_message_pack_taking(message, sk_take(call->gift), call->gift_len)
                      : sk_message_pack(message);
}

/* One message is on its way and one may wait for it, so that the next is made meanwhile. */
void sk_server_call_send(struct sk_server_call *call, const ProtobufCMessage *message)
{
    assert(!call->finished && !call->full);
    if (call->cancelled || call->cut)
        return;
    grpc_byte_buffer *bytes = pack(call, message);
    assert(!is_too_big(bytes));
    call->full = true;
    if (call->sending) {
        call->outbox = bytes;
        return;
    }
    send_message(call, bytes);
    sk_server_call_hold(call);
    sk_loop_defer(sk_bridge_loop(call->server->bridge), &call->room_turn, on_room_turn);
}

static void set_last(struct sk_last_words *last, enum sk_code code, const char *text, const uint8_t *details,
                     size_t details_len)
{
    last->status = (grpc_status_code)code;
    last->text = grpc_slice_from_copied_string(text ? text : "");
    if (details && details_len) {
        last->trailer.key = grpc_slice_from_static_string(SK_RPC_DETAILS_KEY);
        last->trailer.value = grpc_slice_from_copied_buffer((const char *)details, details_len);
    }
}

void sk_server_call_finish(struct sk_server_call *call, const ProtobufCMessage *message, enum sk_code code,
                           const char *text, const uint8_t *details, size_t details_len)
{
    assert(!call->finished);
    sk_server_call_hold(call);
    call->finished = true;
    call->server->answers++;
    call->last.message = message && !call->cancelled ? pack(call, message) : NULL;
    if (call->last.message && is_too_big(call->last.message)) {
        grpc_byte_buffer_destroy(sk_take(call->last.message));
        set_last(&call->last, SK_RESOURCE_EXHAUSTED, "the answer is larger than a message may be", NULL, 0);
    } else {
        set_last(&call->last, code, text, details, details_len);
    }
    if (!call->sending && !call->cancelled)
        end(call);
    sk_server_call_release(call);
}
