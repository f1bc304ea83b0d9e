#include "bench/exec.h"

#include "bench/samples.h"
#include "bench/sandbox.h"
#include "bench/stream.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const TRUE_COMMAND[] = {"/bin/true", NULL};
static const char *const ECHO_COMMAND[] = {"/bin/echo", "x", NULL};

static size_t count_of(const char *const *command)
{
    size_t count = 0;
    while (command[count])
        count++;
    return count;
}

struct answer exec_unary_request(const char *id, const char *const *command)
{
    Coreweave__Sandbox__V1__ExecRequest request = COREWEAVE__SANDBOX__V1__EXEC_REQUEST__INIT;
    request.sandbox_id = (char *)id;
    request.command = (char **)command;
    request.n_command = count_of(command);
    return packed(&request.base);
}

struct answer exec_stream_request(const char *id, const char *const *command)
{
    Coreweave__Sandbox__V1__ExecStreamInit init = COREWEAVE__SANDBOX__V1__EXEC_STREAM_INIT__INIT;
    Coreweave__Sandbox__V1__ExecStreamRequest request = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__INIT;
    init.sandbox_id = (char *)id;
    init.command = (char **)command;
    init.n_command = count_of(command);
    request.message_case = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__MESSAGE_INIT;
    request.init = &init;
    return packed(&request.base);
}

struct answer exec_stdin_request(const void *data, size_t len)
{
    Coreweave__Sandbox__V1__ExecStreamRequest request = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__INIT;
    request.message_case = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__MESSAGE_STDIN;
    request.stdin = (ProtobufCBinaryData){.data = (uint8_t *)data, .len = len};
    return packed(&request.base);
}

static void must_be(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

void exec_unary(struct caller *daemon, const char *id)
{
    struct answer request = exec_unary_request(id, TRUE_COMMAND), answer;
    must_be(caller_unary(daemon, API "Exec", request.data, request.len, &answer) == GRPC_STATUS_OK,
            "Exec failed");
    answer_fini(&request);
    answer_fini(&answer);
}

void exec_stream(struct caller *daemon, const char *id)
{
    struct answer request = exec_stream_request(id, TRUE_COMMAND);
    struct stream *stream = stream_open(daemon, API "StreamExec", &request, true);
    int messages = 0;

    while (stream_next(stream))
        messages++;
    must_be(stream_close(stream) == GRPC_STATUS_OK && messages == 2, "StreamExec did not say ready and exit");
    answer_fini(&request);
}

double exec_first_byte(struct caller *daemon, const char *id)
{
    double began = now_ms(), took;
    struct answer request = exec_stream_request(id, ECHO_COMMAND);
    struct stream *stream = stream_open(daemon, API "StreamExec", &request, true);

    must_be(stream_next(stream) && stream_next(stream), "StreamExec did not say ready and output");
    took = now_ms() - began;
    while (stream_next(stream))
        continue;
    must_be(stream_close(stream) == GRPC_STATUS_OK, "StreamExec failed");
    answer_fini(&request);
    return took;
}
