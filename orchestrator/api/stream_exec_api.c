/* stream_exec_api.c: StreamExec: one process with its streams.
 *
 * The client's messages: init, then stdin pieces and sizes of the terminal,
 * close, or a half-close for the end of input. Ours: ready, output frames, exit, then OK at once.
 * Back-pressure both ways: the next piece of input is asked for when the
 * process has taken the last one, the next piece of output when gRPC has. */
#include "api/encode.h"
#include "api/exec_request.h"
#include "api/handlers.h"
#include "rpc/message.h"

struct stream {
    struct sk_call *call;
    struct sk_exec *exec; /* owned; NULL until init has come */
    bool input_over;
};

static void fail(struct stream *s, const struct sk_err *err)
{
    struct sk_err copy = *err;
    sk_exec_close(sk_take(s->exec));
    sk_call_fail(s->call, &copy);
}

static void fail_request(struct stream *s, const char *what)
{
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_INVALID_ARGUMENT, "%s", what);
    fail(s, &err);
}

/* --- from the process ------------------------------------------------------- */

static void send(struct stream *s, SK_PB(ExecStreamResponse__MessageCase) which, void *message)
{
    SK_PB(ExecStreamResponse) out;
    coreweave__sandbox__v1__exec_stream_response__init(&out);
    out.message_case = which;
    out.ready = message; /* the members of the union are pointers alike */
    sk_server_call_send(s->call->rpc, &out.base);
}

static void on_started(void *arg)
{
    struct stream *s = arg;
    SK_PB(ExecStreamReady) ready;
    coreweave__sandbox__v1__exec_stream_ready__init(&ready);
    ready.ready_time = sk_encode_time(s->call->arena, sk_loop_wall(sk_node_loop(s->call->node)));
    send(s, SK_PBE(EXEC_STREAM_RESPONSE, MESSAGE_READY), &ready);
    sk_server_call_want(s->call->rpc);
}

static void on_sent(void *arg)
{
    sk_exec_want(((struct stream *)arg)->exec);
}

static void on_output(void *arg, enum sk_stream stream, uint8_t *data_take, size_t len)
{
    struct stream *s = arg;
    SK_PB(ExecStreamOutput) output;
    coreweave__sandbox__v1__exec_stream_output__init(&output);
    output.stream = stream == SK_STDERR ? SK_PBE(EXEC_STREAM_OUTPUT, STREAM__STREAM_STDERR)
                                        : SK_PBE(EXEC_STREAM_OUTPUT, STREAM__STREAM_STDOUT);
    output.data = (ProtobufCBinaryData){.len = len, .data = data_take};
    sk_server_call_give(s->call->rpc, data_take, len);
    send(s, SK_PBE(EXEC_STREAM_RESPONSE, MESSAGE_OUTPUT), &output);
}

static void on_ended(void *arg, int status)
{
    struct stream *s = arg;
    struct sk_call *call = s->call;
    SK_PB(ExecStreamExit) over;
    SK_PB(ExecStreamResponse) out;
    coreweave__sandbox__v1__exec_stream_exit__init(&over);
    coreweave__sandbox__v1__exec_stream_response__init(&out);
    over.exit_code = status;
    over.completed_time = sk_encode_time(call->arena, sk_loop_wall(sk_node_loop(call->node)));
    out.message_case = SK_PBE(EXEC_STREAM_RESPONSE, MESSAGE_EXIT);
    out.exit = &over;
    sk_exec_close(sk_take(s->exec));
    sk_call_reply(call, &out.base);
}

static void on_error(void *arg, const struct sk_err *err)
{
    fail(arg, err);
}

static void on_stdin_room(void *arg)
{
    struct stream *s = arg;
    sk_server_call_want(s->call->rpc);
}

/* --- from the client -------------------------------------------------------- */

static void end_input(struct stream *s)
{
    if (!s->input_over)
        sk_exec_close_stdin(s->exec);
    s->input_over = true;
}

/* The largest terminal there can be will do for any that is larger. */
static uint16_t length_of(uint32_t cells)
{
    return cells < UINT16_MAX ? (uint16_t)cells : UINT16_MAX;
}

