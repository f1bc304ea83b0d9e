#include "rpc/channel.h"
#include "rpc/message.h"

#include <assert.h>
#include <grpc/byte_buffer.h>

struct sk_stream_call {
    struct sk_channel *channel; /* NULL once closed: it may be gone */
    struct sk_loop *loop;
    grpc_call *grpc;
    struct sk_call_headers headers;
    struct sk_call_end end;
    const ProtobufCMessageDescriptor *type;
    struct sk_stream_events events;
    void *arg;

    struct sk_tag begun, ended, received, sent, half_closed;
    grpc_byte_buffer *incoming;
    unsigned held; /* batches under way and callbacks being run */
    bool receiving;
    bool no_more; /* the server sends no more messages */
    bool sending;
    bool half_close_due;  /* waits for the send under way */
    bool half_closing;    /* or done */
    bool over;            /* the status is in `end` */
    bool reported;        /* on_end has run */
    bool closed;          /* by the owner */
    struct sk_err broken; /* why we gave up, when the server is not to be asked; code SK_OK if not */
    struct sk_task late;  /* reports what was wrong from the start */
};

static void hold(struct sk_stream_call *stream)
{
    stream->held++;
}

static void release(struct sk_stream_call *stream)
{
    if (--stream->held || !stream->closed)
        return;
    if (stream->grpc)
        grpc_call_unref(stream->grpc);
    sk_call_headers_fini(&stream->headers);
    sk_call_end_fini(&stream->end);
    free(stream);
}

/* False when gRPC takes no batch: only for a call that is over or was never legal. */
static bool start(struct sk_stream_call *stream, const grpc_op *ops, size_t count, void *tag)
{
    if (grpc_call_start_batch(stream->grpc, ops, count, tag, NULL) != GRPC_CALL_OK)
        return false;
    hold(stream);
    return true;
}

static void report_end(struct sk_stream_call *stream)
{
    struct sk_err err = stream->broken;
    enum sk_code code = err.code;

    if (stream->closed || stream->reported || stream->receiving)
        return;
    stream->reported = true;
    if (!code)
        code = sk_call_end_code(&stream->end, &err);
    stream->channel->failure = sk_call_end_failure(&stream->end);
    if (stream->events.on_end)
        stream->events.on_end(stream->arg, code ? &err : NULL);
}

static void on_ended(struct sk_tag *tag, bool ok)
{
    struct sk_stream_call *stream = sk_container_of(tag, struct sk_stream_call, ended);

    (void)ok; /* the status says it all */
    stream->over = true;
    report_end(stream);
    release(stream);
}

/* --- receiving --------------------------------------------------------------- */

static void deliver(struct sk_stream_call *stream, grpc_byte_buffer *bytes)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    ProtobufCMessage *message;
    struct sk_err err;

    if (sk_message_unpack(&arena, stream->type, bytes, &message, &err)) {
        err.code = SK_INTERNAL; /* not the caller's fault, as the code would say */
        (void)sk_err_wrap(&err, "the server's message");
        stream->broken = err;
        (void)grpc_call_cancel(stream->grpc, NULL);
    } else if (stream->events.on_message) {
        stream->events.on_message(stream->arg, message);
    }
}

static void on_received(struct sk_tag *tag, bool ok)
{
    struct sk_stream_call *stream = sk_container_of(tag, struct sk_stream_call, received);
    grpc_byte_buffer *bytes = sk_take(stream->incoming);

    stream->receiving = false;
    stream->no_more |= !bytes;
    if (bytes && ok && !stream->closed && !stream->broken.code)
        deliver(stream, bytes);
    if (bytes)
        grpc_byte_buffer_destroy(bytes);
    if (stream->over)
        report_end(stream);
    release(stream);
}

void sk_stream_want(struct sk_stream_call *stream)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&stream->incoming}};

    assert(!stream->closed);
    if (stream->receiving || stream->no_more || stream->over || !stream->grpc)
        return;
    stream->received.fn = on_received;
    stream->receiving = start(stream, &op, 1, &stream->received);
}

/* --- sending ------------------------------------------------------------------ */

static void on_half_closed(struct sk_tag *tag, bool ok)
{
    (void)ok; /* a failure shows in the status */
    release(sk_container_of(tag, struct sk_stream_call, half_closed));
}

