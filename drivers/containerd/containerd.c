#include "drivers/containerd/containerd.h"

#include "drivers/containerd/content.h"
#include "drivers/containerd/runtime.h"

#include <string.h>

struct sk_containerd {
    struct sk_ctd_client client;
    struct sk_ctd_runtime runtime;
    struct sk_ctd_content content;
    struct sk_done closed; /* the client is */
    struct sk_done *done;  /* of close */
};

static void on_pulse(void *arg, bool up)
{
    struct sk_containerd *c = arg;
    sk_ctd_events_tell(&c->runtime.events, up ? SK_RUNTIME_BACK : SK_RUNTIME_AWAY);
}

static enum sk_code check(const struct sk_containerd_options *o, struct sk_err *err)
{
    if (*o->socket != '/' || *o->guest_path != '/')
        return sk_fail(err, SK_INVALID_ARGUMENT,
                       "the paths of containerd's socket and of the guest must be absolute");
    if (!*o->namespace || !*o->snapshotter || !*o->runtime_type)
        return sk_fail(err, SK_INVALID_ARGUMENT,
                       "containerd namespace, snapshotter and runtime type must not be empty");
    if (*o->cgroup_parent == '/' || strstr(o->cgroup_parent, ".."))
        return sk_fail(err, SK_INVALID_ARGUMENT, "cgroup parent \"%.64s\" must lie below the root",
                       o->cgroup_parent);
    return SK_OK;
}

enum sk_code sk_containerd_open(const struct sk_containerd_options *options,
                                struct sk_containerd **out_containerd, struct sk_err *err)
{
    SK_AUTO_FREE struct sk_containerd *c = sk_alloc(sizeof(*c));
    enum sk_code code = check(options, err);
    if (code == SK_OK)
        code = sk_ctd_runtime_init(&c->runtime, &c->client, options, err);
    if (code != SK_OK)
        return code;
    code = sk_ctd_client_init(&c->client, options->bridge, options->log, options->socket, options->namespace,
                              options->snapshotter, err);
    if (code != SK_OK) {
        sk_ctd_runtime_fini(&c->runtime);
        return code;
    }
    c->client.meters.metrics = options->metrics;
    sk_ctd_content_init(&c->content, &c->client);
    sk_pulse_open(&c->client.pulse, &c->client, on_pulse, c);
    sk_ctd_events_open(&c->runtime.events, &c->client);
    sk_strays_open(&c->runtime.strays, c->client.loop, options->log, c->client.namespace, options->socket,
                   options->cgroup_parent);
    *out_containerd = sk_take(c);
    return SK_OK;
}

struct sk_runtime *sk_containerd_runtime(struct sk_containerd *containerd)
{
    return &containerd->runtime.base;
}

struct sk_content *sk_containerd_content(struct sk_containerd *containerd)
{
    return &containerd->content.base;
}

static void finish_close(struct sk_done *closed, const struct sk_err *err)
{
    struct sk_containerd *c = sk_container_of(closed, struct sk_containerd, closed);
    struct sk_done *done = c->done;
    sk_ctd_content_fini(&c->content);
    sk_ctd_runtime_fini(&c->runtime);
    free(c);
    sk_done_fire(done, err);
}

void sk_containerd_close(struct sk_containerd *containerd, struct sk_done *done)
{
    containerd->done = done;
    sk_done_init(&containerd->closed, finish_close);
    sk_ctd_events_close(&containerd->runtime.events);
    sk_pulse_close(&containerd->client.pulse);
    sk_strays_close(&containerd->runtime.strays);
    sk_ctd_client_close(&containerd->client, &containerd->closed);
}
