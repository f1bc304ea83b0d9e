#include "cli/client.h"

#include "cli/target.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SERVICE      "/coreweave.sandbox.v1.SandboxService/"
#define RECEIVE_MAX  ((size_t)100 * 1024 * 1024) /* the server's limit */
#define CALL_LIMIT_S 300

/* --- signals ------------------------------------------------------------------ */

static void on_signal(void *arg, int signo)
{
    struct sk_client *client = arg;

    if (client->relay) {
        client->relay(client->relay_arg, signo);
        return;
    }
    if (client->signo) {
        if (client->before_exit)
            client->before_exit(client->exit_arg);
        _exit(128 + signo);
    }
    client->signo = signo;
    if (client->current)
        sk_done_cancel(client->current);
    if (client->on_signal)
        client->on_signal(client->arg);
}

static enum sk_code open_signals(struct sk_client *client, struct sk_err *err)
{
    static const int numbers[SK_CLIENT_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    enum sk_code code = SK_OK;

    for (size_t i = 0; i < SK_CLIENT_SIGNALS && !code; i++)
        code = sk_signal_open(client->loop, numbers[i], on_signal, client, &client->signals[i], err);
    return code;
}

static void close_signals(struct sk_client *client)
{
    for (size_t i = 0; i < SK_CLIENT_SIGNALS; i++) {
        if (client->signals[i])
            sk_signal_close(client->signals[i]);
    }
}

/* --- life ----------------------------------------------------------------------- */

/* Where the server is when nobody said. */
static const char *choose_address(void)
{
    const char *base = getenv("CWSANDBOX_BASE_URL");
    const char *key = getenv("CWSANDBOX_API_KEY");

    if (base && *base)
        return base;
    if ((!key || !*key) && access(SK_TARGET_ADMIN_SOCKET, R_OK | W_OK) == 0)
        return "unix:" SK_TARGET_ADMIN_SOCKET;
    return SK_TARGET_DEFAULT;
}

static enum sk_code connect(struct sk_client *client, const char *address, struct sk_err *err)
{
    const char *key = getenv("CWSANDBOX_API_KEY");
    SK_AUTO_FREE char *bearer = key && *key ? sk_printf("Bearer %s", key) : NULL;
    const struct sk_header headers[] = {{bearer ? "authorization" : NULL, bearer}, {0}};
    struct sk_target target;
    enum sk_code code = sk_target_parse(address, &target, err);

    if (code)
        return code;
    const struct sk_channel_options options = {
        .target = target.text, .tls = target.tls, .max_receive_bytes = RECEIVE_MAX, .headers = headers};
    return sk_channel_new(client->bridge, &options, &client->channel, err);
}

enum sk_code sk_client_open(struct sk_client *client, const char *address, struct sk_err *err)
{
    *client = (struct sk_client){0};
    sk_bridge_silence();
    enum sk_code code = sk_loop_new(&client->loop, err);
    if (!code)
        code = sk_bridge_new(client->loop, &client->bridge, err);
    if (!code)
        code = open_signals(client, err);
    if (!code)
        code = connect(client, address ? address : choose_address(), err);
    if (code)
        sk_client_close(client);
    return code;
}

struct wait {
    struct sk_done done;
    struct sk_client *client;
    bool fired;
    struct sk_fault fault; /* code SK_OK: none */
};

static void on_done(struct sk_done *done, const struct sk_err *err)
{
    struct wait *wait = sk_container_of(done, struct wait, done);
    struct sk_channel *channel = wait->client->channel;

    wait->fired = true;
    if (err) {
        struct sk_call_failure failure = {0};
        if (channel)
            failure = sk_channel_failure(channel);
        sk_fault_set(&wait->fault, err, failure.details, failure.details_len);
    }
    sk_loop_stop(wait->client->loop);
}

static void wait_for(struct wait *wait)
{
    while (!wait->fired)
        sk_loop_run(wait->client->loop);
}

void sk_client_close(struct sk_client *client)
{
    struct wait wait = {.client = client};

    sk_channel_free(sk_take(client->channel));
    if (client->bridge) {
        sk_done_init(&wait.done, on_done);
        sk_bridge_close(client->bridge, &wait.done);
        wait_for(&wait);
    }
    close_signals(client);
    sk_loop_free(client->loop);
    *client = (struct sk_client){0};
}

/* --- calls ------------------------------------------------------------------------ */

struct sk_method_path sk_client_path(const char *method)
{
    struct sk_method_path path;
    (void)snprintf(path.text, sizeof(path.text), "%s%s", method[0] == '/' ? "" : SERVICE, method);
    return path;
}

enum sk_code sk_client_call(struct sk_client *client, const char *method, const ProtobufCMessage *request,
                            const ProtobufCMessageDescriptor *response_type, enum sk_patience patience,
                            struct sk_arena *arena, ProtobufCMessage **out_response, struct sk_fault *fault)
{
    struct wait wait = {.client = client};
    struct sk_method_path path = sk_client_path(method);
    const struct sk_method what = {path.text, response_type};

    sk_done_init(&wait.done, on_done);
    sk_call_unary(client->channel, &what, request, NULL, SK_SEC(CALL_LIMIT_S), arena, out_response,
                  &wait.done);
    client->current = patience == SK_ABANDON ? &wait.done : NULL;
    wait_for(&wait);
    client->current = NULL;
    if (wait.fault.err.code)
        *fault = wait.fault;
    return wait.fault.err.code;
}

struct nap {
    struct wait wait;
    struct sk_timer timer;
};

static void end_nap(struct sk_timer *timer)
{
    struct nap *nap = sk_container_of(timer, struct nap, timer);
    sk_done_fire(&nap->wait.done, NULL);
}

static void cut_nap(struct sk_done *done)
{
    struct nap *nap = sk_container_of(done, struct nap, wait.done);
    sk_timer_stop(nap->wait.client->loop, &nap->timer);
    sk_done_later(nap->wait.client->loop, done, NULL);
}

void sk_client_sleep(struct sk_client *client, struct sk_duration time)
{
    struct nap nap = {.wait.client = client};

    sk_done_init(&nap.wait.done, on_done);
    nap.wait.done.cancel = cut_nap;
    sk_timer_start(client->loop, &nap.timer, sk_instant_add(sk_clock_boot(), time), end_nap);
    client->current = &nap.wait.done;
    wait_for(&nap.wait);
    client->current = NULL;
}
