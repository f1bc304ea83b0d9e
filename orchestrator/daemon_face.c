/* daemon_face.c: what the outside sees: certificates, reloads, pages for operators, the API and its
 * listeners. */
#include "daemon_impl.h"

#include "core/health.h"
#include "rpc/handed.h"

/* --- what is shown to callers by TLS --------------------------------------------------------- */

static void on_certificate(void *arg, const struct sk_tls_pem *pem)
{
    const struct sk_daemon *d = arg;

    sk_web_front_set_certificate(d->web, pem->certificate, pem->key);
}

void sk_daemon_certificates_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_err err;
    enum sk_code code = sk_certificates_open(d->loop, &d->log, d->metrics, d->config, &d->certificates, &err);

    if (code == SK_OK)
        sk_certificates_listen(d->certificates, on_certificate, d);
    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_certificates_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    if (d->certificates)
        sk_certificates_close(sk_take(d->certificates), done);
    else
        sk_daemon_answer(d, done, SK_OK, NULL);
}

/* --- reloads ---------------------------------------------------------------------------- */

void sk_daemon_reload_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    d->targets = (struct sk_reload_targets){.log = &d->log,
                                            .audit = d->audit,
                                            .tracer = d->tracer,
                                            .fleet = d->fleet,
                                            .node = d->node,
                                            .keys = d->keys,
                                            .vouch = d->vouch,
                                            .certificates = d->certificates,
                                            .supply = d->supply,
                                            .fabric = d->fabric};
    d->reload = sk_reload_new(d->loop, &d->log, d->config_path, d->config, &d->targets, d->metrics);
    sk_daemon_answer(d, done, SK_OK, NULL);
}

void sk_daemon_reload_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    sk_reload_stop(d->reload); /* a start that failed before there was an api has not done so */
    sk_reload_close(sk_take(d->reload), done);
}

/* --- what operators read ------------------------------------------------------------------ */

static const char *unready(void *arg)
{
    const struct sk_daemon *d = arg;

    if (!d->is_serving)
        return d->signal ? "the daemon is stopping" : "the daemon is starting";
    return sk_health_describe(sk_node_health(d->node));
}

/* Before recovery, which may wait for containerd: whether it is alive, and why it does not serve yet, can be
 * asked from here on. */
void sk_daemon_web_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_err err;
    const struct sk_web_front_options options = {
        .config = d->config,
        .loop = d->loop,
        .log = &d->log,
        .metrics = d->metrics,
        .node = d->node,
        .keys = d->keys,
        .unready = unready,
        .arg = d,
    };
    enum sk_code code = sk_web_front_open(&options, &d->web, &err);

    d->targets.web = d->web;
    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_web_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    d->targets.web = NULL;
    sk_web_front_close(sk_take(d->web));
    sk_daemon_answer(d, done, SK_OK, NULL);
}

/* --- the server -------------------------------------------------------------------------- */

void sk_daemon_api_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    d->api = sk_api_new(d->node, &d->log, d->keys);
    sk_api_set_fleet(d->api, d->fleet);
    sk_api_set_guests(d->api, sk_vouch_guests(d->vouch));
    sk_api_set_reflection(d->api, d->config->reflection);
    d->targets.api = d->api;
    sk_api_set_reloader(d->api, sk_reload_base(d->reload));
    sk_daemon_answer(d, done, SK_OK, NULL);
}

void sk_daemon_api_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    sk_reload_stop(
        d->reload); /* a start that was broken off has not done so, and the api is one of its targets */
    sk_api_free(sk_take(d->api));
    sk_daemon_answer(d, done, SK_OK, NULL);
}

void sk_daemon_listeners_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    const struct sk_listeners_options options = {.loop = d->loop,
                                                 .bridge = d->bridge,
                                                 .log = &d->log,
                                                 .config = d->config,
                                                 .api = d->api,
                                                 .tls = sk_certificates_tls(d->certificates)};
    struct sk_err err;
    enum sk_code code = sk_listeners_open(&options, &d->listeners, &err);

    if (code == SK_OK)
        sk_handed_tell(&d->log);
    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_listeners_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    if (d->listeners)
        sk_listeners_close(sk_take(d->listeners), done);
    else
        sk_daemon_answer(d, done, SK_OK, NULL);
}