static void half_close(struct sk_stream_call *stream)
{
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};

    stream->half_close_due = false;
    stream->half_closed.fn = on_half_closed;
    (void)start(stream, &op, 1, &stream->half_closed);
}

static void on_sent(struct sk_tag *tag, bool ok)
{
    struct sk_stream_call *stream = sk_container_of(tag, struct sk_stream_call, sent);

    stream->sending = false;
    if (stream->half_close_due && !stream->closed) /* the queue may be shut down once it is */
        half_close(stream);
    if (ok && !stream->closed && !stream->reported && stream->events.on_sent)
        stream->events.on_sent(stream->arg);
    release(stream);
}

void sk_stream_send(struct sk_stream_call *stream, const ProtobufCMessage *message)
{
    assert(!stream->closed && !stream->sending && !stream->half_closing);
    if (stream->over || !stream->grpc)
        return;
    grpc_byte_buffer *bytes = sk_message_pack(message);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {bytes}};
    stream->sent.fn = on_sent;
    stream->sending = start(stream, &op, 1, &stream->sent);
    grpc_byte_buffer_destroy(bytes); /* gRPC has taken the slices out */
}

void sk_stream_half_close(struct sk_stream_call *stream)
{
    assert(!stream->closed);
    if (stream->half_closing || stream->over || !stream->grpc)
        return;
    stream->half_closing = true;
    stream->half_close_due = true;
    if (!stream->sending)
        half_close(stream);
}

/* --- life ----------------------------------------------------------------------- */

static void on_begun(struct sk_tag *tag, bool ok)
{
    (void)ok; /* a failure shows in the status */
    release(sk_container_of(tag, struct sk_stream_call, begun));
}

/* The status has a batch without sends: those end no sooner than the connection takes or fails the write they
 * are in, not by cancel or deadline, and a batch ends with its last part. */
static bool start_call(struct sk_stream_call *stream)
{
    grpc_op begin = {
        .op = GRPC_OP_SEND_INITIAL_METADATA,
        .data.send_initial_metadata = {.count = stream->headers.count, .metadata = stream->headers.items}};
    grpc_op ops[] = {
        {.op = GRPC_OP_RECV_INITIAL_METADATA, .data.recv_initial_metadata = {&stream->end.initial}},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &stream->end.trailing,
                                        .status = &stream->end.status,
                                        .status_details = &stream->end.text}},
    };
    stream->begun.fn = on_begun;
    stream->ended.fn = on_ended;
    return start(stream, &begin, 1, sk_tag_quietly(&stream->begun)) &&
           start(stream, ops, sk_array_len(ops), &stream->ended);
}

static void report_late(struct sk_task *task)
{
    struct sk_stream_call *stream = sk_container_of(task, struct sk_stream_call, late);

    stream->over = true;
    report_end(stream);
    release(stream);
}

/* The call could not be begun: on_end says so, in the next turn. */
static void fail_later(struct sk_stream_call *stream)
{
    hold(stream);
    sk_loop_defer(stream->loop, &stream->late, report_late);
}

struct sk_stream_call *sk_stream_open(struct sk_channel *channel, const struct sk_method *method,
                                      const struct sk_header *headers, struct sk_duration timeout,
                                      const struct sk_stream_events *events, void *arg)
{
    struct sk_stream_call *stream = sk_alloc(sizeof(*stream));

    stream->channel = channel;
    stream->loop = sk_bridge_loop(channel->bridge);
    stream->type = method->response;
    stream->events = *events;
    stream->arg = arg;
    sk_call_end_init(&stream->end);
    channel->calls++;
    if (sk_call_headers_init(&stream->headers, channel, headers, &stream->broken)) {
        fail_later(stream);
        return stream;
    }
    stream->grpc = sk_channel_call(channel, method->path, timeout);
    if (!start_call(stream)) {
        (void)sk_fail(&stream->broken, SK_INTERNAL, "gRPC refused to start a call of %s", method->path);
        fail_later(stream);
    }
    return stream;
}

void sk_stream_cancel(struct sk_stream_call *stream)
{
    if (stream->grpc && !stream->over)
        (void)grpc_call_cancel(stream->grpc, NULL);
}

void sk_stream_close(struct sk_stream_call *stream)
{
    if (!stream)
        return;
    assert(!stream->closed);
    hold(stream);
    sk_stream_cancel(stream);
    stream->closed = true;
    stream->channel->calls--;
    stream->channel = NULL;
    release(stream);
}
