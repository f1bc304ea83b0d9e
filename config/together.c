#include "config/together.h"

#include "config/address.h"
#include "config/others.h"
#include "net/special.h"

#include <stdio.h>
#include <string.h>

struct check {
    const struct sk_config *config;
    const struct sk_given *given;
    struct sk_faults *faults;
};

#define ORIGIN(r, name) origin_of((r), offsetof(struct sk_config, name))

static struct sk_origin origin_of(const struct check *r, size_t offset)
{
    size_t count;
    const struct sk_key *keys = sk_config_keys(&count);

    for (size_t i = 0; i < count; i++)
        if (keys[i].offset == offset && r->given[i].member)
            return (struct sk_origin){r->given[i].file, r->given[i].member->line};
    return (struct sk_origin){NULL, 0};
}

static void check_folder(const struct check *r, const char *key, struct sk_origin origin, const char *path)
{
    if (sk_folder_is_others(path))
        sk_faults_at(
            r->faults, origin, key,
            "\"%s\" is not this daemon's alone, give a folder like \"/srv/sandkeep\" without \"..\", "
            "\"//\" and a slash at its end",
            path);
}

/* What the daemon and a purge treat as theirs must be theirs. */
static void check_others(const struct check *r)
{
    const struct sk_config *c = r->config;

    check_folder(r, "state_dir", ORIGIN(r, state_dir), c->state_dir);
    check_folder(r, "run_dir", ORIGIN(r, run_dir), c->run_dir);
    if (sk_namespace_is_others(c->containerd_namespace))
        sk_faults_at(r->faults, ORIGIN(r, containerd_namespace), "containerd_namespace",
                     "\"%s\" is others', give one that is this daemon's alone", c->containerd_namespace);
    if (sk_link_is_others(c->network_name))
        sk_faults_at(r->faults, ORIGIN(r, network_name), "network_name",
                     "\"%s\" is what others call their links or tables, give one that is this daemon's alone",
                     c->network_name);
}

static void check_wandb(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (*c->wandb_url && !c->wandb_entities.len && !ORIGIN(r, wandb_entities).line)
        sk_faults_at(r->faults, ORIGIN(r, wandb_url), "wandb_entities",
                     "is missing beside wandb_url, say which W&B entities are which tenants");
    if (!*c->wandb_url && c->wandb_entities.len)
        sk_faults_at(r->faults, ORIGIN(r, wandb_entities), "wandb_url",
                     "is missing beside wandb_entities, say which W&B server knows them");
}

static void check_tls(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (*c->tls_certificate && !*c->tls_key)
        sk_faults_at(r->faults, ORIGIN(r, tls_certificate), "tls_key",
                     "is missing beside tls_certificate, give both");
    if (!*c->tls_certificate && *c->tls_key)
        sk_faults_at(r->faults, ORIGIN(r, tls_key), "tls_certificate",
                     "is missing beside tls_key, give both");
    if (!*c->tls_certificate && *c->tls_client_ca)
        sk_faults_at(r->faults, ORIGIN(r, tls_client_ca), "tls_certificate",
                     "is missing beside tls_client_ca: without TLS clients show no certificates");
}

static void check_ceilings(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (c->ceiling_cpu && c->default_cpu > c->ceiling_cpu)
        sk_faults_at(r->faults, ORIGIN(r, ceiling_cpu), "ceiling_cpu",
                     "is below default_cpu, give at least \"%lldm\"", (long long)c->default_cpu);
    if (c->ceiling_memory && c->default_memory > c->ceiling_memory)
        sk_faults_at(r->faults, ORIGIN(r, ceiling_memory), "ceiling_memory",
                     "is below default_memory, give at least \"%lld\"", (long long)c->default_memory);
}

static void check_bounds(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (c->default_lifetime_s > c->max_lifetime_s)
        sk_faults_at(r->faults, ORIGIN(r, default_lifetime_s), "default_lifetime_s",
                     "is above max_lifetime_s, give at most %lld", (long long)c->max_lifetime_s);
    if (c->max_idle_timeout_s && c->default_idle_timeout_s > c->max_idle_timeout_s)
        sk_faults_at(r->faults, ORIGIN(r, default_idle_timeout_s), "default_idle_timeout_s",
                     "is above max_idle_timeout_s, give at most %lld", (long long)c->max_idle_timeout_s);
    if (c->default_lease_s > c->max_lease_s)
        sk_faults_at(r->faults, ORIGIN(r, default_lease_s), "default_lease_s",
                     "is above max_lease_s, give at most %lld", (long long)c->max_lease_s);
}

static void check_image_disk(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (c->image_disk_low_percent > c->image_disk_high_percent)
        sk_faults_at(r->faults, ORIGIN(r, image_disk_low_percent), "image_disk_low_percent",
                     "is above image_disk_high_percent, give at most %lld",
                     (long long)c->image_disk_high_percent);
}

