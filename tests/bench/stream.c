#include "bench/stream.h"

#include <grpc/byte_buffer.h>
#include <grpc/support/time.h>
#include <stdlib.h>

struct stream {
    struct caller *caller;
    grpc_call *call;
    grpc_metadata_array initial, trailing;
    grpc_status_code code;
    grpc_slice text;
};

static bool step(struct stream *stream, const grpc_op *ops, size_t count)
{
    return caller_batch(stream->caller, stream->call, ops, count);
}

/* Its end is waited for by stream_close. */
static void await_headers(struct stream *stream)
{
    grpc_op op = {.op = GRPC_OP_RECV_INITIAL_METADATA};
    op.data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    if (grpc_call_start_batch(stream->call, &op, 1, stream, NULL) != GRPC_CALL_OK)
        abort();
}

struct stream *stream_open(struct caller *caller, const char *path, const struct answer *first,
                           bool half_close)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)first->data, first->len);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_op ops[3] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}};

    if (!stream)
        abort();
    stream->caller = caller;
    stream->text = grpc_empty_slice();
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
    stream->call = caller_begin(caller, path);
    ops[0].data.send_initial_metadata.metadata = &caller->header;
    ops[0].data.send_initial_metadata.count = 1;
    ops[1].data.send_message.send_message = message;
    (void)step(stream, ops, half_close ? 3 : 2);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(slice);
    await_headers(stream);
    return stream;
}

bool stream_send(struct stream *stream, grpc_slice message)
{
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&message, 1);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {buffer}};
    bool sent = step(stream, &op, 1);
    grpc_byte_buffer_destroy(buffer);
    return sent;
}

void stream_half_close(struct stream *stream)
{
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    (void)step(stream, &op, 1);
}

static grpc_byte_buffer *receive(struct stream *stream)
{
    grpc_byte_buffer *received = NULL;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&received}};
    (void)step(stream, &op, 1);
    return received;
}

size_t stream_next(struct stream *stream)
{
    grpc_byte_buffer *received = receive(stream);
    size_t len = received ? grpc_byte_buffer_length(received) : 0;
    grpc_byte_buffer_destroy(received);
    return len;
}

bool stream_take(struct stream *stream, struct answer *out_message)
{
    grpc_byte_buffer *received = receive(stream);
    bool any = received != NULL;
    if (any)
        answer_copy(received, out_message);
    grpc_byte_buffer_destroy(received);
    return any;
}

grpc_status_code stream_close(struct stream *stream)
{
    grpc_op op = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    grpc_status_code code;

    op.data.recv_status_on_client.trailing_metadata = &stream->trailing;
    op.data.recv_status_on_client.status = &stream->code;
    op.data.recv_status_on_client.status_details = &stream->text;
    (void)step(stream, &op, 1);
    (void)grpc_completion_queue_pluck(stream->caller->queue, stream, gpr_inf_future(GPR_CLOCK_MONOTONIC),
                                      NULL);
    code = stream->code;
    grpc_call_unref(stream->call);
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    grpc_slice_unref(stream->text);
    free(stream);
    return code;
}
