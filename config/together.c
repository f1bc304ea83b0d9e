#include "config/together.h"

#include "config/address.h"
#include "net/special.h"

#include <stdio.h>
#include <string.h>

struct check {
    const struct sk_config *config;
    const struct sk_json *const *given;
    struct sk_faults *faults;
};

#define LINE_OF(r, name) line_of((r), offsetof(struct sk_config, name))

static int line_of(const struct check *r, size_t offset)
{
    size_t count;
    const struct sk_key *keys = sk_config_keys(&count);

    for (size_t i = 0; i < count; i++)
        if (keys[i].offset == offset && r->given[i])
            return r->given[i]->line;
    return 0;
}

static void check_exposure(const struct check *r)
{
    const struct sk_config *c = r->config;

    for (size_t i = 0; !c->api_keys[0] && c->listen[i]; i++)
        if (!sk_address_is_loopback(c->listen[i]))
            sk_faults_add(
                r->faults, LINE_OF(r, listen), "listen",
                "\"%s\" can be reached from elsewhere and api_keys is empty: give keys, or listen on "
                "127.0.0.1",
                c->listen[i]);
}

static void check_tls(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (*c->tls_certificate && !*c->tls_key)
        sk_faults_add(r->faults, LINE_OF(r, tls_certificate), "tls_key",
                      "is missing beside tls_certificate, give both");
    if (!*c->tls_certificate && *c->tls_key)
        sk_faults_add(r->faults, LINE_OF(r, tls_key), "tls_certificate",
                      "is missing beside tls_key, give both");
}

static void check_ceilings(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (c->ceiling_cpu && c->default_cpu > c->ceiling_cpu)
        sk_faults_add(r->faults, LINE_OF(r, ceiling_cpu), "ceiling_cpu",
                      "is below default_cpu, give at least \"%lldm\"", (long long)c->default_cpu);
    if (c->ceiling_memory && c->default_memory > c->ceiling_memory)
        sk_faults_add(r->faults, LINE_OF(r, ceiling_memory), "ceiling_memory",
                      "is below default_memory, give at least \"%lld\"", (long long)c->default_memory);
}

static void check_image_disk(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (c->image_disk_low_percent > c->image_disk_high_percent)
        sk_faults_add(r->faults, LINE_OF(r, image_disk_low_percent), "image_disk_low_percent",
                      "is above image_disk_high_percent, give at most %lld",
                      (long long)c->image_disk_high_percent);
}

/* What would be taken for granted, and not be so. */
static void check_transfer(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (c->containerd_transfer && c->registries.len)
        sk_faults_add(r->faults, LINE_OF(r, containerd_transfer), "containerd_transfer",
                      "is true, and containerd does not know what registries says: leave one of them out");
    if (c->containerd_transfer && *c->registry_proxy)
        sk_faults_add(r->faults, LINE_OF(r, containerd_transfer), "containerd_transfer",
                      "is true, and containerd does not know registry_proxy: leave one of them out");
}

/* --- networks ------------------------------------------------------------------ */

#define EDGE_PORTS_MAX 4096

/* A pool of addresses that mean something elsewhere would hide what is there. `routed`: the network outside
 * leads them here. */
static void check_pool(const struct check *r, const char *key, int line, const struct sk_cidr *pool,
                       bool routed)
{
    struct sk_ip ends[2];

    sk_cidr_bounds(pool, &ends[0], &ends[1]);
    for (size_t i = 0; i < sk_array_len(ends); i++) {
        enum sk_ip_kind kind = sk_ip_kind_of(&ends[i]);
        char text[SK_IP_TEXT_MAX];
        if (!sk_ip_kind_is_closed(kind) && (kind != SK_IP_GLOBAL || routed))
            continue;
        sk_ip_print(&ends[i], text);
        sk_faults_add(r->faults, line, key, "has %s, which is %s: give a block of addresses for private use",
                      text, kind == SK_IP_GLOBAL ? "of the internet" : sk_ip_kind_name(kind));
        return;
    }
}

static void check_pools(const struct check *r)
{
    const struct sk_config *c = r->config;

    check_pool(r, "network_ipv4_pool", LINE_OF(r, network_ipv4_pool), &c->network_ipv4_pool, false);
    if (c->network_ipv6_pool.prefix)
        check_pool(r, "network_ipv6_pool", LINE_OF(r, network_ipv6_pool), &c->network_ipv6_pool,
                   !c->network_masquerade_ipv6);
}

static bool is_in_pools(const struct sk_config *c, const struct sk_ip *ip)
{
    return sk_cidr_has(&c->network_ipv4_pool, ip) ||
           (c->network_ipv6_pool.prefix && sk_cidr_has(&c->network_ipv6_pool, ip));
}

static void check_upstreams(const struct check *r)
{
    const char **upstreams = r->config->dns_upstreams;
    struct sk_resolver_address address;
    char path[40];

    for (size_t i = 0; upstreams[i]; i++) {
        if (!sk_read_resolver(upstreams[i], &address) || !is_in_pools(r->config, &address.ip))
            continue;
        (void)snprintf(path, sizeof(path), "dns_upstreams[%zu]", i);
        sk_faults_add(r->faults, LINE_OF(r, dns_upstreams), path,
                      "\"%s\" lies in a pool of sandboxes' addresses, give a resolver outside", upstreams[i]);
    }
}

static void check_cni(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (!strcmp(c->network, "cni") && !*c->cni_config)
        sk_faults_add(r->faults, LINE_OF(r, network), "cni_config",
                      "is missing where network is \"cni\", give the path of a .conflist");
}

static void check_edge(const struct check *r)
{
    const struct sk_config *c = r->config;
    int ports = c->edge_ports.first ? c->edge_ports.last - c->edge_ports.first + 1 : 0;

    if (ports > EDGE_PORTS_MAX)
        sk_faults_add(r->faults, LINE_OF(r, edge_ports), "edge_ports", "are %d ports, give up to %d", ports,
                      EDGE_PORTS_MAX);
    if (ports && *c->edge_domain && c->edge_https_port >= c->edge_ports.first &&
        c->edge_https_port <= c->edge_ports.last)
        sk_faults_add(r->faults, LINE_OF(r, edge_ports), "edge_ports",
                      "have edge_https_port, %lld, among them", (long long)c->edge_https_port);
    if (*c->edge_domain && !*c->edge_certificate)
        sk_faults_add(r->faults, LINE_OF(r, edge_domain), "edge_certificate",
                      "is missing beside edge_domain, give both");
    if (!*c->edge_domain && *c->edge_certificate)
        sk_faults_add(r->faults, LINE_OF(r, edge_certificate), "edge_domain",
                      "is missing beside edge_certificate, give both");
}

void sk_config_check(const struct sk_config *config, const struct sk_json *const *given,
                     struct sk_faults *faults)
{
    const struct check check = {.config = config, .given = given, .faults = faults};

    check_exposure(&check);
    check_tls(&check);
    check_ceilings(&check);
    check_image_disk(&check);
    check_transfer(&check);
    check_pools(&check);
    check_upstreams(&check);
    check_cni(&check);
    check_edge(&check);
}
