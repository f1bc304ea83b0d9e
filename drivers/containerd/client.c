#include "drivers/containerd/client.h"

#include "containerd/containers.pb-c.h"
#include "containerd/content.pb-c.h"
#include "containerd/diff.pb-c.h"
#include "containerd/events.pb-c.h"
#include "containerd/images.pb-c.h"
#include "containerd/leases.pb-c.h"
#include "containerd/node.pb-c.h"
#include "containerd/snapshots.pb-c.h"
#include "containerd/tasks.pb-c.h"
#include "containerd/transfer.pb-c.h"

#include <string.h>

#define SERVICE(name, version) "/containerd.services." name ".v1." version "/"

static const struct sk_method methods[SK_CTD_METHOD_COUNT] = {
    [SK_CTD_VERSION] = {SERVICE("version", "Version") "Version", &containerd__version_response__descriptor},
    [SK_CTD_NAMESPACE_CREATE] = {SERVICE("namespaces", "Namespaces") "Create",
                                 &containerd__create_namespace_response__descriptor},
    [SK_CTD_IMAGE_GET] = {SERVICE("images", "Images") "Get", &containerd__get_image_response__descriptor},
    [SK_CTD_CONTENT_READ] = {SERVICE("content", "Content") "Read",
                             &containerd__read_content_response__descriptor},
    [SK_CTD_PLUGINS] = {SERVICE("introspection", "Introspection") "Plugins",
                        &containerd__plugins_response__descriptor},
    [SK_CTD_IMAGE_LIST] = {SERVICE("images", "Images") "List", &containerd__list_images_response__descriptor},
    [SK_CTD_IMAGE_CREATE] = {SERVICE("images", "Images") "Create", &containerd__empty__descriptor},
    [SK_CTD_IMAGE_UPDATE] = {SERVICE("images", "Images") "Update", &containerd__empty__descriptor},
    [SK_CTD_IMAGE_DELETE] = {SERVICE("images", "Images") "Delete", &containerd__empty__descriptor},
    [SK_CTD_CONTENT_INFO] = {SERVICE("content", "Content") "Info",
                             &containerd__blob_info_response__descriptor},
    [SK_CTD_CONTENT_UPDATE] = {SERVICE("content", "Content") "Update", &containerd__empty__descriptor},
    [SK_CTD_CONTENT_WRITE] = {SERVICE("content", "Content") "Write", &containerd__write_response__descriptor},
    [SK_CTD_CONTENT_WRITES] = {SERVICE("content", "Content") "ListStatuses",
                               &containerd__list_writes_response__descriptor},
    [SK_CTD_CONTENT_ABORT] = {SERVICE("content", "Content") "Abort", &containerd__empty__descriptor},
    [SK_CTD_LEASE_CREATE] = {SERVICE("leases", "Leases") "Create", &containerd__empty__descriptor},
    [SK_CTD_LEASE_DELETE] = {SERVICE("leases", "Leases") "Delete", &containerd__empty__descriptor},
    [SK_CTD_LEASE_LIST] = {SERVICE("leases", "Leases") "List", &containerd__list_leases_response__descriptor},
    [SK_CTD_LEASE_ADD] = {SERVICE("leases", "Leases") "AddResource", &containerd__empty__descriptor},
    [SK_CTD_DIFF_APPLY] = {SERVICE("diff", "Diff") "Apply", &containerd__apply_response__descriptor},
    [SK_CTD_SNAPSHOT_COMMIT] = {SERVICE("snapshots", "Snapshots") "Commit", &containerd__empty__descriptor},
    [SK_CTD_SNAPSHOT_USAGE] = {SERVICE("snapshots", "Snapshots") "Usage",
                               &containerd__snapshot_usage__descriptor},
    [SK_CTD_SNAPSHOT_PREPARE] = {SERVICE("snapshots", "Snapshots") "Prepare",
                                 &containerd__mounts_response__descriptor},
    [SK_CTD_SNAPSHOT_MOUNTS] = {SERVICE("snapshots", "Snapshots") "Mounts",
                                &containerd__mounts_response__descriptor},
    [SK_CTD_SNAPSHOT_STAT] = {SERVICE("snapshots", "Snapshots") "Stat",
                              &containerd__stat_snapshot_response__descriptor},
    [SK_CTD_SNAPSHOT_REMOVE] = {SERVICE("snapshots", "Snapshots") "Remove", &containerd__empty__descriptor},
    [SK_CTD_SNAPSHOT_LIST] = {SERVICE("snapshots", "Snapshots") "List",
                              &containerd__list_snapshots_response__descriptor},
    [SK_CTD_CONTAINER_CREATE] = {SERVICE("containers", "Containers") "Create",
                                 &containerd__container_message__descriptor},
    [SK_CTD_CONTAINER_DELETE] = {SERVICE("containers", "Containers") "Delete",
                                 &containerd__empty__descriptor},
    [SK_CTD_CONTAINER_LIST] = {SERVICE("containers", "Containers") "ListStream",
                               &containerd__container_message__descriptor},
    [SK_CTD_TASK_CREATE] = {SERVICE("tasks", "Tasks") "Create",
                            &containerd__create_task_response__descriptor},
    [SK_CTD_TASK_START] = {SERVICE("tasks", "Tasks") "Start", &containerd__start_task_response__descriptor},
    [SK_CTD_TASK_GET] = {SERVICE("tasks", "Tasks") "Get", &containerd__get_task_response__descriptor},
    [SK_CTD_TASK_LIST] = {SERVICE("tasks", "Tasks") "List", &containerd__list_tasks_response__descriptor},
    [SK_CTD_TASK_KILL] = {SERVICE("tasks", "Tasks") "Kill", &containerd__empty__descriptor},
    [SK_CTD_TASK_WAIT] = {SERVICE("tasks", "Tasks") "Wait", &containerd__wait_task_response__descriptor},
    [SK_CTD_TASK_DELETE] = {SERVICE("tasks", "Tasks") "Delete",
                            &containerd__delete_task_response__descriptor},
    [SK_CTD_SUBSCRIBE] = {SERVICE("events", "Events") "Subscribe", &containerd__envelope__descriptor},
    [SK_CTD_STREAM] = {SERVICE("streaming", "Streaming") "Stream", &containerd__any__descriptor},
    [SK_CTD_TRANSFER] = {SERVICE("transfer", "Transfer") "Transfer", &containerd__empty__descriptor},
};

