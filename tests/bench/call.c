#include "bench/call.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_SECONDS = 60 };

void caller_init(struct caller *caller, const char *target, const char *header, const char *value)
{
    grpc_arg settings[] = {
        {.type = GRPC_ARG_STRING,
         .key = (char *)GRPC_ARG_DEFAULT_AUTHORITY,
         .value.string = (char *)"localhost"},
        {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, .value.integer = -1},
        {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, .value.integer = 1},
    };
    grpc_channel_args args = {.num_args = 3, .args = settings};
    grpc_channel_credentials *plain = grpc_insecure_credentials_create();

    caller->channel = grpc_channel_create(target, plain, &args);
    grpc_channel_credentials_release(plain);
    caller->queue = grpc_completion_queue_create_for_pluck(NULL);
    memset(&caller->header, 0, sizeof(caller->header));
    caller->header.key = grpc_slice_from_static_string(header);
    caller->header.value = grpc_slice_from_static_string(value);
}

void caller_fini(struct caller *caller)
{
    grpc_channel_destroy(caller->channel);
    grpc_completion_queue_shutdown(caller->queue);
    grpc_completion_queue_destroy(caller->queue);
}

static gpr_timespec deadline(void)
{
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(CALL_SECONDS, GPR_TIMESPAN));
}

grpc_call *caller_begin(struct caller *caller, const char *path)
{
    return grpc_channel_create_call(caller->channel, NULL, 0, caller->queue,
                                    grpc_slice_from_static_string(path), NULL, deadline(), NULL);
}

bool caller_batch(struct caller *caller, grpc_call *call, const grpc_op *ops, size_t count)
{
    grpc_call_error error = grpc_call_start_batch(call, ops, count, call, NULL);
    if (error != GRPC_CALL_OK) {
        fprintf(stderr, "bench: batch refused: %s\n", grpc_call_error_to_string(error));
        exit(1);
    }
    return grpc_completion_queue_pluck(caller->queue, call, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
        .success;
}

void answer_copy(grpc_byte_buffer *from, struct answer *out_answer)
{
    grpc_byte_buffer_reader reader;
    grpc_slice all;

    *out_answer = (struct answer){0};
    if (!from || !grpc_byte_buffer_reader_init(&reader, from))
        return;
    all = grpc_byte_buffer_reader_readall(&reader);
    out_answer->len = GRPC_SLICE_LENGTH(all);
    out_answer->data = malloc(out_answer->len + 1);
    if (!out_answer->data)
        abort();
    memcpy(out_answer->data, GRPC_SLICE_START_PTR(all), out_answer->len);
    grpc_slice_unref(all);
    grpc_byte_buffer_reader_destroy(&reader);
}

void answer_fini(struct answer *answer)
{
    free(answer->data);
    *answer = (struct answer){0};
}

/* What one call receives beside its messages. */
struct outcome {
    grpc_metadata_array initial, trailing;
    grpc_status_code code;
    grpc_slice text;
};

static void outcome_init(struct outcome *outcome)
{
    grpc_metadata_array_init(&outcome->initial);
    grpc_metadata_array_init(&outcome->trailing);
    outcome->code = GRPC_STATUS_UNKNOWN;
    outcome->text = grpc_empty_slice();
}

static void outcome_fini(struct outcome *outcome)
{
    grpc_metadata_array_destroy(&outcome->initial);
    grpc_metadata_array_destroy(&outcome->trailing);
    grpc_slice_unref(outcome->text);
}

static grpc_op status_op(struct outcome *outcome)
{
    grpc_op status = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    status.data.recv_status_on_client.trailing_metadata = &outcome->trailing;
    status.data.recv_status_on_client.status = &outcome->code;
    status.data.recv_status_on_client.status_details = &outcome->text;
    return status;
}

/* Fills the four ops that open a call with one message; their number. */
static size_t opening_ops(struct caller *caller, grpc_byte_buffer *message, struct outcome *outcome,
                          grpc_op *ops)
{
    memset(ops, 0, 4 * sizeof(*ops));
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[0].data.send_initial_metadata.metadata = &caller->header;
    ops[0].data.send_initial_metadata.count = 1;
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = message;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &outcome->initial;
    return 4;
}

grpc_status_code caller_exchange(struct caller *caller, const char *path, grpc_slice request,
                                 grpc_byte_buffer **out_answer)
{
    grpc_call *call = caller_begin(caller, path);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&request, 1);
    struct outcome outcome;
    grpc_op ops[6];
    size_t count;

    *out_answer = NULL;
    outcome_init(&outcome);
    count = opening_ops(caller, message, &outcome, ops);
    ops[count++] = (grpc_op){.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {out_answer}};
    ops[count++] = status_op(&outcome);
    (void)caller_batch(caller, call, ops, count);
    grpc_byte_buffer_destroy(message);
    grpc_call_unref(call);
    outcome_fini(&outcome);
    return outcome.code;
}

grpc_status_code caller_unary(struct caller *caller, const char *path, const void *request, size_t len,
                              struct answer *out_answer)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(request, len);
    grpc_byte_buffer *received;
    grpc_status_code code = caller_exchange(caller, path, slice, &received);

    if (out_answer)
        answer_copy(received, out_answer);
    grpc_byte_buffer_destroy(received);
    grpc_slice_unref(slice);
    return code;
}

struct answer packed(const ProtobufCMessage *message)
{
    struct answer answer = {.len = protobuf_c_message_get_packed_size(message)};
    answer.data = malloc(answer.len + 1);
    if (!answer.data)
        abort();
    protobuf_c_message_pack(message, answer.data);
    return answer;
}

ProtobufCMessage *caller_must(struct caller *caller, const char *path, const ProtobufCMessage *request,
                              const ProtobufCMessageDescriptor *type)
{
    struct answer sent = packed(request), answer;
    grpc_status_code code = caller_unary(caller, path, sent.data, sent.len, &answer);
    ProtobufCMessage *message =
        code == GRPC_STATUS_OK ? protobuf_c_message_unpack(type, NULL, answer.len, answer.data) : NULL;

    if (!message) {
        fprintf(stderr, "bench: %s: status %d\n", path, (int)code);
        exit(1);
    }
    answer_fini(&answer);
    answer_fini(&sent);
    return message;
}
