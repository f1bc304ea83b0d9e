#include "cli/remote.h"

#include "coreweave/sandbox/v1/sandbox.pb-c.h"
#include "loop/pump.h"

#include <assert.h>
#include <stdio.h>

typedef Coreweave__Sandbox__V1__ExecStreamRequest exec_request;
typedef Coreweave__Sandbox__V1__ExecStreamResponse exec_response;
typedef Coreweave__Sandbox__V1__ExecStreamInit__EnvEntry variable;

/* --- towards the sandbox --------------------------------------------------------- */

static void send(struct sk_remote *remote, const exec_request *request)
{
    remote->sending = true;
    sk_stream_send(remote->stream, &request->base);
}

static void send_input(struct sk_remote *remote, const uint8_t *data, size_t len)
{
    exec_request piece = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__INIT;

    piece.message_case = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__MESSAGE_STDIN;
    piece.stdin = (ProtobufCBinaryData){len, (uint8_t *)data};
    remote->room_due = true;
    send(remote, &piece);
}

static void send_window(struct sk_remote *remote)
{
    exec_request request = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__INIT;
    Coreweave__Sandbox__V1__ExecStreamResize resize = COREWEAVE__SANDBOX__V1__EXEC_STREAM_RESIZE__INIT;

    resize.width = remote->window.width;
    resize.height = remote->window.height;
    request.message_case = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__MESSAGE_RESIZE;
    request.resize = &resize;
    remote->window_due = false;
    send(remote, &request);
}

/* Whatever is next, one thing at a time. */
static void advance(struct sk_remote *remote)
{
    if (remote->sending || remote->over)
        return;
    if (remote->held.len) {
        send_input(remote, remote->held.data, remote->held.len);
        sk_buf_clear(&remote->held);
    } else if (remote->window_due && remote->ready && !remote->input_ended) {
        send_window(remote);
    } else if (remote->room_due && !remote->input_ended) {
        remote->room_due = false;
        remote->events->on_room(remote);
    }
}

static void on_sent(void *arg)
{
    struct sk_remote *remote = arg;

    remote->sending = false;
    advance(remote);
}

/* Programs draw for the terminal that its user has. */
static void set_terminal(Coreweave__Sandbox__V1__ExecStreamInit *init, variable *term, variable **list)
{
    coreweave__sandbox__v1__exec_stream_init__env_entry__init(term);
    term->key = "TERM";
    term->value = getenv("TERM");
    if (!term->value || !*term->value)
        return;
    *list = term;
    init->env = list;
    init->n_env = 1;
}

static void send_init(struct sk_remote *remote, const struct sk_remote_command *command)
{
    exec_request first = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__INIT;
    Coreweave__Sandbox__V1__ExecStreamInit init = COREWEAVE__SANDBOX__V1__EXEC_STREAM_INIT__INIT;
    variable term, *list;

    init.sandbox_id = (char *)command->sandbox_id;
    init.command = (char **)command->words;
    init.n_command = command->count;
    init.tty = command->terminal;
    init.tty_width = command->window.width;
    init.tty_height = command->window.height;
    if (command->terminal)
        set_terminal(&init, &term, &list);
    first.message_case = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__MESSAGE_INIT;
    first.init = &init;
    send(remote, &first);
}

void sk_remote_send(struct sk_remote *remote, const uint8_t *data, size_t len)
{
    assert(!remote->input_ended && !remote->held.len && len <= SK_PUMP_CHUNK);
    if (remote->over)
        return;
    if (!remote->sending)
        send_input(remote, data, len);
    else if (sk_buf_append(&remote->held, data, len) != SK_OK)
        abort(); /* it has room for one piece, and there was none */
}

void sk_remote_end_input(struct sk_remote *remote)
{
    if (remote->input_ended)
        return;
    remote->input_ended = true;
    sk_stream_half_close(remote->stream);
}

