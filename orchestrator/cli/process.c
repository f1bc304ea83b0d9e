#include "cli/process.h"

#include "cli/input.h"
#include "cli/output.h"

#include <signal.h>
#include <stdio.h>

typedef Coreweave__Sandbox__V1__ExecStreamRequest exec_request;
typedef Coreweave__Sandbox__V1__ExecStreamResponse exec_response;

static const struct sk_method stream_exec = {"/coreweave.sandbox.v1.SandboxService/StreamExec",
                                             &coreweave__sandbox__v1__exec_stream_response__descriptor};

struct process {
    struct sk_client *client;
    struct sk_stream_call *stream;
    struct sk_input input;
    enum sk_stdin_use use;
    bool sending;   /* until on_sent */
    bool input_due; /* `ready` has come, the input may flow */
    bool exited;    /* with exit_code */
    bool deaf;      /* our own output is closed */
    bool over;
    int exit_code;
    struct sk_fault fault; /* code SK_OK: none */
};

/* --- towards the sandbox --------------------------------------------------------- */

static void on_input(struct sk_input *input, const uint8_t *data, size_t len)
{
    struct process *process = sk_container_of(input, struct process, input);
    exec_request piece = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__INIT;

    piece.message_case = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__MESSAGE_STDIN;
    piece.stdin = (ProtobufCBinaryData){len, (uint8_t *)data};
    process->sending = true;
    sk_stream_send(process->stream, &piece.base);
}

static void on_input_end(struct sk_input *input)
{
    struct process *process = sk_container_of(input, struct process, input);
    sk_stream_half_close(process->stream);
}

static void pull_input(struct process *process)
{
    if (process->input_due && !process->sending)
        sk_input_want(&process->input);
}

static void on_sent(void *arg)
{
    struct process *process = arg;

    process->sending = false;
    pull_input(process);
}

static void send_init(struct process *process, const char *sandbox_id, const struct sk_words *command)
{
    exec_request first = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__INIT;
    Coreweave__Sandbox__V1__ExecStreamInit init = COREWEAVE__SANDBOX__V1__EXEC_STREAM_INIT__INIT;

    init.sandbox_id = (char *)sandbox_id;
    init.command = command->items;
    init.n_command = command->count;
    first.message_case = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__MESSAGE_INIT;
    first.init = &init;
    process->sending = true;
    sk_stream_send(process->stream, &first.base);
    if (process->use == SK_STDIN_NONE)
        sk_stream_half_close(process->stream);
}

/* --- from the sandbox ---------------------------------------------------------------- */

static void on_ready(struct process *process)
{
    process->input_due = process->use == SK_STDIN_PASS;
    pull_input(process);
}

static void on_output(struct process *process, const Coreweave__Sandbox__V1__ExecStreamOutput *output)
{
    int fd = output->stream == COREWEAVE__SANDBOX__V1__EXEC_STREAM_OUTPUT__STREAM__STREAM_STDERR
                 ? STDERR_FILENO
                 : STDOUT_FILENO;

    if (sk_write_all(fd, output->data.data, output->data.len))
        return;
    process->deaf = true;
    sk_stream_cancel(process->stream);
}

static void on_error(struct process *process, const Coreweave__Sandbox__V1__ExecStreamError *error)
{
    struct sk_err err;

    (void)sk_fail(&err, SK_INTERNAL, "%s", error->message);
    sk_fault_set(&process->fault, &err, NULL, 0);
    (void)snprintf(process->fault.reason, sizeof(process->fault.reason), "%s", error->code);
}

static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct process *process = arg;
    const exec_response *said = (const exec_response *)message;

    switch (said->message_case) {
    case COREWEAVE__SANDBOX__V1__EXEC_STREAM_RESPONSE__MESSAGE_READY:
        on_ready(process);
        break;
    case COREWEAVE__SANDBOX__V1__EXEC_STREAM_RESPONSE__MESSAGE_OUTPUT:
        on_output(process, said->output);
        break;
    case COREWEAVE__SANDBOX__V1__EXEC_STREAM_RESPONSE__MESSAGE_EXIT:
        process->exited = true;
        process->exit_code = said->exit->exit_code;
        break;
    case COREWEAVE__SANDBOX__V1__EXEC_STREAM_RESPONSE__MESSAGE_ERROR:
        on_error(process, said->error);
        break;
    default: /* something newer than this program */
        break;
    }
    sk_stream_want(process->stream);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct process *process = arg;
    struct sk_call_failure failure = sk_channel_failure(process->client->channel);
    struct sk_err silent;

    process->over = true;
    if (err && !process->fault.err.code)
        sk_fault_set(&process->fault, err, failure.details, failure.details_len);
    if (!err && !process->exited && !process->fault.err.code) {
        (void)sk_fail(&silent, SK_INTERNAL, "the server did not say how the command ended");
        sk_fault_set(&process->fault, &silent, NULL, 0);
    }
    sk_loop_stop(process->client->loop);
}

/* --- life --------------------------------------------------------------------------------- */

static void on_signal(void *arg)
{
    struct process *process = arg;
    sk_stream_cancel(process->stream);
}

enum sk_stdin_use sk_process_stdin(const struct sk_args *args)
{
    if (args->no_stdin)
        return SK_STDIN_NONE;
    return args->interactive || !sk_input_is_terminal() ? SK_STDIN_PASS : SK_STDIN_NONE;
}

static int outcome(const struct process *process)
{
    if (process->exited)
        return process->exit_code;
    if (process->client->signo)
        return 128 + process->client->signo;
    if (process->deaf)
        return 128 + SIGPIPE;
    sk_fault_print(&process->fault);
    return SK_EXIT_OWN_FAILURE;
}

int sk_process_run(struct sk_client *client, const char *sandbox_id, const struct sk_words *command,
                   enum sk_stdin_use use)
{
    static const struct sk_stream_events events = {on_message, on_sent, on_end};
    struct process process = {.client = client, .use = use};
    struct sk_err err;

    if (use == SK_STDIN_PASS &&
        sk_input_open(&process.input, client->loop, on_input, on_input_end, &err) != SK_OK) {
        sk_fault_print_err(&err);
        return SK_EXIT_OWN_FAILURE;
    }
    process.stream = sk_stream_open(client->channel, &stream_exec, NULL, SK_NS(0), &events, &process);
    client->arg = &process;
    client->on_signal = on_signal;
    send_init(&process, sandbox_id, command);
    sk_stream_want(process.stream);
    while (!process.over)
        sk_loop_run(client->loop);
    client->on_signal = NULL;
    sk_input_close(&process.input);
    sk_stream_close(process.stream);
    return outcome(&process);
}
