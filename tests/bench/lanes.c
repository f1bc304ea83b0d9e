#include "bench/lanes.h"

#include "bench/samples.h"

#include <grpc/byte_buffer.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lane {
    struct road *road;
    grpc_call *call;
    grpc_metadata_array initial, trailing;
    grpc_status_code code;
    grpc_slice text;
    grpc_byte_buffer *received;
    int messages;
    int under_way; /* batches */
    char whole;    /* its address is the tag of the batch that begins and ends a call */
};

struct road {
    const struct caller *caller;
    grpc_completion_queue *queue;
    grpc_slice path, request;
    int left, running, messages;
    struct lane lanes[LANES_MAX];
};

static void start(struct lane *lane, const grpc_op *ops, size_t count, void *tag)
{
    if (grpc_call_start_batch(lane->call, ops, count, tag, NULL) != GRPC_CALL_OK)
        abort();
    lane->under_way++;
}

static void receive(struct lane *lane)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&lane->received}};
    start(lane, &op, 1, lane);
}

static void begin(struct lane *lane)
{
    struct road *road = lane->road;
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&road->request, 1);
    grpc_op ops[5];

    lane->messages = 0;
    lane->text = grpc_empty_slice();
    grpc_metadata_array_init(&lane->initial);
    grpc_metadata_array_init(&lane->trailing);
    lane->call = grpc_channel_create_call(road->caller->channel, NULL, 0, road->queue, road->path, NULL,
                                          gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    memset(ops, 0, sizeof(ops));
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[0].data.send_initial_metadata.metadata = (grpc_metadata *)&road->caller->header;
    ops[0].data.send_initial_metadata.count = 1;
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = message;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &lane->initial;
    ops[4].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    ops[4].data.recv_status_on_client.trailing_metadata = &lane->trailing;
    ops[4].data.recv_status_on_client.status = &lane->code;
    ops[4].data.recv_status_on_client.status_details = &lane->text;
    start(lane, ops, 5, &lane->whole);
    grpc_byte_buffer_destroy(message);
    receive(lane);
    road->left--;
    road->running++;
}

static void end(struct lane *lane)
{
    if (lane->code != GRPC_STATUS_OK || lane->messages != lane->road->messages) {
        fprintf(stderr, "bench: a call ended with status %d after %d messages\n", (int)lane->code,
                lane->messages);
        exit(1);
    }
    grpc_call_unref(lane->call);
    grpc_metadata_array_destroy(&lane->initial);
    grpc_metadata_array_destroy(&lane->trailing);
    grpc_slice_unref(lane->text);
    lane->road->running--;
    if (lane->road->left > 0)
        begin(lane);
}

static struct lane *lane_of(struct road *road, const void *tag)
{
    return &road->lanes[((const char *)tag - (const char *)road->lanes) / (long)sizeof(struct lane)];
}

static void step(struct road *road)
{
    grpc_event event = grpc_completion_queue_next(road->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    struct lane *lane = lane_of(road, event.tag);

    lane->under_way--;
    if (event.tag == lane && lane->received) {
        lane->messages++;
        grpc_byte_buffer_destroy(lane->received);
        lane->received = NULL;
        receive(lane);
    }
    if (lane->under_way == 0)
        end(lane);
}

double lanes_run(const struct caller *caller, const char *path, const struct answer *request, int width,
                 int total, int messages)
{
    struct road *road = calloc(1, sizeof(*road));
    double began = now_ms(), took;

    if (!road)
        abort();
    road->caller = caller;
    road->queue = grpc_completion_queue_create_for_next(NULL);
    road->path = grpc_slice_from_static_string(path);
    road->request = grpc_slice_from_copied_buffer((const char *)request->data, request->len);
    road->left = total;
    road->messages = messages;
    for (int i = 0; i < width; i++) {
        road->lanes[i].road = road;
        begin(&road->lanes[i]);
    }
    while (road->running)
        step(road);
    took = now_ms() - began;
    grpc_completion_queue_shutdown(road->queue);
    grpc_completion_queue_destroy(road->queue);
    grpc_slice_unref(road->request);
    free(road);
    return total / took * 1e3;
}
