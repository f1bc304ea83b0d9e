#include "drivers/containerd/talk.h"

#include "base/random.h"
#include "containerd/transfer.pb-c.h"
#include "drivers/containerd/content.h"

#include <assert.h>
#include <string.h>

#define TALK_LIMIT SK_SEC(25 * 3600) /* a little more than any pull may take */

Containerd__Any sk_ctd_wrap(const char *type, const ProtobufCMessage *message)
{
    Containerd__Any any = CONTAINERD__ANY__INIT;
    uint8_t *bytes = sk_alloc(protobuf_c_message_get_packed_size(message) + 1);

    any.type_url = (char *)type;
    any.value.len = protobuf_c_message_pack(message, bytes);
    any.value.data = bytes;
    return any;
}

static void send(struct sk_ctd_talk *talk, const char *type, const ProtobufCMessage *message)
{
    Containerd__Any any = sk_ctd_wrap(type, message);

    sk_stream_send(talk->stream, &any.base);
    explicit_bzero(any.value.data, any.value.len); /* it may be a login */
    free(any.value.data);
}

static void tell_opened(struct sk_ctd_talk *talk, const struct sk_err *err)
{
    struct sk_done *opening = sk_take(talk->opening);

    if (opening)
        sk_done_fire(opening, err);
}

/* The first one only says that the stream is known. */
static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct sk_ctd_talk *talk = arg;

    if (talk->opening)
        tell_opened(talk, NULL);
    else
        talk->on_word(talk, (const Containerd__Any *)message);
    if (talk->stream && !talk->is_saying)
        sk_stream_want(talk->stream);
}

static void on_sent(void *arg)
{
    struct sk_ctd_talk *talk = arg;

    talk->is_saying = false;
    sk_stream_want(talk->stream);
}

static void on_pulse(struct sk_pulse_ear *ear)
{
    struct sk_ctd_talk *talk = sk_container_of(ear, struct sk_ctd_talk, ear);

    tell_opened(talk, &talk->outcome);
}

static void on_waited(struct sk_timer *timer)
{
    sk_done_fire(sk_take(sk_container_of(timer, struct sk_ctd_talk, timer)->awaiting), NULL);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct sk_ctd_talk *talk = arg;

    sk_stream_close(sk_take(talk->stream));
    if (talk->awaiting) {
        sk_timer_stop(talk->client->loop, &talk->timer);
        sk_done_fire(sk_take(talk->awaiting), NULL);
        return;
    }
    if (!talk->opening)
        return;
    if (err)
        talk->outcome = *err;
    else
        (void)sk_fail(&talk->outcome, SK_UNAVAILABLE, "it ended at once");
    (void)sk_err_wrap(&talk->outcome, "containerd Stream");
    if (sk_ctd_is_doubtful(talk->client, talk->outcome.code))
        sk_pulse_feel(&talk->client->pulse, &talk->ear);
    else
        tell_opened(talk, &talk->outcome);
}

static void cancel_opening(struct sk_done *done)
{
    struct sk_ctd_talk *talk = done->callee;

    if (talk->stream)
        sk_stream_cancel(talk->stream);
}

static void name_it(struct sk_ctd_talk *talk)
{
    uint64_t random[2];

    sk_random(random, sizeof(random));
    (void)snprintf(talk->id, sizeof(talk->id), SK_CTD_OURS "%016llx%016llx", (unsigned long long)random[0],
                   (unsigned long long)random[1]);
}

void sk_ctd_talk_open(struct sk_ctd_talk *talk, struct sk_ctd_client *client, const char *lease,
                      struct sk_done *done)
{
    static const struct sk_stream_events events = {on_message, on_sent, on_end};
    const struct sk_header headers[] = {{SK_CTD_LEASE_HEADER, lease}, {NULL, NULL}};
    Containerd__StreamInit init = CONTAINERD__STREAM_INIT__INIT;

    assert(talk->on_word && !talk->stream);
    name_it(talk);
    talk->client = client;
    talk->opening = done;
    talk->ear.fn = on_pulse;
    done->callee = talk;
    done->cancel = cancel_opening;
    /* Under the lease: containerd forgets a stream that is over only when it collects what a lease held. */
    talk->stream =
        sk_stream_open(client->channel, sk_ctd_method(SK_CTD_STREAM), headers, TALK_LIMIT, &events, talk);
    init.id = talk->id;
    talk->is_saying = true;
    send(talk, "containerd.services.streaming.v1.StreamInit", &init.base);
}

void sk_ctd_talk_say(struct sk_ctd_talk *talk, const char *type, const ProtobufCMessage *message)
{
    assert(!talk->is_saying);
    talk->is_saying = true;
    send(talk, type, message);
}

void sk_ctd_talk_await(struct sk_ctd_talk *talk, struct sk_loop *loop, struct sk_duration limit,
                       struct sk_done *done)
{
    if (!talk->stream) {
        sk_done_later(loop, done, NULL);
        return;
    }
    talk->awaiting = done;
    sk_timer_start(loop, &talk->timer, sk_instant_add(sk_loop_now(loop), limit), on_waited);
}

void sk_ctd_talk_close(struct sk_ctd_talk *talk)
{
    assert(!talk->opening && !talk->awaiting);
    sk_stream_close(sk_take(talk->stream));
}
