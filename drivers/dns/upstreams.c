#include "drivers/dns/upstreams.h"

#include <ares.h>
#include <string.h>

enum { PORT = 53, MISSES_MAX = 3, REST_S = 30 };

#define RESOLV_CONF "/etc/resolv.conf"

/* --- resolv.conf -------------------------------------------------------------------- */

static struct sk_dns_peer peer_of(const struct ares_addr_port_node *node)
{
    struct sk_dns_peer peer = {.port = node->udp_port ? (uint16_t)node->udp_port : PORT};
    peer.ip = sk_ip_from_bytes((const uint8_t *)&node->addr, node->family == AF_INET6);
    return peer;
}

static void take_servers(struct sk_dns_upstreams *upstreams, const struct ares_addr_port_node *node)
{
    upstreams->count = 0;
    for (; node && upstreams->count < SK_DNS_UPSTREAMS_MAX; node = node->next)
        upstreams->all[upstreams->count++] = (struct sk_dns_upstream){.peer = peer_of(node)};
}

/* The library knows how such files are written; what it may read beside it is of no use here. */
static int read_servers(struct sk_dns_upstreams *upstreams)
{
    struct ares_options options = {.resolvconf_path = upstreams->path, .lookups = (char *)(uintptr_t) "b"};
    struct ares_addr_port_node *servers = NULL;
    ares_channel channel;
    int failed = ares_init_options(&channel, &options, ARES_OPT_RESOLVCONF | ARES_OPT_LOOKUPS);
    if (failed)
        return failed;
    failed = ares_get_servers_ports(channel, &servers);
    ares_destroy(channel);
    if (failed)
        return failed;
    take_servers(upstreams, servers);
    ares_free_data(servers);
    return ARES_SUCCESS;
}

static bool has_changed(struct sk_dns_upstreams *upstreams)
{
    struct stat found = {0};
    (void)stat(upstreams->path, &found); /* none at all is one way to be */
    bool same = found.st_ino == upstreams->inode && found.st_size == upstreams->size &&
                found.st_mtim.tv_sec == upstreams->changed.tv_sec &&
                found.st_mtim.tv_nsec == upstreams->changed.tv_nsec;
    upstreams->inode = found.st_ino;
    upstreams->size = found.st_size;
    upstreams->changed = found.st_mtim;
    return !same;
}

static void look(struct sk_dns_upstreams *upstreams)
{
    int failed = read_servers(upstreams);
    if (failed)
        sk_log(upstreams->log, SK_WARN, "dns.resolv_conf", SK_STR("path", upstreams->path),
               SK_STR("error", ares_strerror(failed)));
}

static void look_again(struct sk_dns_upstreams *upstreams, struct sk_instant now)
{
    if (!upstreams->path || now.ns < upstreams->look_at.ns)
        return;
    upstreams->look_at = sk_instant_add(now, SK_SEC(1));
    if (has_changed(upstreams))
        look(upstreams);
}

/* --- the whole ------------------------------------------------------------------------ */

static enum sk_code take_given(struct sk_dns_upstreams *upstreams, const struct sk_dns_options *options,
                               struct sk_err *err)
{
    enum sk_code code = SK_OK;
    if (options->upstream_count > SK_DNS_UPSTREAMS_MAX)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "more than %d resolvers to be asked",
                       SK_DNS_UPSTREAMS_MAX);
    for (size_t i = 0; i < options->upstream_count && code == SK_OK; i++)
        code = sk_dns_peer_parse(options->upstreams[i], PORT, &upstreams->all[i].peer, err);
    upstreams->count = options->upstream_count;
    return code;
}

enum sk_code sk_dns_upstreams_init(struct sk_dns_upstreams *upstreams, const struct sk_dns_options *options,
                                   const struct sk_log *log, struct sk_err *err)
{
    *upstreams = (struct sk_dns_upstreams){.log = log};
    if (options->upstream_count > 0)
        return take_given(upstreams, options, err);
    if (ares_library_init(ARES_LIB_INIT_ALL))
        return sk_fail(err, SK_INTERNAL, "c-ares does not start");
    upstreams->path = sk_strdup(options->resolv_conf ? options->resolv_conf : RESOLV_CONF);
    (void)has_changed(upstreams);
    look(upstreams);
    return SK_OK;
}

void sk_dns_upstreams_fini(struct sk_dns_upstreams *upstreams)
{
    if (upstreams->path)
        ares_library_cleanup();
    free(upstreams->path);
    *upstreams = (struct sk_dns_upstreams){0};
}

bool sk_dns_upstreams_pick(struct sk_dns_upstreams *upstreams, struct sk_instant now, unsigned *tried,
                           struct sk_dns_peer *out_peer)
{
    size_t best = SK_DNS_UPSTREAMS_MAX;
    look_again(upstreams, now);
    for (size_t i = 0; i < upstreams->count; i++) {
        if (*tried & 1U << i)
            continue;
        bool rests = upstreams->all[i].rests_until.ns > now.ns;
        if (best == SK_DNS_UPSTREAMS_MAX || !rests)
            best = i;
        if (!rests)
            break;
    }
    if (best == SK_DNS_UPSTREAMS_MAX)
        return false;
    *tried |= 1U << best;
    *out_peer = upstreams->all[best].peer;
    return true;
}

static struct sk_dns_upstream *find(struct sk_dns_upstreams *upstreams, const struct sk_dns_peer *peer)
{
    for (size_t i = 0; i < upstreams->count; i++) {
        if (upstreams->all[i].peer.port == peer->port && sk_ip_equal(&upstreams->all[i].peer.ip, &peer->ip))
            return &upstreams->all[i];
    }
    return NULL;
}

void sk_dns_upstreams_note(struct sk_dns_upstreams *upstreams, const struct sk_dns_peer *peer,
                           struct sk_instant now, bool answered)
{
    struct sk_dns_upstream *upstream = find(upstreams, peer);
    if (!upstream)
        return; /* resolv.conf has changed */
    upstream->misses = answered ? 0 : upstream->misses + 1;
    if (upstream->misses >= MISSES_MAX)
        upstream->rests_until = sk_instant_add(now, SK_SEC(REST_S));
    else if (answered)
        upstream->rests_until = (struct sk_instant){0};
}