static void on_init(struct stream *s, const SK_PB(ExecStreamInit) * init)
{
    static const struct sk_exec_events events = {.on_started = on_started,
                                                 .on_output = on_output,
                                                 .on_exit = on_ended,
                                                 .on_error = on_error,
                                                 .on_stdin_room = on_stdin_room};
    struct sk_call *call = s->call;
    struct sk_env *env = sk_arena_alloc(call->arena, (init->n_env + 1) * sizeof(env[0]));
    for (size_t i = 0; i < init->n_env; i++)
        env[i] = (struct sk_env){.name = init->env[i]->key, .value = init->env[i]->value};
    struct sk_exec_ask ask = {.prefix = SK_FIELD(NULL, "init"),
                              .sandbox_id = init->sandbox_id,
                              .container = init->container,
                              .command = init->command,
                              .command_count = init->n_command,
                              .env = env,
                              .env_count = init->n_env};
    struct sk_exec_request run = {.is_stream = true,
                                  .has_stdin = true,
                                  .on_terminal = init->tty,
                                  .columns = length_of(init->tty_width),
                                  .rows = length_of(init->tty_height)};
    struct sk_sandbox *sandbox;
    if (sk_exec_ask_take(call, &ask, &sandbox, &run))
        s->exec = sk_exec_open(sandbox, &run, &events, s);
}

/* Input after its end is discarded without a word. */
static void on_stdin(struct stream *s, const ProtobufCBinaryData *data)
{
    if (s->input_over || !data->len)
        sk_server_call_want(s->call->rpc);
    else
        sk_exec_write(s->exec, data->data, data->len);
}

static void on_later(struct stream *s, const SK_PB(ExecStreamRequest) * in)
{
    switch (in->message_case) {
    case SK_PBE(EXEC_STREAM_REQUEST, MESSAGE_INIT):
        fail_request(s, "init must come once");
        return;
    case SK_PBE(EXEC_STREAM_REQUEST, MESSAGE_STDIN):
        on_stdin(s, &in->stdin);
        return;
    case SK_PBE(EXEC_STREAM_REQUEST, MESSAGE_CLOSE):
        end_input(s);
        break;
    case SK_PBE(EXEC_STREAM_REQUEST, MESSAGE_RESIZE):
        sk_exec_resize(s->exec, length_of(in->resize->width), length_of(in->resize->height));
        break;
    default: /* what newer clients know */
        break;
    }
    sk_server_call_want(s->call->rpc);
}

/* Pieces of input come by the thousand: each has an arena of its own. */
static void on_piece(struct stream *s, grpc_byte_buffer *bytes)
{
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    ProtobufCMessage *message = NULL;
    struct sk_err err = {0};
    if (sk_message_unpack(&arena, s->call->method.type->input, bytes, &message, &err))
        fail(s, &err);
    else
        on_later(s, (const void *)message);
}

static void on_first(struct stream *s, grpc_byte_buffer *bytes)
{
    ProtobufCMessage *message = NULL;
    struct sk_err err = {0};
    if (sk_call_unpack(s->call, bytes, &message, &err)) {
        fail(s, &err);
        return;
    }
    const SK_PB(ExecStreamRequest) *in = (const void *)message;
    if (in->message_case == SK_PBE(EXEC_STREAM_REQUEST, MESSAGE_INIT))
        on_init(s, in->init);
    else
        fail_request(s, "the first message must be init");
}

static void on_message(void *arg, grpc_byte_buffer *bytes)
{
    struct stream *s = arg;
    if (!bytes && !s->exec)
        fail_request(s, "the stream ended before init");
    else if (!bytes)
        end_input(s);
    else if (s->exec)
        on_piece(s, bytes);
    else
        on_first(s, bytes);
}

static void on_cancel(void *arg)
{
    struct stream *s = arg;
    sk_exec_close(sk_take(s->exec));
    sk_exec_fail_cancelled(s->call);
}

void sk_exec_stream(struct sk_call *call)
{
    static const struct sk_server_call_events events = {
        .on_message = on_message, .on_sent = on_sent, .on_cancel = on_cancel};
    struct stream *s = sk_arena_alloc(call->arena, sizeof(*s));
    s->call = call;
    sk_server_call_set(call->rpc, &events, s);
    sk_server_call_want(call->rpc);
}