/* What would be taken for granted, and not be so. */
static void check_transfer(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (c->containerd_transfer && c->registries.len)
        sk_faults_at(r->faults, ORIGIN(r, containerd_transfer), "containerd_transfer",
                     "is true, and containerd does not know what registries says: leave one of them out");
    if (c->containerd_transfer && *c->registry_proxy)
        sk_faults_at(r->faults, ORIGIN(r, containerd_transfer), "containerd_transfer",
                     "is true, and containerd does not know registry_proxy: leave one of them out");
}

/* Else the newest would be lost in the place of the oldest. */
static void check_audit(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (strcmp(c->audit_full, "refuse_changes") == 0 && !(c->audit && c->audit_required))
        sk_faults_at(
            r->faults, ORIGIN(r, audit_full), "audit_full",
            "refuses changes only with audit_required: make that and audit true, or give \"drop_oldest\"");
    /* The one that is written to never goes, so no room would ever come of audit_days. */
    if (strcmp(c->audit_full, "refuse_changes") == 0 && c->audit_files < 2)
        sk_faults_at(r->faults, ORIGIN(r, audit_full), "audit_files",
                     "is 1, which audit_full \"refuse_changes\" could never make room in: give at least 2");
}

/* --- networks ------------------------------------------------------------------ */

#define EDGE_PORTS_MAX 4096

/* A pool of addresses that mean something elsewhere would hide what is there. `routed`: the network outside
 * leads them here. */
static void check_pool(const struct check *r, const char *key, struct sk_origin origin,
                       const struct sk_cidr *pool, bool routed)
{
    struct sk_ip ends[2];

    sk_cidr_bounds(pool, &ends[0], &ends[1]);
    for (size_t i = 0; i < sk_array_len(ends); i++) {
        enum sk_ip_kind kind = sk_ip_kind_of(&ends[i]);
        char text[SK_IP_TEXT_MAX];
        if (!sk_ip_kind_is_closed(kind) && (kind != SK_IP_GLOBAL || routed))
            continue;
        sk_ip_print(&ends[i], text);
        sk_faults_at(r->faults, origin, key, "has %s, which is %s: give a block of addresses for private use",
                     text, kind == SK_IP_GLOBAL ? "of the internet" : sk_ip_kind_name(kind));
        return;
    }
}

static void check_pools(const struct check *r)
{
    const struct sk_config *c = r->config;

    check_pool(r, "network_ipv4_pool", ORIGIN(r, network_ipv4_pool), &c->network_ipv4_pool, false);
    if (c->network_ipv6_pool.prefix)
        check_pool(r, "network_ipv6_pool", ORIGIN(r, network_ipv6_pool), &c->network_ipv6_pool,
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
        sk_faults_at(r->faults, ORIGIN(r, dns_upstreams), path,
                     "\"%s\" lies in a pool of sandboxes' addresses, give a resolver outside", upstreams[i]);
    }
}

static void check_cni(const struct check *r)
{
    const struct sk_config *c = r->config;

    if (!strcmp(c->network, "cni") && !*c->cni_config)
        sk_faults_at(r->faults, ORIGIN(r, network), "cni_config",
                     "is missing where network is \"cni\", give the path of a .conflist");
}

static void check_edge(const struct check *r)
{
    const struct sk_config *c = r->config;
    int ports = c->edge_ports.first ? c->edge_ports.last - c->edge_ports.first + 1 : 0;

    if (ports > EDGE_PORTS_MAX)
        sk_faults_at(r->faults, ORIGIN(r, edge_ports), "edge_ports", "are %d ports, give up to %d", ports,
                     EDGE_PORTS_MAX);
    if (ports && *c->edge_domain && c->edge_https_port >= c->edge_ports.first &&
        c->edge_https_port <= c->edge_ports.last)
        sk_faults_at(r->faults, ORIGIN(r, edge_ports), "edge_ports", "have edge_https_port, %lld, among them",
                     (long long)c->edge_https_port);
    if (*c->edge_domain && !*c->edge_certificate)
        sk_faults_at(r->faults, ORIGIN(r, edge_domain), "edge_certificate",
                     "is missing beside edge_domain, give both");
    if (!*c->edge_domain && *c->edge_certificate)
        sk_faults_at(r->faults, ORIGIN(r, edge_certificate), "edge_domain",
                     "is missing beside edge_certificate, give both");
}

void sk_config_check(const struct sk_config *config, const struct sk_given *given, struct sk_faults *faults)
{
    const struct check check = {.config = config, .given = given, .faults = faults};

    check_others(&check);
    check_tls(&check);
    check_wandb(&check);
    check_ceilings(&check);
    check_bounds(&check);
    check_image_disk(&check);
    check_transfer(&check);
    check_audit(&check);
    check_pools(&check);
    check_upstreams(&check);
    check_cni(&check);
    check_edge(&check);
}