void sk_remote_resize(struct sk_remote *remote, struct sk_window window)
{
    remote->window = window;
    remote->window_due = true;
    advance(remote);
}

/* --- from the sandbox ---------------------------------------------------------------- */

static void on_error(struct sk_remote *remote, const Coreweave__Sandbox__V1__ExecStreamError *error)
{
    struct sk_err err;

    (void)sk_fail(&err, SK_INTERNAL, "%s", error->message);
    sk_fault_set(&remote->fault, &err, NULL, 0);
    (void)snprintf(remote->fault.reason, sizeof(remote->fault.reason), "%s", error->code);
}

static void on_output(struct sk_remote *remote, const Coreweave__Sandbox__V1__ExecStreamOutput *output)
{
    int fd = output->stream == COREWEAVE__SANDBOX__V1__EXEC_STREAM_OUTPUT__STREAM__STREAM_STDERR
                 ? STDERR_FILENO
                 : STDOUT_FILENO;
    remote->events->on_output(remote, fd, output->data.data, output->data.len);
}

static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct sk_remote *remote = arg;
    const exec_response *said = (const exec_response *)message;

    switch (said->message_case) {
    case COREWEAVE__SANDBOX__V1__EXEC_STREAM_RESPONSE__MESSAGE_OUTPUT:
        on_output(remote, said->output);
        return;
    case COREWEAVE__SANDBOX__V1__EXEC_STREAM_RESPONSE__MESSAGE_READY:
        remote->ready = remote->room_due = true;
        advance(remote);
        break;
    case COREWEAVE__SANDBOX__V1__EXEC_STREAM_RESPONSE__MESSAGE_EXIT:
        remote->exited = true;
        remote->exit_code = said->exit->exit_code;
        break;
    case COREWEAVE__SANDBOX__V1__EXEC_STREAM_RESPONSE__MESSAGE_ERROR:
        on_error(remote, said->error);
        break;
    default: /* something newer than this program */
        break;
    }
    sk_stream_want(remote->stream);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct sk_remote *remote = arg;
    struct sk_call_failure failure = sk_channel_failure(remote->client->channel);
    struct sk_err silent;

    remote->over = true;
    if (err && !remote->fault.err.code)
        sk_fault_set(&remote->fault, err, failure.details, failure.details_len);
    if (!err && !remote->exited && !remote->fault.err.code) {
        (void)sk_fail(&silent, SK_INTERNAL, "the server did not say how the command ended");
        sk_fault_set(&remote->fault, &silent, NULL, 0);
    }
    remote->events->on_over(remote);
}

void sk_remote_want(struct sk_remote *remote)
{
    sk_stream_want(remote->stream);
}

/* --- life --------------------------------------------------------------------------------- */

static void on_signal(void *arg)
{
    sk_remote_cancel(arg);
}

void sk_remote_open(struct sk_remote *remote, struct sk_client *client,
                    const struct sk_remote_command *command, const struct sk_remote_events *events)
{
    static const struct sk_stream_events stream_events = {on_message, on_sent, on_end};

    struct sk_method_path path = sk_client_path("StreamExec");
    const struct sk_method method = {path.text, &coreweave__sandbox__v1__exec_stream_response__descriptor};

    *remote = (struct sk_remote){.events = events, .client = client};
    sk_buf_init(&remote->held, SK_PUMP_CHUNK);
    remote->stream = sk_stream_open(client->channel, &method, NULL, SK_NS(0), &stream_events, remote);
    client->arg = remote;
    client->on_signal = on_signal;
    send_init(remote, command);
    sk_stream_want(remote->stream);
}

void sk_remote_cancel(struct sk_remote *remote)
{
    sk_stream_cancel(remote->stream);
}

void sk_remote_close(struct sk_remote *remote)
{
    if (!remote->stream)
        return;
    remote->client->on_signal = NULL;
    sk_stream_close(sk_take(remote->stream));
    sk_buf_fini(&remote->held);
}
