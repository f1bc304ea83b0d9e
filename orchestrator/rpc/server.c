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

static grpc_server_credentials *credentials(const struct sk_server_options *options)
{
    grpc_ssl_pem_key_cert_pair pair = {options->tls_key, options->tls_certificate};

    if (!options->tls_certificate)
        return grpc_insecure_server_credentials_create();
    return grpc_ssl_server_credentials_create(NULL, &pair, 1, 0, NULL);
}

/* gRPC says only that it failed; a port that cannot be taken tells the two reasons apart. */
static enum sk_code explain(struct sk_server *server, const char *address, grpc_server_credentials *creds,
                            struct sk_err *err)
{
    if (grpc_server_add_http2_port(server->grpc, "127.0.0.1:0", creds) <= 0)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the TLS certificate and its key cannot be used");
    return sk_fail(err, SK_UNAVAILABLE, "cannot listen on %s: taken, or not an address of this host",
                   address);
}

static enum sk_code listen_all(struct sk_server *server, const struct sk_server_options *options,
                               struct sk_err *err)
{
    enum sk_code code = SK_OK;
    grpc_server_credentials *creds = credentials(options);

    for (size_t i = 0; options->listen[i] && !code; i++) {
        int port = grpc_server_add_http2_port(server->grpc, options->listen[i], creds);
        if (port <= 0)
            code = explain(server, options->listen[i], creds, err);
        else
            server->ports[server->port_count++] = strncmp(options->listen[i], "unix:", 5) ? port : 0;
    }
    grpc_server_credentials_release(creds);
    return code;
}

static void on_shut(struct sk_tag *tag, bool ok)
{
    struct sk_server *server = sk_container_of(tag, struct sk_server, shutdown);

    (void)ok;
    server->shut = true;
    sk_server_settle(server);
}

/* `done` may be NULL. */
static void shut(struct sk_server *server, struct sk_done *done)
{
    server->closing = true;
    server->on_shut = done;
    server->shutdown.fn = on_shut;
    grpc_server_shutdown_and_notify(server->grpc, sk_bridge_queue(server->bridge), &server->shutdown);
    grpc_server_cancel_all_calls(server->grpc);
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

    if (!server->shut || server->calls)
        return;
    grpc_server_destroy(server->grpc);
    /* Later: this may run inside a handler's last sk_server_call_finish. */
    if (done)
        sk_done_later(sk_bridge_loop(server->bridge), done, NULL);
    free(server->ports);
    free(server);
}

void sk_server_close(struct sk_server *server, struct sk_done *done)
{
    assert(!server->closing);
    sk_log(server->log, SK_DEBUG, "rpc.closing", SK_INT("calls", server->calls));
    shut(server, done);
}
