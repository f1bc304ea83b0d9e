#include "cli/lease.h"

#include "cli/output.h"
#include "cli/sessions.h"

#define AGAIN SK_MSEC(200)

static void begin(struct sk_lease *lease);

static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct sk_lease *lease = arg;
    (void)message; /* the end of the stream tells what matters */
    sk_stream_want(lease->stream);
}

static void on_again(struct sk_timer *timer)
{
    begin(sk_container_of(timer, struct sk_lease, again));
}

/* Whatever the server says but these is about the connection: it may be back before the lease runs out. */
static bool is_final(const struct sk_err *err)
{
    return !err || err->code == SK_NOT_FOUND || err->code == SK_UNAUTHENTICATED ||
           err->code == SK_PERMISSION_DENIED || err->code == SK_INVALID_ARGUMENT ||
           err->code == SK_UNIMPLEMENTED;
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct sk_lease *lease = arg;

    sk_stream_close(sk_take(lease->stream));
    lease->over = is_final(err);
    if (lease->over && !lease->closing)
        (void)sk_output_say(stderr, "sandkeep: session %s is not held any more: %s", lease->session_id,
                            err ? err->text : "it was closed");
    if (!lease->over)
        sk_timer_start(lease->client->loop, &lease->again, sk_instant_add(sk_clock_boot(), AGAIN), on_again);
}

static void begin(struct sk_lease *lease)
{
    static const struct sk_stream_events events = {.on_message = on_message, .on_end = on_end};
    static const struct sk_method method = {SK_SESSION_SERVICE "KeepAlive",
                                            &sandkeep__v1__keep_alive_response__descriptor};
    Sandkeep__V1__KeepAliveRequest request = SANDKEEP__V1__KEEP_ALIVE_REQUEST__INIT;

    request.session_id = (char *)lease->session_id;
    lease->stream = sk_stream_open(lease->client->channel, &method, NULL, SK_NS(0), &events, lease);
    sk_stream_send(lease->stream, &request.base);
    sk_stream_want(lease->stream);
}

void sk_lease_open(struct sk_lease *lease, struct sk_client *client, const char *session_id)
{
    *lease = (struct sk_lease){.client = client, .session_id = session_id};
    begin(lease);
}

void sk_lease_close(struct sk_lease *lease)
{
    sk_timer_stop(lease->client->loop, &lease->again);
    sk_stream_close(sk_take(lease->stream));
}
