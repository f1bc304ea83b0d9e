#include "rpc/server_call.h"

#include "rpc/common.h"
#include "rpc/message.h"

#include <assert.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

/* Further away than this is never. */
#define DEADLINE_MAX_S (10LL * 365 * 24 * 3600)

/* How the handler ends the call; kept until the send under way is over. */
struct last_words {
    grpc_byte_buffer *message; /* may be NULL */
    grpc_status_code status;
    grpc_slice text;
    grpc_metadata trailer; /* value empty: none */
};

struct sk_server_call {
    struct sk_server *server;
    grpc_call *grpc;
    grpc_call_details details;
    grpc_metadata_array headers;
    struct sk_arena arena;
    const char *method, *peer; /* in the arena */
    struct sk_instant deadline;
    struct sk_server_call_events events;
    void *arg;

    struct sk_tag requested, closed, received, sent;
    grpc_byte_buffer *incoming;
    grpc_byte_buffer *early;  /* received before it was wanted */
    grpc_byte_buffer *outbox; /* waits for the send under way */
    struct sk_task early_turn, room_turn;
    int gone; /* set by gRPC: the client went away */
    struct last_words last;
    unsigned held;   /* batches and turns under way, and callbacks being run */
    unsigned wanted; /* messages in all */
    bool wants;      /* the handler waits for a message */
    bool receiving;
    bool half_closed; /* nothing more to receive */
    bool told_end;    /* the handler knows that */
    bool broken;      /* reset: on_cancel follows */
    bool sending;
    bool full;      /* the handler waits for on_sent */
    bool greeted;   /* initial metadata has been sent */
    bool cancelled; /* the handler knows */
    bool finished;  /* by the handler */
};

static void drop(grpc_byte_buffer *bytes)
{
    if (bytes)
        grpc_byte_buffer_destroy(bytes);
}

static void call_free(struct sk_server_call *call)
{
    struct sk_server *server = call->server;

    if (call->events.on_over)
        call->events.on_over(call->arg);
    if (call->grpc)
        grpc_call_unref(call->grpc);
    grpc_call_details_destroy(&call->details);
    grpc_metadata_array_destroy(&call->headers);
    drop(call->early);
    drop(call->outbox);
    drop(call->last.message);
    grpc_slice_unref(call->last.text);
    grpc_slice_unref(call->last.trailer.value);
    sk_arena_fini(&call->arena);
    free(call);
    server->calls--;
    sk_server_settle(server);
}

static void hold(struct sk_server_call *call)
{
    call->held++;
}

static void release(struct sk_server_call *call)
{
    if (--call->held == 0 && call->finished)
        call_free(call);
}

static void start(struct sk_server_call *call, const grpc_op *ops, size_t count, struct sk_tag *tag)
{
    grpc_call_error error = grpc_call_start_batch(call->grpc, ops, count, tag, NULL);

    /* Only misuse is refused, and what this file starts is in order. */
    assert(error == GRPC_CALL_OK);
    (void)error;
    hold(call);
}

/* --- cancellation --------------------------------------------------------------- */

static void on_closed(struct sk_tag *tag, bool ok)
{
    struct sk_server_call *call = sk_container_of(tag, struct sk_server_call, closed);

    (void)ok;
    if (call->gone && !call->finished) {
        call->cancelled = true;
        if (call->events.on_cancel)
            call->events.on_cancel(call->arg);
    }
    release(call);
}

/* At once for every call: nothing else tells that the client is gone. */
static void watch_close(struct sk_server_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server = {&call->gone}};

    call->closed.fn = on_closed;
    start(call, &op, 1, &call->closed);
}

/* --- receiving -------------------------------------------------------------------- */

static void receive(struct sk_server_call *call);

/* A stream's next message is on its way while the handler is busy with this one. Not the second
 * of all: most calls have one only, and some hold the first back to spare memory. */
static void deliver(struct sk_server_call *call, grpc_byte_buffer *bytes_take)
{
    call->wants = false;
    call->told_end = !bytes_take;
    if (bytes_take && call->wanted > 1)
        receive(call);
    if (call->events.on_message)
        call->events.on_message(call->arg, bytes_take);
    if (bytes_take)
        grpc_byte_buffer_destroy(bytes_take);
}

