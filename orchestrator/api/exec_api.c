/* exec_api.c: Exec: a command from start to end, its output in one answer. */
#include "api/exec_request.h"
#include "api/handlers.h"

/* Of one stream; two of them and the frame stay below what clients take. */
#define OUTPUT_MAX (INT64_C(48) * 1024 * 1024)

struct output {
    struct sk_buf kept;
    int64_t produced;
};

struct exec {
    struct sk_call *call;
    struct sk_exec *exec; /* owned */
    struct output out, err;
};

/* Ends the exec and moves the output out: the struct dies with the call. */
static void let_go(struct exec *x, struct output *out, struct output *err)
{
    sk_exec_close(sk_take(x->exec));
    *out = x->out;
    *err = x->err;
    x->call->on_cancel = NULL;
}

static void fini_outputs(struct output *out, struct output *err)
{
    sk_buf_fini(&out->kept);
    sk_buf_fini(&err->kept);
}

static void on_started(void *arg)
{
    sk_exec_want(((struct exec *)arg)->exec);
}

/* Past the cap bytes are counted and dropped, so that the command can go on. */
static void on_output(void *arg, enum sk_stream stream, uint8_t *data_take, size_t len)
{
    SK_AUTO_FREE uint8_t *data = data_take;
    struct exec *x = arg;
    struct output *to = stream == SK_STDERR ? &x->err : &x->out;
    size_t room = to->kept.ceiling - to->kept.len;
    to->produced += (int64_t)len;
    (void)!sk_buf_append(&to->kept, data, len < room ? len : room);
    sk_exec_want(x->exec);
}

static ProtobufCBinaryData bytes_of(const struct output *output)
{
    return (ProtobufCBinaryData){.len = output->kept.len, .data = output->kept.data};
}

static void on_ended(void *arg, int status)
{
    struct exec *x = arg;
    struct sk_call *call = x->call;
    struct output out, err;
    let_go(x, &out, &err);
    SK_PB(ExecResponse) response;
    coreweave__sandbox__v1__exec_response__init(&response);
    response.stdout = bytes_of(&out);
    response.stderr = bytes_of(&err);
    response.exit_code = status;
    response.stdout_bytes_produced = out.produced;
    response.stderr_bytes_produced = err.produced;
    response.stdout_truncated = out.produced > (int64_t)out.kept.len;
    response.stderr_truncated = err.produced > (int64_t)err.kept.len;
    sk_call_reply(call, &response.base);
    fini_outputs(&out, &err);
}

static void on_error(void *arg, const struct sk_err *error)
{
    struct exec *x = arg;
    struct sk_call *call = x->call;
    struct sk_err copy = *error;
    struct output out, err;
    let_go(x, &out, &err);
    sk_call_fail(call, &copy);
    fini_outputs(&out, &err);
}

static void on_cancel(struct sk_call *call)
{
    struct output out, err;
    let_go(call->state, &out, &err);
    sk_exec_fail_cancelled(call);
    fini_outputs(&out, &err);
}

static struct sk_env *env_of(struct sk_call *call, const SK_PB(ExecRequest) * in)
{
    struct sk_env *env = sk_arena_alloc(call->arena, (in->n_env + 1) * sizeof(env[0]));
    for (size_t i = 0; i < in->n_env; i++)
        env[i] = (struct sk_env){.name = in->env[i]->key, .value = in->env[i]->value};
    return env;
}

static size_t output_cap(const struct sk_call *call, int32_t asked)
{
    int64_t cap = asked ? asked : sk_node_config(call->node)->exec_output_max;
    return (size_t)(cap < OUTPUT_MAX ? cap : OUTPUT_MAX);
}

static void start(struct sk_call *call, struct sk_sandbox *sandbox, const struct sk_exec_request *request,
                  size_t cap)
{
    static const struct sk_exec_events events = {
        .on_started = on_started, .on_output = on_output, .on_exit = on_ended, .on_error = on_error};
    struct exec *x = sk_arena_alloc(call->arena, sizeof(*x));
    x->call = call;
    sk_buf_init(&x->out.kept, cap);
    sk_buf_init(&x->err.kept, cap);
    call->state = x;
    call->on_cancel = on_cancel;
    x->exec = sk_exec_open(sandbox, request, &events, x);
}

void sk_exec_unary(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(ExecRequest) *in = (const void *)request;
    struct sk_exec_ask ask = {.sandbox_id = in->sandbox_id,
                              .container = in->container,
                              .command = in->command,
                              .command_count = in->n_command,
                              .env = env_of(call, in),
                              .env_count = in->n_env};
    struct sk_exec_request run = {.has_stdin = false};
    struct sk_sandbox *sandbox;
    if (in->max_output_bytes < 0) {
        struct sk_err err = {0};
        (void)sk_fail(&err, SK_INVALID_ARGUMENT, "max_output_bytes must not be negative");
        sk_call_fail(call, &err);
    } else if (sk_exec_ask_take(call, &ask, &sandbox, &run)) {
        start(call, sandbox, &run, output_cap(call, in->max_output_bytes));
    }
}
