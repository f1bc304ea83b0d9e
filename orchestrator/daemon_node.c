/* daemon_node.c: the node, the drivers that it is made of, and whose keys open it. */
#include "daemon_impl.h"

#include "core/recover.h"
#include "host.h"

#include <string.h>

/* --- what sandboxes run on ---------------------------------------------------------------- */

void sk_daemon_backend_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_err err;
    enum sk_code code =
        sk_backend_open(d->loop, &d->log, d->metrics, d->bridge, d->config, &d->backend, &err);

    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_backend_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    if (d->backend)
        sk_backend_close(sk_take(d->backend), done);
    else
        sk_daemon_answer(d, done, SK_OK, NULL);
}

/* --- where images come from --------------------------------------------------------------- */

void sk_daemon_supply_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_err err;
    enum sk_code code =
        sk_supply_open(d->loop, &d->log, d->config, sk_backend_content(d->backend), &d->supply, &err);

    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_supply_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    if (d->supply)
        sk_supply_close(sk_take(d->supply), done);
    else
        sk_daemon_answer(d, done, SK_OK, NULL);
}

/* --- what their networks are made of -------------------------------------------------------- */

void sk_daemon_fabric_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_err err;
    enum sk_code code = sk_fabric_open(d->loop, &d->log, d->metrics, d->config, &d->fabric, &err);

    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_fabric_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    if (d->fabric)
        sk_fabric_close(sk_take(d->fabric), done);
    else
        sk_daemon_answer(d, done, SK_OK, NULL);
}

/* --- the node -------------------------------------------------------------------------- */

static const struct sk_device *find_gpus(struct sk_daemon *d, size_t *out_count)
{
    const struct sk_cdi_options options = {
        .folders = (const char *const *)d->config->cdi_folders,
        .kinds = (const char *const *)d->config->gpu_kinds,
        .type = strcmp(d->config->gpu_type, "gpu") == 0 ? "" : d->config->gpu_type,
    };

    d->cdi = sk_cdi_read(&d->log, &options);
    return sk_cdi_devices(d->cdi, out_count);
}

void sk_daemon_node_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_node_config config;
    struct sk_image_driver *fakes = sk_backend_fake_images(d->backend);

    sk_host_node_config(d->config, d->node_id, &config);
    config.metrics = d->metrics;
    config.gpus = find_gpus(d, &config.gpu_count);
    config.audit = d->audit;
    config.tracer = d->tracer;
    config.images.login_salt = d->login_salt;
    config.secrets = sk_supply_secrets(d->supply);
    config.network = sk_fabric_config(d->fabric);
    const struct sk_node_drivers drivers = {
        .runtime = sk_backend_runtime(d->backend),
        .images = fakes ? fakes : sk_supply_images(d->supply),
        .agent = sk_backend_agent(d->backend),
        .network = sk_fabric_network(d->fabric),
        .names = sk_fabric_names(d->fabric),
        .edge = sk_fabric_edge(d->fabric),
    };
    d->node = sk_node_new(d->loop, &d->log, &config, &drivers, d->store);
    sk_daemon_answer(d, done, SK_OK, NULL);
}

void sk_daemon_node_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    sk_node_free(sk_take(d->node));
    sk_cdi_free(sk_take(d->cdi));
    sk_daemon_answer(d, done, SK_OK, NULL);
}

/* Recovery waits for containerd as long as it takes; a signal must not. */
static void recover_cancel(struct sk_done *done)
{
    sk_recover_stop(done->callee);
}

void sk_daemon_recover_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    sk_node_recover(d->node, done);
    done->cancel = recover_cancel;
    done->callee = d->node;
}

void sk_daemon_recover_undo(struct sk_op *op, struct sk_done *done)
{
    sk_node_stop(sk_daemon_of(op)->node, done);
}

/* --- who calls --------------------------------------------------------------------------- */

void sk_daemon_keys_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    const struct sk_keys_config from_config = {.admins = d->config->api_keys,
                                               .shared = d->config->shared_keys};
    struct sk_err err;

    d->keys = sk_keys_new(d->loop, &d->log, d->store, &from_config);
    enum sk_code code = sk_keys_load(d->keys, &err);
    if (code == SK_OK)
        code = sk_vouch_open(d->loop, &d->log, d->config, &d->vouch, &err);
    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_keys_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    sk_keys_free(sk_take(d->keys));
    if (d->vouch)
        sk_vouch_close(sk_take(d->vouch), done);
    else
        sk_daemon_answer(d, done, SK_OK, NULL);
}
