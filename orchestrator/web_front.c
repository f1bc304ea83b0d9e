#include "web_front.h"

#include "host.h"
#include "place.h"

#include <string.h>

struct sk_web_front {
    struct sk_web_front_options options;
    struct sk_web *web; /* NULL: the configuration wants none */
};

/* With the port that was got, when any would do. */
static void tell_address(void *arg, uint16_t port)
{
    const struct sk_web_front *front = arg;
    const char *listen = front->options.config->http_listen;
    SK_AUTO_FREE char *line = sk_printf("%.*s:%u\n", (int)(strrchr(listen, ':') - listen), listen, port);
    struct sk_err err;

    if (sk_place_write_http(front->options.config->run_dir, line, &err) != SK_OK)
        sk_log_err(front->options.log, SK_WARN, "web.address_untold", &err);
}

static enum sk_code open_web(struct sk_web_front *front, struct sk_err *err)
{
    const struct sk_web_front_options *o = &front->options;
    SK_AUTO_FREE char *certificate = NULL;
    SK_AUTO_FREE char *key = NULL;
    enum sk_code code;

    if ((code = sk_host_read_pem(o->config->tls_certificate, &certificate, err)) != SK_OK ||
        (code = sk_host_read_pem(o->config->tls_key, &key, err)) != SK_OK)
        return code;
    const struct sk_web_options options = {
        .loop = o->loop,
        .log = o->log,
        .listen = o->config->http_listen,
        .has_public_metrics = o->config->http_public_metrics,
        .tls_certificate = certificate,
        .tls_key = key,
        .metrics = o->metrics,
        .node = o->node,
        .keys = o->keys,
        .unready = o->unready,
        .arg = o->arg,
        .on_listening = tell_address,
        .listening_arg = front,
    };
    return sk_web_open(&options, &front->web, err);
}

enum sk_code sk_web_front_open(const struct sk_web_front_options *options, struct sk_web_front **out_front,
                               struct sk_err *err)
{
    SK_AUTO_FREE struct sk_web_front *front = sk_alloc(sizeof(*front));
    enum sk_code code = SK_OK;

    front->options = *options;
    sk_place_remove_http(options->config->run_dir); /* of one that was killed */
    if (options->config->http_listen[0])
        code = open_web(front, err);
    if (code == SK_OK)
        *out_front = sk_take(front);
    return code;
}

void sk_web_front_close(struct sk_web_front *front)
{
    if (!front)
        return;
    sk_web_close(front->web);
    sk_place_remove_http(front->options.config->run_dir);
    free(front);
}

void sk_web_front_configure(struct sk_web_front *front, const struct sk_config *config)
{
    if (front && front->web)
        sk_web_set_public_metrics(front->web, config->http_public_metrics);
}

void sk_web_front_set_certificate(struct sk_web_front *front, const char *certificate, const char *key)
{
    if (front && front->web) /* it is closed before the files are watched no more */
        sk_web_set_certificate(front->web, certificate, key);
}
