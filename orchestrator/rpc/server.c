#include "rpc/server_call.h"

#include "base/strings.h"
#include "rpc/accept.h"
#include "rpc/common.h"

#include <assert.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <string.h>

/* Calls asked for in advance; each is replaced before it is handled. */
#define CALLS_AWAITED 64

/* For clients to read what they are told last, when the server closes. */
#define ANSWERS_LIMIT SK_SEC(2)

#define STREAMS_MAX        100000
#define HANDSHAKE_LIMIT_MS 20000
/* A silent peer is asked whether it is there, and how long it may take to say so: a machine that went away
 * must not hold a session's lease or a command for ever, one that is only suspended or slow gets its time. */
#define PING_MS        60000
#define PING_ANSWER_MS 60000
/* Of input: a message comes in one frame, and a few may come before the first is asked for. */
#define FRAME_MAX (1 << 20)
#define LOOKAHEAD (256 << 10)

static grpc_server *create(void)
{
    grpc_arg args[] = {
        sk_rpc_int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, SK_RPC_MESSAGE_MAX),
        sk_rpc_int_arg(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, SK_RPC_MESSAGE_MAX),
        sk_rpc_int_arg(GRPC_ARG_MAX_METADATA_SIZE, SK_RPC_HEADERS_MAX),
        sk_rpc_int_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, STREAMS_MAX),
        sk_rpc_int_arg(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_LIMIT_MS),
        sk_rpc_int_arg(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, FRAME_MAX),
        sk_rpc_int_arg(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, LOOKAHEAD),
        /* Two daemons on one port would share its calls. */
        sk_rpc_int_arg(GRPC_ARG_ALLOW_REUSEPORT, 0),
        /* Compressed messages are refused when unpacked, never inflated. */
        sk_rpc_int_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        /* Silent streams last for hours: any ping is answered, none ends a connection. */
        sk_rpc_int_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        sk_rpc_int_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1),
        sk_rpc_int_arg(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0),
        sk_rpc_int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, PING_MS),
        sk_rpc_int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, PING_ANSWER_MS),
    };
    grpc_channel_args all = {sk_array_len(args), args};
    return grpc_server_create(&all, NULL);
}

/* Of the next listener. */
static grpc_server_credentials *credentials(struct sk_server *server, struct sk_tls *tls)
{
    if (!tls)
        return grpc_insecure_server_credentials_create();
    return sk_tls_credentials(tls, &server->views[server->view_count++]);
}

static int open_port(struct sk_server *server, const char *address, struct sk_tls *tls)
{
    grpc_server_credentials *creds = credentials(server, tls);
    int port = grpc_server_add_http2_port(server->grpc, address, creds);

    grpc_server_credentials_release(creds);
    return port;
}

/* gRPC says only that it failed; a port that cannot be taken tells the two reasons apart. */
static enum sk_code explain(struct sk_server *server, const char *address, struct sk_tls *tls,
                            struct sk_err *err)
{
    if (open_port(server, "127.0.0.1:0", tls) <= 0)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the TLS certificate and its key cannot be used");
    return sk_fail(err, SK_UNAVAILABLE, "cannot listen on %s: taken, or not an address of this host",
                   address);
}

static enum sk_code listen_all(struct sk_server *server, const struct sk_server_options *options,
                               struct sk_err *err)
{
    for (size_t i = 0; options->listen[i]; i++) {
        int port = open_port(server, options->listen[i], options->tls);
        if (port <= 0)
            return explain(server, options->listen[i], options->tls, err);
        server->ports[server->port_count++] = strncmp(options->listen[i], "unix:", 5) ? port : 0;
    }
    return SK_OK;
}

static void on_shut(struct sk_tag *tag, bool ok)
{
    struct sk_server *server = sk_container_of(tag, struct sk_server, shutdown);

    (void)ok;
    server->shut = true;
    sk_server_settle(server);
}

/* Cancelling takes all calls alike, those too whose answer waits for the thread that writes it. */
static void cancel_calls(struct sk_server *server)
{
    if (server->cancels)
        return;
    server->cancels = true;
    sk_timer_stop(sk_bridge_loop(server->bridge), &server->patience);
    grpc_server_cancel_all_calls(server->grpc);
}

static void on_patience(struct sk_timer *timer)
{
    struct sk_server *server = sk_container_of(timer, struct sk_server, patience);

    sk_log(server->log, SK_WARN, "rpc.answers_cut", SK_INT("calls", (int64_t)server->answers));
    cancel_calls(server);
}

/* `done` may be NULL. */
static void shut(struct sk_server *server, struct sk_done *done)
{
    struct sk_loop *loop = sk_bridge_loop(server->bridge);

    server->closing = true;
    server->on_shut = done;
    server->shutdown.fn = on_shut;
    grpc_server_shutdown_and_notify(server->grpc, sk_bridge_queue(server->bridge), &server->shutdown);
    if (server->answers)
        sk_timer_start(loop, &server->patience, sk_instant_add(sk_clock_boot(), ANSWERS_LIMIT), on_patience);
    else
        cancel_calls(server);
}

enum sk_code sk_server_new(struct sk_bridge *bridge, const struct sk_log *log,
                           const struct sk_server_options *options, struct sk_server **out_server,
                           struct sk_err *err)
{
    struct sk_server *server = sk_alloc(sizeof(*server));

    server->bridge = bridge;
    server->log = log;
    if (!sk_accept_stands_in())
        sk_log(log, SK_WARN, "rpc.accept_not_guarded");
    server->on_call = options->on_call;
    server->arg = options->arg;
    server->ports = sk_alloc((sk_strings_count(options->listen) + 1) * sizeof(*server->ports));
    server->views = sk_alloc((sk_strings_count(options->listen) + 1) * sizeof(*server->views));
    server->grpc = create();
    grpc_server_register_completion_queue(server->grpc, sk_bridge_queue(bridge), NULL);
    enum sk_code code = listen_all(server, options, err);
    if (code) {
        shut(server, NULL); /* frees itself once gRPC has closed the listeners that it opened */
        return code;
    }
    grpc_server_start(server->grpc);
    for (int i = 0; i < CALLS_AWAITED; i++)
        sk_server_call_await(server);
    *out_server = server;
    return SK_OK;
}

int sk_server_port(const struct sk_server *server, size_t n)
{
    assert(n < server->port_count);
    return server->ports[n];
}

void sk_server_settle(struct sk_server *server)
{
    struct sk_done *done = server->on_shut;

    if (server->closing && !server->answers)
        cancel_calls(server);
    if (!server->shut || server->calls)
        return;
    grpc_server_destroy(server->grpc);
    /* Later: this may run inside a handler's last sk_server_call_finish. */
    if (done)
        sk_done_later(sk_bridge_loop(server->bridge), done, NULL);
    for (size_t i = 0; i < server->view_count; i++)
        sk_tls_view_fini(&server->views[i]);
    free(server->views);
    free(server->ports);
    free(server);
}

void sk_server_close(struct sk_server *server, struct sk_done *done)
{
    assert(!server->closing);
    sk_log(server->log, SK_DEBUG, "rpc.closing", SK_INT("calls", server->calls));
    shut(server, done);
}
