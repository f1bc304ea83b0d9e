#include "drivers/containerd/events.h"

#include "containerd/events.pb-c.h"
#include "containerd/node.pb-c.h"

#include <string.h>

#define BACK_OFF_MIN SK_MSEC(100)
#define BACK_OFF_MAX SK_SEC(2)
#define RESYNC_EVERY SK_SEC(30)
/* containerd does not say when a subscription stands; what ends between the
 * request and that moment must be found by the list that follows. */
#define SETTLE SK_MSEC(200)

static void connect_now(struct sk_timer *timer);

static void start_timer(struct sk_ctd_events *events, struct sk_duration after,
                        void (*fn)(struct sk_timer *timer))
{
    struct sk_loop *loop = events->client->loop;
    sk_timer_start(loop, &events->timer, sk_instant_add(sk_loop_now(loop), after), fn);
}

static void retry_later(struct sk_ctd_events *events)
{
    start_timer(events, events->back_off, connect_now);
    events->back_off.ns *= 2;
    if (events->back_off.ns > BACK_OFF_MAX.ns)
        events->back_off = BACK_OFF_MAX;
}

static void emit(struct sk_ctd_events *events, const struct sk_runtime_event *event)
{
    if (events->fn)
        events->fn(events->arg, event);
}

void sk_ctd_events_tell(struct sk_ctd_events *events, enum sk_runtime_event_kind kind)
{
    emit(events, &(struct sk_runtime_event){.kind = kind});
}

static void emit_resync(struct sk_timer *timer)
{
    struct sk_ctd_events *events = sk_container_of(timer, struct sk_ctd_events, timer);
    events->back_off = BACK_OFF_MIN; /* the subscription has held for a while */
    start_timer(events, RESYNC_EVERY, emit_resync);
    emit(events, &(struct sk_runtime_event){.kind = SK_RUNTIME_RESYNC});
}

static void take_exit(struct sk_ctd_events *events, const ProtobufCBinaryData *bytes)
{
    Containerd__TaskExit *exit = containerd__task_exit__unpack(NULL, bytes->len, bytes->data);
    if (!exit)
        return;
    /* Another id is a process exec'd by somebody through containerd. */
    if (strcmp(exit->id, exit->container_id) == 0) {
        int status = exit->exit_status > 255 ? 255 : (int)exit->exit_status;
        emit(events, &(struct sk_runtime_event){SK_RUNTIME_EXIT, exit->container_id, status});
    }
    containerd__task_exit__free_unpacked(exit, NULL);
}

static void take_oom(struct sk_ctd_events *events, const ProtobufCBinaryData *bytes)
{
    Containerd__TaskOOM *oom = containerd__task_oom__unpack(NULL, bytes->len, bytes->data);
    if (!oom)
        return;
    emit(events, &(struct sk_runtime_event){.kind = SK_RUNTIME_OOM, .id = oom->container_id});
    containerd__task_oom__free_unpacked(oom, NULL);
}

static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct sk_ctd_events *events = arg;
    const Containerd__Envelope *envelope = (const Containerd__Envelope *)message;
    sk_stream_want(events->stream);
    if (!envelope->event || strcmp(envelope->namespace_, events->client->namespace) != 0)
        return;
    if (strcmp(envelope->topic, "/tasks/exit") == 0)
        take_exit(events, &envelope->event->value);
    else if (strcmp(envelope->topic, "/tasks/oom") == 0)
        take_oom(events, &envelope->event->value);
}

static void on_sent(void *arg)
{
    struct sk_ctd_events *events = arg;
    sk_stream_half_close(events->stream);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct sk_ctd_events *events = arg;
    sk_stream_close(sk_take(events->stream));
    sk_log_err(events->client->log, SK_DEBUG, "containerd.events_lost", err);
    sk_pulse_broken(&events->client->pulse);
    retry_later(events);
}

static void subscribe(struct sk_ctd_events *events)
{
    static const struct sk_stream_events callbacks = {on_message, on_sent, on_end};
    const char *ns = events->client->namespace;
    SK_AUTO_FREE char *exits = sk_printf("namespace==\"%s\",topic==\"/tasks/exit\"", ns);
    SK_AUTO_FREE char *ooms = sk_printf("namespace==\"%s\",topic==\"/tasks/oom\"", ns);
    char *filters[] = {exits, ooms};
    Containerd__SubscribeRequest request = CONTAINERD__SUBSCRIBE_REQUEST__INIT;
    request.n_filters = sk_array_len(filters);
    request.filters = filters;
    events->stream = sk_stream_open(events->client->channel, sk_ctd_method(SK_CTD_SUBSCRIBE), NULL, SK_SEC(0),
                                    &callbacks, events);
    sk_stream_send(events->stream, &request.base);
    sk_stream_want(events->stream);
    start_timer(events, SETTLE, emit_resync);
}

static void on_named(struct sk_done *done, const struct sk_err *err)
{
    struct sk_ctd_events *events = sk_container_of(done, struct sk_ctd_events, named);
    if (events->closed)
        return;
    if (!err) {
        subscribe(events);
        return;
    }
    sk_log_err(events->client->log, SK_DEBUG, "containerd.not_reached", err);
    retry_later(events);
}

static void connect_now(struct sk_timer *timer)
{
    struct sk_ctd_events *events = sk_container_of(timer, struct sk_ctd_events, timer);
    Containerd__Namespace ns = CONTAINERD__NAMESPACE__INIT;
    Containerd__CreateNamespaceRequest request = CONTAINERD__CREATE_NAMESPACE_REQUEST__INIT;
    ns.name = events->client->namespace;
    request.namespace_ = &ns;
    sk_done_init(&events->named, on_named);
    sk_ctd_call(events->client,
                &(struct sk_ctd_ask){
                    .method = SK_CTD_NAMESPACE_CREATE,
                    .forgive = SK_FORGIVE(SK_ALREADY_EXISTS),
                    .can_cancel = true,
                },
                &request.base, &events->named);
}

void sk_ctd_events_open(struct sk_ctd_events *events, struct sk_ctd_client *client)
{
    *events = (struct sk_ctd_events){.client = client, .back_off = BACK_OFF_MIN};
    connect_now(&events->timer);
}

void sk_ctd_events_close(struct sk_ctd_events *events)
{
    events->closed = true;
    sk_timer_stop(events->client->loop, &events->timer);
    sk_done_cancel(&events->named);
    sk_stream_close(sk_take(events->stream));
}