const struct sk_method *sk_ctd_method(enum sk_ctd_method method)
{
    return &methods[method];
}

enum sk_code sk_ctd_client_init(struct sk_ctd_client *client, struct sk_bridge *bridge,
                                const struct sk_log *log, const char *socket, const char *namespace,
                                const char *snapshotter, struct sk_err *err)
{
    SK_AUTO_FREE char *target = sk_printf("unix:%s", socket);
    const struct sk_header headers[] = {{"containerd-namespace", namespace}, {NULL, NULL}};
    struct sk_channel_options options = {
        .target = target,
        .authority = "localhost",
        .max_receive_bytes = SK_CTD_RECEIVE_MAX,
        .headers = headers,
    };
    struct sk_channel *channel, *bulk;
    enum sk_code code = sk_channel_new(bridge, &options, &channel, err);
    if (code != SK_OK)
        return code;
    options.max_receive_bytes = SK_CTD_BULK_RECEIVE_MAX;
    code = sk_channel_new(bridge, &options, &bulk, err);
    if (code != SK_OK) {
        sk_channel_free(channel);
        return code;
    }
    *client = (struct sk_ctd_client){
        .channel = channel,
        .bulk = bulk,
        .loop = sk_bridge_loop(bridge),
        .log = log,
        .namespace = sk_strdup(namespace),
        .snapshotter = sk_strdup(snapshotter),
    };
    return SK_OK;
}

static void release(struct sk_ctd_client *client)
{
    sk_channel_free(client->channel);
    sk_channel_free(client->bulk);
    free(client->namespace);
    free(client->snapshotter);
    *client = (struct sk_ctd_client){0};
}

void sk_ctd_client_close(struct sk_ctd_client *client, struct sk_done *done)
{
    struct sk_loop *loop = client->loop;
    if (client->under_way) {
        client->idle = done;
        return;
    }
    release(client);
    sk_done_later(loop, done, NULL);
}

void sk_ctd_hold(struct sk_ctd_client *client)
{
    client->under_way++;
}

/* A call has answered: its caller hears of it, and so does who waits for the last. */
void sk_ctd_let_go(struct sk_ctd_client *client, struct sk_done *done, const struct sk_err *err)
{
    sk_done_fire(done, err);
    client->under_way--;
    if (client->under_way || !client->idle)
        return;
    struct sk_done *idle = client->idle;
    release(client);
    sk_done_fire(idle, NULL);
}

/* "Tasks/Create" */
static const char *short_name(enum sk_ctd_method method)
{
    return strrchr(methods[method].path, '.') + 1;
}

bool sk_ctd_is_doubtful(const struct sk_ctd_client *client, enum sk_code code)
{
    return code == SK_UNAVAILABLE && !client->pulse.down && !client->pulse.closed;
}

/* --- unary ------------------------------------------------------------------ */

struct call {
    struct sk_done answer; /* handed to rpc */
    struct sk_done *done;  /* the caller's */
    struct sk_ctd_client *client;
    struct sk_ctd_ask ask;
    struct sk_arena scratch; /* when the caller wants no response */
    struct sk_pulse_ear ear;
    struct sk_err outcome;
    struct sk_instant began;
};

static void measure(struct sk_ctd_client *client, enum sk_ctd_method method, struct sk_instant began,
                    unsigned forgive, const struct sk_err *err)
{
    bool failed = err && !(forgive & SK_FORGIVE(err->code));
    sk_ctd_meters_record(&client->meters, method, short_name(method), began, sk_loop_now(client->loop),
                         failed);
}

