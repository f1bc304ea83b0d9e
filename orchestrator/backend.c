#include "backend.h"

#include "drivers/agent/channel.h"
#include "drivers/containerd/containerd.h"
#include "drivers/fake/agent.h"
#include "drivers/fake/image.h"
#include "drivers/fake/runtime.h"
#include "host.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct sk_backend {
    struct sk_loop *loop;
    struct sk_containerd *containerd; /* either these … */
    struct sk_agent *channel;
    struct sk_fake_runtime *fake_runtime; /* … or these */
    struct sk_fake_images *fake_images;
    struct sk_fake_agent *fake_agent;
    struct sk_done closed; /* containerd is */
    struct sk_done *done;  /* of close */
};

/* --- open ------------------------------------------------------------------------------ */

static void open_fakes(struct sk_backend *b)
{
    b->fake_runtime = sk_fake_runtime_new(b->loop);
    b->fake_images = sk_fake_images_new(b->loop);
    b->fake_agent = sk_fake_agent_new(b->loop, b->fake_runtime);
}

static enum sk_code open_containerd(struct sk_backend *b, const struct sk_log *log,
                                    struct sk_metrics *metrics, struct sk_bridge *bridge,
                                    const struct sk_config *c, struct sk_err *err)
{
    SK_AUTO_FREE char *runtime = NULL;
    enum sk_code code = sk_host_runtime(c->runtime, &runtime, err);
    const struct sk_containerd_options options = {
        .socket = c->containerd_socket,
        .namespace = c->containerd_namespace,
        .snapshotter = c->snapshotter,
        .runtime_type = c->runtime_type,
        .runtime = runtime,
        .shim_group_max = (unsigned)c->shim_group_max,
        .cgroup_parent = c->cgroup_parent,
        .guest_path = c->guest_path,
        .log = log,
        .bridge = bridge,
        .metrics = metrics,
    };

    if (code != SK_OK)
        return code;
    if (access(c->guest_path, X_OK))
        return sk_fail_sys(err, SK_FAILED_PRECONDITION, errno, "cannot use the guest program %s (guest_path)",
                           c->guest_path);
    return sk_containerd_open(&options, &b->containerd, err);
}

enum sk_code sk_backend_open(struct sk_loop *loop, const struct sk_log *log, struct sk_metrics *metrics,
                             struct sk_bridge *bridge, const struct sk_config *config,
                             struct sk_backend **out_backend, struct sk_err *err)
{
    struct sk_backend *b = sk_alloc(sizeof(*b));
    enum sk_code code = SK_OK;

    /* Set at once: what was opened before something failed is closed as ever. */
    *out_backend = b;
    b->loop = loop;
    if (strcmp(config->drivers, "fake") == 0) {
        open_fakes(b);
        return SK_OK;
    }
    code = open_containerd(b, log, metrics, bridge, config, err);
    if (code == SK_OK)
        code = sk_agent_channel_open(loop, log, config->run_dir, &b->channel, err);
    return code;
}

/* --- what there is ----------------------------------------------------------------------- */

struct sk_runtime *sk_backend_runtime(const struct sk_backend *b)
{
    return b->containerd ? sk_containerd_runtime(b->containerd) : sk_fake_runtime_base(b->fake_runtime);
}

struct sk_agent *sk_backend_agent(const struct sk_backend *b)
{
    return b->containerd ? b->channel : sk_fake_agent_base(b->fake_agent);
}

struct sk_content *sk_backend_content(const struct sk_backend *b)
{
    return b->containerd ? sk_containerd_content(b->containerd) : NULL;
}

struct sk_image_driver *sk_backend_fake_images(const struct sk_backend *b)
{
    return b->fake_images ? sk_fake_images_base(b->fake_images) : NULL;
}

/* --- close --------------------------------------------------------------------------------- */

static void on_closed(struct sk_done *closed, const struct sk_err *err)
{
    struct sk_backend *b = sk_container_of(closed, struct sk_backend, closed);
    struct sk_done *done = b->done;

    free(b);
    sk_done_fire(done, err);
}

void sk_backend_close(struct sk_backend *backend_take, struct sk_done *done)
{
    struct sk_backend *b = backend_take;

    b->done = done;
    sk_done_init(&b->closed, on_closed);
    sk_agent_channel_close(sk_take(b->channel));
    sk_fake_agent_free(sk_take(b->fake_agent));
    sk_fake_images_free(sk_take(b->fake_images));
    sk_fake_runtime_free(sk_take(b->fake_runtime));
    if (b->containerd)
        sk_containerd_close(sk_take(b->containerd), &b->closed);
    else
        sk_done_later(b->loop, &b->closed, NULL);
}
