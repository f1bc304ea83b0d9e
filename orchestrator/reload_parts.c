#include "reload_parts.h"

#include "api/api.h"
#include "certificates.h"
#include "chronicle.h"
#include "core/node.h"
#include "fabric.h"
#include "host.h"
#include "identity/keys.h"
#include "peers.h"
#include "supply.h"
#include "vouch.h"
#include "web_front.h"

/* --- the log -------------------------------------------------------------------------- */

static void apply_log(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    enum sk_level level = SK_INFO;

    (void)ready;
    (void)!sk_level_parse(next->log_level, &level); /* the config has checked it */
    sk_log_set_level(t->log, level);
}

/* --- the audit: what it tells and keeps ---------------------------------------------------- */

static void apply_audit(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    (void)ready;
    sk_chronicle_reaudit(t->audit, next);
}

/* --- traces ---------------------------------------------------------------------------- */

static void apply_trace(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    (void)ready;
    sk_chronicle_retrace(t->tracer, next);
}

/* --- the node: holds, limits, defaults, ceilings, images --------------------------------- */

static void apply_node(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    struct sk_node_config config;

    (void)ready;
    sk_host_node_config(next, sk_node_config(t->node)->node_id, &config);
    sk_node_configure(t->node, &config);
}

/* --- registries, logins, secrets --------------------------------------------------------- */

static void *prepare_supply(const struct sk_config *next, struct sk_faults *faults)
{
    return sk_supply_read(next, faults);
}

static void apply_supply(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    sk_supply_configure(t->supply, next, ready);
}

static void drop_supply(void *ready)
{
    sk_supply_terms_free(ready);
}

/* --- networks ------------------------------------------------------------------------------ */

static void apply_fabric(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    (void)ready;
    sk_fabric_configure(t->fabric, next);
}

/* --- what operators read ------------------------------------------------------------------- */

static void apply_web(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    (void)ready;
    sk_web_front_configure(t->web, next);
}

/* --- who may call ----------------------------------------------------------------------------- */

static void apply_api(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    (void)ready;
    sk_api_set_reflection(t->api, next->reflection);
}

static void apply_keys(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    const struct sk_keys_config keys = {.admins = next->api_keys, .shared = next->shared_keys};

    (void)ready;
    sk_keys_set_config(t->keys, &keys);
}

/* Only whether the file can be used, if it is to be: libcurl reads it for each connection. */
static void *prepare_vouch(const struct sk_config *next, struct sk_faults *faults)
{
    SK_AUTO_FREE char *text = NULL;
    struct sk_err err;

    if (*next->wandb_url && sk_host_read_pem(next->wandb_ca, &text, &err) != SK_OK)
        sk_faults_at(faults, (struct sk_origin){next->wandb_ca, 0}, "wandb_ca", "%s", err.text);
    return NULL;
}

static void apply_vouch(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    (void)ready;
    sk_vouch_configure(t->vouch, next);
}

/* --- the other nodes -------------------------------------------------------------------------- */

static void *prepare_peers(const struct sk_config *next, struct sk_faults *faults)
{
    return sk_peers_read(next, faults);
}

static void apply_peers(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    sk_peers_configure(t->fleet, t->log, next, ready);
}

static void drop_peers(void *ready)
{
    sk_peers_terms_free(ready);
}

/* --- what they are shown by TLS --------------------------------------------------------------- */

static void *prepare_tls(const struct sk_config *next, struct sk_faults *faults)
{
    return sk_certificates_read(next, faults);
}

static void apply_tls(const struct sk_reload_targets *t, const struct sk_config *next, void *ready)
{
    sk_certificates_configure(t->certificates, next, ready);
}

static void drop_tls(void *ready)
{
    sk_certificate_set_free(ready);
}

static const struct part {
    /* Reads and judges what the config alone does not say, such as files that it names; what it came to goes
     * to apply or to drop. Adds a fault for all that is wrong. On a thread of the pool: changes nothing,
     * touches nothing but what it was given. NULL = there is nothing to prepare. */
    void *(*prepare)(const struct sk_config *next, struct sk_faults *faults);
    /* Puts it in force. Cannot fail. `next` may be borrowed until the next apply, which is told of another.
     */
    void (*apply)(const struct sk_reload_targets *targets, const struct sk_config *next, void *ready_take);
    void (*drop)(void *ready_take); /* NULL is fine */
} parts[] = {
    {NULL, apply_log, NULL},
    {NULL, apply_audit, NULL},
    {NULL, apply_trace, NULL},
    {NULL, apply_node, NULL},
    {prepare_supply, apply_supply, drop_supply},
    {NULL, apply_fabric, NULL},
    {prepare_tls, apply_tls, drop_tls},
    {NULL, apply_web, NULL},
    {NULL, apply_api, NULL},
    {NULL, apply_keys, NULL},
    {prepare_vouch, apply_vouch, NULL},
    {prepare_peers, apply_peers, drop_peers},
};

_Static_assert(sk_array_len(parts) <= SK_RELOAD_PARTS_MAX, "room for what each has prepared");

/* --- all of them ------------------------------------------------------------------------------ */

void sk_reload_prepare(struct sk_reload_ready *ready, const struct sk_config *next, struct sk_faults *faults)
{
    *ready = (struct sk_reload_ready){{NULL}};
    for (size_t i = 0; i < sk_array_len(parts); i++)
        if (parts[i].prepare)
            ready->items[i] = parts[i].prepare(next, faults);
}

void sk_reload_apply(struct sk_reload_ready *ready, const struct sk_reload_targets *targets,
                     const struct sk_config *next)
{
    for (size_t i = 0; i < sk_array_len(parts); i++)
        parts[i].apply(targets, next, sk_take(ready->items[i]));
}

void sk_reload_drop(struct sk_reload_ready *ready)
{
    for (size_t i = 0; i < sk_array_len(parts); i++)
        if (parts[i].drop)
            parts[i].drop(sk_take(ready->items[i]));
}