static void give_answer(struct call *c)
{
    struct sk_ctd_client *client = c->client;
    struct sk_done *done = c->done;
    struct sk_err outcome = c->outcome;
    bool failed = outcome.code != SK_OK && !(c->ask.forgive & SK_FORGIVE(outcome.code));
    if (c->ask.out_err)
        *c->ask.out_err = outcome;
    sk_arena_fini(&c->scratch);
    free(c);
    sk_ctd_let_go(client, done, failed ? &outcome : NULL);
}

static void on_pulse(struct sk_pulse_ear *ear)
{
    give_answer(sk_container_of(ear, struct call, ear));
}

static void finish_call(struct sk_done *answer, const struct sk_err *err)
{
    struct call *c = sk_container_of(answer, struct call, answer);
    measure(c->client, c->ask.method, c->began, c->ask.forgive, err);
    if (err) {
        c->outcome = *err;
        sk_err_wrap(&c->outcome, "containerd %s", short_name(c->ask.method));
    }
    if (err && c->ask.method != SK_CTD_VERSION && sk_ctd_is_doubtful(c->client, err->code))
        sk_pulse_feel(&c->client->pulse, &c->ear);
    else
        give_answer(c);
}

static void cancel_call(struct sk_done *done)
{
    struct call *c = done->callee;
    sk_done_cancel(&c->answer);
}

void sk_ctd_call(struct sk_ctd_client *client, const struct sk_ctd_ask *ask, const ProtobufCMessage *request,
                 struct sk_done *done)
{
    const struct sk_header lease[] = {{SK_CTD_LEASE_HEADER, ask->lease}, {NULL, NULL}};
    struct call *c = sk_alloc(sizeof(*c));
    *c = (struct call){
        .done = done, .client = client, .ask = *ask, .ear.fn = on_pulse, .began = sk_loop_now(client->loop)};
    sk_done_init(&c->answer, finish_call);
    if (ask->can_cancel) {
        done->callee = c;
        done->cancel = cancel_call;
    }
    sk_ctd_hold(client);
    sk_call_unary(client->channel, &methods[ask->method], request, ask->lease ? lease : NULL,
                  ask->limit.ns ? ask->limit : SK_CTD_LIMIT, ask->arena ? ask->arena : &c->scratch,
                  ask->out_response, &c->answer);
}

/* --- a whole stream ----------------------------------------------------------- */

struct gathering {
    struct sk_ctd_client *client;
    struct sk_stream_call *stream;
    struct sk_ctd_gather gather;
    struct sk_done *done;
    struct sk_err err; /* what `each` said; in the end, what came of it all */
    enum sk_ctd_method method;
    struct sk_pulse_ear ear;
    struct sk_instant began;
};

static void gather_message(void *arg, const ProtobufCMessage *message)
{
    struct gathering *g = arg;
    if (g->err.code == SK_OK && g->gather.each(g->gather.arg, message, &g->err) != SK_OK)
        sk_stream_cancel(g->stream);
    else
        sk_stream_want(g->stream);
}

static void gather_sent(void *arg)
{
    struct gathering *g = arg;
    sk_stream_half_close(g->stream);
}

static void give_gathered(struct gathering *g)
{
    struct sk_ctd_client *client = g->client;
    struct sk_done *done = g->done;
    struct sk_err failure = g->err;
    bool failed = failure.code != SK_OK && !(g->gather.forgive & SK_FORGIVE(failure.code));
    if (g->gather.out_err)
        *g->gather.out_err = failure;
    free(g);
    sk_ctd_let_go(client, done, failed ? &failure : NULL);
}

static void on_gather_pulse(struct sk_pulse_ear *ear)
{
    give_gathered(sk_container_of(ear, struct gathering, ear));
}

static void gather_end(void *arg, const struct sk_err *err)
{
    struct gathering *g = arg;
    if (g->err.code == SK_OK && err)
        g->err = *err;
    measure(g->client, g->method, g->began, g->gather.forgive, g->err.code == SK_OK ? NULL : &g->err);
    if (g->err.code != SK_OK)
        sk_err_wrap(&g->err, "containerd %s", short_name(g->method));
    sk_stream_close(sk_take(g->stream));
    if (sk_ctd_is_doubtful(g->client, g->err.code))
        sk_pulse_feel(&g->client->pulse, &g->ear);
    else
        give_gathered(g);
}

static void cancel_gather(struct sk_done *done)
{
    struct gathering *g = done->callee;
    if (g->stream)
        sk_stream_cancel(g->stream);
}

void sk_ctd_gather(struct sk_ctd_client *client, enum sk_ctd_method method, const ProtobufCMessage *request,
                   const struct sk_ctd_gather *gather, struct sk_done *done)
{
    static const struct sk_stream_events events = {gather_message, gather_sent, gather_end};
    struct gathering *g = sk_alloc(sizeof(*g));
    *g = (struct gathering){.client = client, .gather = *gather, .done = done, .method = method};
    g->ear.fn = on_gather_pulse;
    g->began = sk_loop_now(client->loop);
    done->callee = g;
    done->cancel = cancel_gather;
    sk_ctd_hold(client);
    g->stream = sk_stream_open(client->channel, &methods[method], NULL, SK_CTD_LIMIT, &events, g);
    sk_stream_send(g->stream, request);
    sk_stream_want(g->stream);
}