static bool listens(const struct sk_server_call *call)
{
    return !call->finished && !call->cancelled;
}

static void on_received(struct sk_tag *tag, bool ok)
{
    struct sk_server_call *call = sk_container_of(tag, struct sk_server_call, received);
    grpc_byte_buffer *bytes = sk_take(call->incoming);
    /* A reset stream ends like a half-closed one; it is not the same: on_cancel follows. */
    call->broken = !ok || (!bytes && grpc_call_failed_before_recv_message(call->grpc));
    call->receiving = false;
    call->half_closed |= !bytes;
    if (call->wants && !call->broken && listens(call))
        deliver(call, bytes);
    else
        call->early = bytes;
    release(call);
}

static void receive(struct sk_server_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&call->incoming}};

    call->receiving = true;
    call->received.fn = on_received;
    start(call, &op, 1, &call->received);
}

static void on_early_turn(struct sk_task *task)
{
    struct sk_server_call *call = sk_container_of(task, struct sk_server_call, early_turn);

    if (listens(call) && !call->broken)
        deliver(call, sk_take(call->early));
    release(call);
}

void sk_server_call_want(struct sk_server_call *call)
{
    assert(!call->finished);
    if (call->wants || call->told_end || call->cancelled)
        return;
    call->wants = true;
    call->wanted++;
    if (call->early || call->half_closed) {
        hold(call);
        sk_loop_defer(sk_bridge_loop(call->server->bridge), &call->early_turn, on_early_turn);
    } else if (!call->receiving) {
        receive(call);
    }
}

/* --- sending ------------------------------------------------------------------------ */

/* The initial metadata goes with whatever is sent first. */
static size_t put_greeting(struct sk_server_call *call, grpc_op *op)
{
    if (call->greeted)
        return 0;
    call->greeted = true;
    *op = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    return 1;
}

static void on_last_sent(struct sk_tag *tag, bool ok)
{
    (void)ok; /* who is gone hears nothing */
    release(sk_container_of(tag, struct sk_server_call, sent));
}

static void send_last(struct sk_server_call *call)
{
    struct last_words *last = &call->last;
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
    start(call, ops, n, &call->sent);
}

static void on_sent(struct sk_tag *tag, bool ok);

static void send_message(struct sk_server_call *call, grpc_byte_buffer *bytes_take)
{
    grpc_op ops[2];
    size_t n = put_greeting(call, ops);

    ops[n++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {bytes_take}};
    call->sending = true;
    call->sent.fn = on_sent;
    start(call, ops, n, &call->sent);
    grpc_byte_buffer_destroy(bytes_take); /* gRPC has taken the slices out */
}

static void tell_room(struct sk_server_call *call)
{
    call->full = false;
    if (listens(call) && call->events.on_sent)
        call->events.on_sent(call->arg);
}

static void on_room_turn(struct sk_task *task)
{
    struct sk_server_call *call = sk_container_of(task, struct sk_server_call, room_turn);

    tell_room(call);
    release(call);
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
        send_last(call);
    release(call);
}

/* Clients refuse what is bigger, so it must not be sent. */
static bool is_too_big(const grpc_byte_buffer *message)
{
    return message->data.raw.slice_buffer.length > SK_RPC_MESSAGE_MAX;
}

/* One message is on its way and one may wait for it, so that the next is made meanwhile. */
void sk_server_call_send(struct sk_server_call *call, const ProtobufCMessage *message)
{
    assert(!call->finished && !call->full);
    if (call->cancelled)
        return;
    grpc_byte_buffer *bytes = sk_message_pack(message);
    assert(!is_too_big(bytes));
    call->full = true;
    if (call->sending) {
        call->outbox = bytes;
        return;
    }
    send_message(call, bytes);
    hold(call);
    sk_loop_defer(sk_bridge_loop(call->server->bridge), &call->room_turn, on_room_turn);
}

