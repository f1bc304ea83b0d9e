#include "uplink.h"

#include "net/special.h"

#include <string.h>

static struct sk_cni_options options_of(const struct sk_uplink *u)
{
    return (struct sk_cni_options){
        .config = u->config->cni_config,
        .plugins = u->config->cni_plugins,
        .run_dir = u->config->run_dir,
        .state_dir = u->config->state_dir,
        .id = u->id,
        .fence = u->config->network_name,
        .gaps = u->gaps,
        .gap_count = u->config->network_reachable.len,
    };
}

enum sk_code sk_uplink_open(struct sk_uplink *u, const struct sk_log *log, const struct sk_config *config,
                            const struct sk_nftables_exception *gaps, struct sk_err *err)
{
    struct sk_uplink joined = {.config = config, .gaps = gaps};

    *u = (struct sk_uplink){0};
    if (strcmp(config->network, "cni") != 0)
        return SK_OK;
    (void)snprintf(joined.id, sizeof(joined.id), "sandkeep-%s", config->network_name);
    const struct sk_cni_options options = options_of(&joined);
    enum sk_code code = sk_cni_join(&options, &joined.place, err);
    if (code != SK_OK)
        return code;
    *u = joined;
    sk_ip_print(&u->place.addresses.items[0], u->text);
    sk_log(log, SK_INFO, "network.joined", SK_STR("address", u->text));
    return SK_OK;
}

void sk_uplink_end(struct sk_uplink *u, const struct sk_log *log)
{
    struct sk_err err = {0};

    if (!sk_uplink_is_elsewhere(u))
        return;
    const struct sk_cni_options options = options_of(u);
    if (sk_cni_leave(&options, &err) != SK_OK)
        sk_log_err(log, SK_WARN, "network.not_left", &err);
}

bool sk_uplink_is_elsewhere(const struct sk_uplink *u)
{
    return u->config != NULL;
}

const char *sk_uplink_netns(const struct sk_uplink *u)
{
    return sk_uplink_is_elsewhere(u) ? u->place.netns : NULL;
}

int sk_uplink_socket(void *arg, int family, int type)
{
    const struct sk_uplink *u = arg;
    return sk_cni_socket(&u->place, family, type);
}

static bool is_loopback(const struct sk_ip *ip)
{
    return sk_ip_kind_of(ip) == SK_IP_LOOPBACK;
}

const struct sk_ip *sk_uplink_listen(const struct sk_uplink *u, const struct sk_config *config)
{
    bool is_nowhere = sk_uplink_is_elsewhere(u) && is_loopback(&config->edge_listen);
    return is_nowhere ? &u->place.addresses.items[0] : &config->edge_listen;
}

const char *sk_uplink_address(const struct sk_uplink *u, const struct sk_config *config)
{
    struct sk_ip ip;
    bool is_nowhere = sk_uplink_is_elsewhere(u) && sk_ip_parse(config->edge_address, &ip, NULL) == SK_OK &&
                      is_loopback(&ip);
    return is_nowhere ? u->text : config->edge_address;
}
