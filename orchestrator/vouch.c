#include "vouch.h"

#include "drivers/wandb/wandb.h"

#include <string.h>

struct sk_vouch {
    struct sk_http *http;
    struct sk_verifier *verifier;
    struct sk_guests *guests;
    char *url, *ca_file; /* of the server */
    struct sk_done guests_closed;
    struct sk_done *done;
};

static void vouch_free(struct sk_vouch *vouch)
{
    sk_wandb_free(vouch->verifier);
    sk_http_free(vouch->http);
    free(vouch->url);
    free(vouch->ca_file);
    free(vouch);
}

static struct sk_guests_terms terms_of(const struct sk_config *config)
{
    return (struct sk_guests_terms){
        .open = *config->wandb_url != '\0',
        .entities = config->wandb_entities,
        .grace = SK_SEC(config->wandb_grace_s),
    };
}

enum sk_code sk_vouch_open(struct sk_loop *loop, const struct sk_log *log, const struct sk_config *config,
                           struct sk_vouch **out_vouch, struct sk_err *err)
{
    struct sk_vouch *vouch = sk_alloc(sizeof(*vouch));
    const struct sk_http_options http = {
        .loop = loop, .log = log, .proxy = "", .max_connections = 2 * SK_GUESTS_ASKED_MAX};
    enum sk_code code = sk_http_new(&http, &vouch->http, err);
    if (code != SK_OK) {
        vouch_free(vouch);
        return code;
    }
    const struct sk_wandb_options wandb = {
        .http = vouch->http, .url = config->wandb_url, .ca_file = config->wandb_ca};
    vouch->verifier = sk_wandb_new(&wandb);
    const struct sk_guests_options guests = {
        .loop = loop,
        .log = log,
        .verifier = vouch->verifier,
        .terms = terms_of(config),
    };
    vouch->guests = sk_guests_new(&guests);
    vouch->url = sk_strdup(config->wandb_url);
    vouch->ca_file = sk_strdup(config->wandb_ca);
    *out_vouch = vouch;
    return SK_OK;
}

void sk_vouch_configure(struct sk_vouch *vouch, const struct sk_config *config)
{
    const struct sk_guests_terms terms = terms_of(config);
    bool is_other =
        strcmp(vouch->url, config->wandb_url) != 0 || strcmp(vouch->ca_file, config->wandb_ca) != 0;

    if (is_other) {
        sk_wandb_configure(vouch->verifier, config->wandb_url, config->wandb_ca);
        free(vouch->url);
        free(vouch->ca_file);
        vouch->url = sk_strdup(config->wandb_url);
        vouch->ca_file = sk_strdup(config->wandb_ca);
    }
    sk_guests_configure(vouch->guests, &terms, is_other);
}

struct sk_guests *sk_vouch_guests(const struct sk_vouch *vouch)
{
    return vouch ? vouch->guests : NULL;
}

static void on_guests_closed(struct sk_done *closed, const struct sk_err *err)
{
    struct sk_vouch *vouch = sk_container_of(closed, struct sk_vouch, guests_closed);
    struct sk_done *done = vouch->done;

    (void)err;
    vouch_free(vouch);
    sk_done_fire(done, NULL);
}

void sk_vouch_close(struct sk_vouch *vouch, struct sk_done *done)
{
    vouch->done = done;
    sk_done_init(&vouch->guests_closed, on_guests_closed);
    sk_guests_close(sk_take(vouch->guests), &vouch->guests_closed);
}