static void set_last(struct last_words *last, enum sk_code code, const char *text, const uint8_t *details,
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
    hold(call);
    call->finished = true;
    call->last.message = message && !call->cancelled ? sk_message_pack(message) : NULL;
    if (call->last.message && is_too_big(call->last.message)) {
        grpc_byte_buffer_destroy(sk_take(call->last.message));
        set_last(&call->last, SK_RESOURCE_EXHAUSTED, "the answer is larger than a message may be", NULL, 0);
    } else {
        set_last(&call->last, code, text, details, details_len);
    }
    if (!call->sending && !call->cancelled)
        send_last(call);
    release(call);
}

void sk_server_call_abort(struct sk_server_call *call, enum sk_code code, const char *text)
{
    (void)grpc_call_cancel_with_status(call->grpc, (grpc_status_code)code, text, NULL);
}

/* --- a call's beginning ---------------------------------------------------------------- */

static const char *text_of(struct sk_arena *arena, grpc_slice slice)
{
    return sk_arena_strndup(arena, (const char *)GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
}

static struct sk_instant instant_of(const struct sk_loop *loop, gpr_timespec deadline)
{
    gpr_timespec at = gpr_convert_clock_type(deadline, GPR_CLOCK_MONOTONIC);
    gpr_timespec left = gpr_time_sub(at, gpr_now(GPR_CLOCK_MONOTONIC));

    if (left.tv_sec > DEADLINE_MAX_S)
        return (struct sk_instant){0};
    struct sk_instant instant =
        sk_instant_add(sk_loop_now(loop), SK_NS(left.tv_sec * 1000000000 + left.tv_nsec));
    return instant.ns > 0 ? instant : (struct sk_instant){1};
}

static void read_beginning(struct sk_server_call *call)
{
    char *peer = grpc_call_get_peer(call->grpc);

    call->method = text_of(&call->arena, call->details.method);
    call->peer = sk_arena_strdup(&call->arena, peer);
    gpr_free(peer);
    call->deadline = instant_of(sk_bridge_loop(call->server->bridge), call->details.deadline);
}

static void on_requested(struct sk_tag *tag, bool ok)
{
    struct sk_server_call *call = sk_container_of(tag, struct sk_server_call, requested);

    if (!ok || call->server->closing) { /* a call without any batch is cancelled when it is freed */
        call_free(call);
        return;
    }
    sk_server_call_await(call->server);
    hold(call);
    watch_close(call);
    read_beginning(call);
    call->server->on_call(call->server->arg, call);
    release(call);
}

void sk_server_call_await(struct sk_server *server)
{
    struct sk_server_call *call = sk_alloc(sizeof(*call));
    grpc_completion_queue *queue = sk_bridge_queue(server->bridge);

    call->server = server;
    call->requested.fn = on_requested;
    call->last.text = call->last.trailer.value = grpc_empty_slice();
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->headers);
    server->calls++;
    grpc_call_error error = grpc_server_request_call(server->grpc, &call->grpc, &call->details,
                                                     &call->headers, queue, queue, &call->requested);
    assert(error == GRPC_CALL_OK);
    (void)error;
}

/* --- what a handler may ask ---------------------------------------------------------------- */

void sk_server_call_set(struct sk_server_call *call, const struct sk_server_call_events *events, void *arg)
{
    call->events = *events;
    call->arg = arg;
}

const char *sk_server_call_method(const struct sk_server_call *call)
{
    return call->method;
}

const char *sk_server_call_peer(const struct sk_server_call *call)
{
    return call->peer;
}

const char *sk_server_call_header(struct sk_server_call *call, const char *name)
{
    for (size_t i = 0; i < call->headers.count; i++) {
        const grpc_metadata *item = &call->headers.metadata[i];
        if (grpc_slice_str_cmp(item->key, name) == 0)
            return text_of(&call->arena, item->value);
    }
    return NULL;
}

struct sk_instant sk_server_call_deadline(const struct sk_server_call *call)
{
    return call->deadline;
}

struct sk_arena *sk_server_call_arena(struct sk_server_call *call)
{
    return &call->arena;
}
