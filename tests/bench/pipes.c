#include "bench/pipes.h"

#include "bench/flow.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct pipes {
    grpc_server *server;
    grpc_completion_queue *queue;
    grpc_call *call;
    const char *out_command, *in_command;
};

static void *tag(int number)
{
    return (void *)(intptr_t)number;
}

/* Starts one batch and waits for it. */
static bool batch(struct pipes *pipes, const grpc_op *ops, size_t count)
{
    if (grpc_call_start_batch(pipes->call, ops, count, tag(1), NULL) != GRPC_CALL_OK)
        abort();
    return grpc_completion_queue_pluck(pipes->queue, tag(1), gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
        .success;
}

static bool send(struct pipes *pipes, grpc_slice slice)
{
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {message}};
    bool sent = batch(pipes, &op, 1);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(slice);
    return sent;
}

static grpc_byte_buffer *receive(struct pipes *pipes)
{
    grpc_byte_buffer *message = NULL;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&message}};
    (void)batch(pipes, &op, 1);
    return message;
}

static FILE *start(const char *command, const char *mode)
{
    FILE *pipe = popen(command, mode);
    if (!pipe)
        abort();
    return pipe;
}

static void pump_out(struct pipes *pipes)
{
    FILE *from = start(pipes->out_command, "re");
    for (;;) {
        grpc_slice slice = grpc_slice_malloc(FLOW_PIECE);
        ssize_t got = read(fileno(from), GRPC_SLICE_START_PTR(slice), FLOW_PIECE);
        if (got > 0)
            GRPC_SLICE_SET_LENGTH(slice, (size_t)got);
        if (got <= 0) {
            grpc_slice_unref(slice);
            break;
        }
        if (!send(pipes, slice))
            break;
    }
    (void)pclose(from);
}

static void write_all(int fd, const grpc_slice *slice)
{
    const uint8_t *data = GRPC_SLICE_START_PTR(*slice);
    for (size_t at = 0; at < GRPC_SLICE_LENGTH(*slice);) {
        ssize_t put = write(fd, data + at, GRPC_SLICE_LENGTH(*slice) - at);
        if (put < 0)
            abort();
        at += (size_t)put;
    }
}

static void pump_in(struct pipes *pipes)
{
    FILE *to = start(pipes->in_command, "we");
    grpc_byte_buffer *message;

    (void)send(pipes, grpc_slice_from_copied_string("ready"));
    grpc_byte_buffer_destroy(receive(pipes)); /* the first one only opens the call */
    while ((message = receive(pipes))) {
        for (size_t i = 0; i < message->data.raw.slice_buffer.count; i++)
            write_all(fileno(to), &message->data.raw.slice_buffer.slices[i]);
        grpc_byte_buffer_destroy(message);
    }
    (void)pclose(to);
}

static void end(struct pipes *pipes)
{
    grpc_op op = {.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    (void)batch(pipes, &op, 1);
    grpc_call_unref(pipes->call);
}

static void serve(struct pipes *pipes)
{
    grpc_call_details details;
    grpc_metadata_array headers;
    grpc_op greeting = {.op = GRPC_OP_SEND_INITIAL_METADATA};

    grpc_call_details_init(&details);
    grpc_metadata_array_init(&headers);
    if (grpc_server_request_call(pipes->server, &pipes->call, &details, &headers, pipes->queue, pipes->queue,
                                 tag(2)) != GRPC_CALL_OK)
        abort();
    (void)grpc_completion_queue_pluck(pipes->queue, tag(2), gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    (void)batch(pipes, &greeting, 1);
    if (grpc_slice_str_cmp(details.method, PIPES_OUT) == 0)
        pump_out(pipes);
    else
        pump_in(pipes);
    end(pipes);
    grpc_call_details_destroy(&details);
    grpc_metadata_array_destroy(&headers);
}

static void listen_and_serve(struct pipes *pipes, int said)
{
    grpc_server_credentials *plain = grpc_insecure_server_credentials_create();
    int port;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    grpc_init();
    pipes->queue = grpc_completion_queue_create_for_pluck(NULL);
    pipes->server = grpc_server_create(NULL, NULL);
    grpc_server_register_completion_queue(pipes->server, pipes->queue, NULL);
    port = grpc_server_add_http2_port(pipes->server, "127.0.0.1:0", plain);
    grpc_server_credentials_release(plain);
    grpc_server_start(pipes->server);
    if (write(said, &port, sizeof(port)) != sizeof(port))
        abort();
    for (;;)
        serve(pipes);
}

pid_t pipes_start(const char *out_command, const char *in_command, int *out_port)
{
    struct pipes pipes = {.out_command = out_command, .in_command = in_command};
    int said[2];
    pid_t pid;

    if (pipe(said) < 0 || (pid = fork()) < 0)
        abort();
    if (pid == 0)
        listen_and_serve(&pipes, said[1]);
    if (read(said[0], out_port, sizeof(*out_port)) != sizeof(*out_port))
        abort();
    close(said[0]);
    close(said[1]);
    return pid;
}

void pipes_stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
