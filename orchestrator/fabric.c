#include "fabric.h"

#include "base/program.h"
#include "base/strings.h"
#include "drivers/dns/dns.h"
#include "drivers/edge/edge.h"
#include "drivers/fake/edge.h"
#include "drivers/fake/names.h"
#include "drivers/fake/network.h"
#include "drivers/nftables/nftables.h"
#include "place.h"
#include "uplink.h"

#include <pwd.h>
#include <string.h>

/* A sandbox's address is another's no sooner: what still knows it, a cache or a peer, has had time to forget.
 */
#define ADDRESS_REST SK_SEC(30)

struct sk_fabric {
    struct sk_loop *loop;
    const struct sk_log *log;
    struct sk_metrics *metrics;
    const struct sk_config *config;
    uint16_t gate_port; /* 0 = nobody looks at names of HTTPS */
    struct sk_arena arena;
    const struct sk_nftables_exception *exceptions; /* the arena's: what the config lets be reached */
    struct sk_uplink uplink;
    struct sk_nftables *nftables; /* either these; no edge = it is not installed, or not wanted … */
    struct sk_dns *dns;
    struct sk_haproxy *haproxy;
    struct sk_fake_network *fake_network; /* … or these */
    struct sk_fake_names *fake_names;
    struct sk_fake_edge *fake_edge;
    struct sk_litter_list places; /* of sandboxes, when it is closed */
    bool is_idle;                 /* there are none */
    struct sk_done closed;        /* one of them is */
    struct sk_done *done;         /* of close */
};

static bool wants_edge(const struct sk_config *c)
{
    return strcmp(c->edge_program, "none") != 0;
}

/* --- the packet filter ------------------------------------------------------------------ */

static struct sk_nftables_exception *exceptions_of(const struct sk_config *c, struct sk_arena *arena)
{
    const struct sk_reachable_settings *settings = &c->network_reachable;
    struct sk_nftables_exception *out = sk_arena_alloc(arena, (settings->len + 1) * sizeof(out[0]));

    for (size_t i = 0; i < settings->len; i++)
        out[i] = (struct sk_nftables_exception){settings->items[i].cidr, settings->items[i].protocol,
                                                settings->items[i].port};
    return out;
}

static enum sk_code open_network(struct sk_fabric *f, struct sk_err *err)
{
    const struct sk_config *c = f->config;
    const struct sk_nftables_options options = {
        .run_dir = c->run_dir,
        .netns = sk_uplink_netns(&f->uplink),
        .name = c->network_name,
        .ipv4 = c->network_ipv4_pool,
        .ipv6 = c->network_ipv6_pool,
        .masquerade_ipv6 = c->network_masquerade_ipv6,
        .mtu = (uint32_t)c->network_mtu,
        .ready_slots = (size_t)c->network_ready_slots,
        .rest = ADDRESS_REST,
        .forbidden = c->network_forbidden.items,
        .forbidden_count = c->network_forbidden.len,
        .reachable = f->exceptions,
        .reachable_count = c->network_reachable.len,
        .gate_port = f->gate_port,
        .connections_max = (uint32_t)c->network_connections,
        .bandwidth_bits = (uint64_t)c->network_bandwidth_mbit * 1000000,
        .log_group = (uint16_t)c->network_log_group,
    };
    enum sk_code code = sk_nftables_open(f->loop, f->log, &options, &f->nftables, err);

    if (code == SK_PERMISSION_DENIED)
        return sk_err_wrap(err, "sandboxes' networks are made by root alone");
    return code == SK_OK ? code : sk_err_wrap(err, "network %s", c->network_name);
}

/* --- names -------------------------------------------------------------------------------- */

static enum sk_code open_names(struct sk_fabric *f, struct sk_err *err)
{
    const struct sk_config *c = f->config;
    struct sk_ip gateways[2];
    size_t count = 0;

    count += sk_nftables_gateway(f->nftables, false, &gateways[count]);
    count += sk_nftables_gateway(f->nftables, true, &gateways[count]);
    const struct sk_dns_options options = {
        .make_socket = sk_uplink_is_elsewhere(&f->uplink) ? sk_uplink_socket : NULL,
        .make_socket_arg = &f->uplink,
        .listen = gateways,
        .listen_count = count,
        .upstreams = c->dns_upstreams,
        .upstream_count = sk_strings_count(c->dns_upstreams),
        .internal_names = c->dns_internal_names,
        .internal_name_count = sk_strings_count(c->dns_internal_names),
        .rate = (unsigned)c->dns_rate,
    };
    enum sk_code code = sk_dns_open(f->loop, f->log, &options, &f->dns, err);

    return code == SK_OK ? code : sk_err_wrap(err, "answering for names");
}

/* --- the edge ------------------------------------------------------------------------------ */

/* The absolute path of HAProxy, heap; NULL = there shall be no edge. */
static enum sk_code find_edge(const struct sk_fabric *f, char **out_program, struct sk_err *err)
{
    bool is_auto = strcmp(f->config->edge_program, "auto") == 0;
    const char *name = is_auto ? "haproxy" : f->config->edge_program;

    *out_program = NULL;
    if (!wants_edge(f->config))
        return SK_OK;
    *out_program = sk_program_find(name);
    if (*out_program)
        return SK_OK;
    if (!is_auto)
        return sk_fail(err, SK_FAILED_PRECONDITION, "cannot find the program %s (edge_program)", name);
    sk_log(f->log, SK_WARN, "daemon.no_edge",
           SK_STR("what", "haproxy is not installed: PUBLIC services are refused, and rules with names too "
                          "unless tls_names is false"));
    return SK_OK;
}

/* Its own user where Debian's package made it. */
static const char *edge_user(void)
{
    return getpwnam("haproxy") ? "haproxy" : "nobody";
}

static enum sk_code open_edge(struct sk_fabric *f, const char *program, struct sk_err *err)
{
    const struct sk_config *c = f->config;
    char listen[SK_IP_TEXT_MAX];
    struct sk_haproxy_options options = {
        .program = program,
        .run_dir = c->run_dir,
        .user = edge_user(),
        .netns = sk_uplink_netns(&f->uplink),
        .listen = listen,
        .first_port = c->edge_ports.first,
        .last_port = c->edge_ports.last,
        .domain = c->edge_domain,
        .https_port = (uint16_t)c->edge_https_port,
        .certificate = c->edge_certificate,
        .gate_port = f->gate_port,
        .metrics = f->metrics,
        .let_hidden = c->tls_hidden_names,
    };

    sk_ip_print(sk_uplink_listen(&f->uplink, c), listen);
    (void)sk_nftables_gateway(f->nftables, false, &options.gate_ipv4);
    options.gate_has_ipv6 = sk_nftables_gateway(f->nftables, true, &options.gate_ipv6);
    enum sk_code code = sk_haproxy_open(f->loop, f->log, &options, &f->haproxy, err);
    return code == SK_OK ? code : sk_err_wrap(err, "edge %s", program);
}

/* --- open ------------------------------------------------------------------------------------ */

static void open_fakes(struct sk_fabric *f)
{
    f->fake_network = sk_fake_network_new(f->loop);
    f->fake_names = sk_fake_names_new(f->loop);
    if (wants_edge(f->config))
        f->fake_edge = sk_fake_edge_new(f->loop);
}

static enum sk_code open_real(struct sk_fabric *f, struct sk_err *err)
{
    SK_AUTO_FREE char *program = NULL;
    enum sk_code code;

    f->exceptions = exceptions_of(f->config, &f->arena);
    if ((code = sk_uplink_open(&f->uplink, f->log, f->config, f->exceptions, err)) != SK_OK)
        return code;
    if ((code = find_edge(f, &program, err)) != SK_OK)
        return code;
    if (program && f->config->tls_names &&
        (code = sk_place_gate_port(f->config->run_dir, &f->gate_port, err)) != SK_OK)
        return code;
    if ((code = open_network(f, err)) != SK_OK || (code = open_names(f, err)) != SK_OK)
        return code;
    return program ? open_edge(f, program, err) : SK_OK;
}

enum sk_code sk_fabric_open(struct sk_loop *loop, const struct sk_log *log, struct sk_metrics *metrics,
                            const struct sk_config *config, struct sk_fabric **out_fabric, struct sk_err *err)
{
    struct sk_fabric *f = sk_alloc(sizeof(*f));

    *out_fabric = f;
    f->loop = loop;
    f->log = log;
    f->metrics = metrics;
    f->config = config;
    if (strcmp(config->drivers, "fake") != 0)
        return open_real(f, err);
    open_fakes(f);
    return SK_OK;
}

/* --- what there is ----------------------------------------------------------------------------- */

struct sk_network *sk_fabric_network(const struct sk_fabric *f)
{
    return f->nftables ? sk_nftables_base(f->nftables) : sk_fake_network_base(f->fake_network);
}

struct sk_names *sk_fabric_names(const struct sk_fabric *f)
{
    return f->dns ? sk_dns_base(f->dns) : sk_fake_names_base(f->fake_names);
}

struct sk_edge *sk_fabric_edge(const struct sk_fabric *f)
{
    if (f->haproxy)
        return sk_haproxy_base(f->haproxy);
    return f->fake_edge ? sk_fake_edge_base(f->fake_edge) : NULL;
}

struct sk_network_config sk_fabric_config(const struct sk_fabric *f)
{
    const struct sk_config *c = f->config;
    bool has_edge = sk_fabric_edge(f) != NULL;

    return (struct sk_network_config){
        .has_names = has_edge || !c->tls_names,
        .address = sk_uplink_address(&f->uplink, c),
        .first_port = has_edge ? c->edge_ports.first : 0,
        .last_port = has_edge ? c->edge_ports.last : 0,
        .domain = has_edge ? c->edge_domain : "",
        .https_port = (uint16_t)c->edge_https_port,
    };
}

void sk_fabric_configure(struct sk_fabric *f, const struct sk_config *config)
{
    const char *const *names = config->dns_internal_names;
    struct sk_err err;

    /* The config has looked at the names. */
    if (f->dns &&
        sk_dns_configure(f->dns, (unsigned)config->dns_rate, names, sk_strings_count(names), &err) != SK_OK)
        sk_log_err(f->log, SK_ERROR, "daemon.dns_unchanged", &err);
}

/* --- close --------------------------------------------------------------------------------------- */

/* What stands on something else goes first. */
static void close_next(struct sk_done *closed, const struct sk_err *err)
{
    struct sk_fabric *f = sk_container_of(closed, struct sk_fabric, closed);
    struct sk_done *done = f->done;

    (void)err;
    sk_done_init(&f->closed, close_next);
    if (f->haproxy)
        sk_haproxy_close(sk_take(f->haproxy), &f->closed);
    else if (f->dns)
        sk_dns_close(sk_take(f->dns), &f->closed);
    else if (f->nftables)
        sk_nftables_close(sk_take(f->nftables), &f->closed);
    else {
        if (f->is_idle)
            sk_uplink_end(&f->uplink, f->log);
        sk_arena_fini(&f->arena);
        free(f);
        sk_done_fire(done, NULL);
    }
}

/* Sandboxes that live on need what the plugins made. */
static void count_then_close(struct sk_done *listed, const struct sk_err *err)
{
    struct sk_fabric *f = sk_container_of(listed, struct sk_fabric, closed);

    f->is_idle = !err && f->places.len == 0;
    free(sk_take(f->places.items));
    close_next(listed, NULL);
}

void sk_fabric_close(struct sk_fabric *fabric_take, struct sk_done *done)
{
    struct sk_fabric *f = fabric_take;

    f->done = done;
    sk_fake_edge_free(sk_take(f->fake_edge));
    sk_fake_names_free(sk_take(f->fake_names));
    sk_fake_network_free(sk_take(f->fake_network));
    if (sk_uplink_is_elsewhere(&f->uplink) && f->nftables) {
        struct sk_network *network = sk_nftables_base(f->nftables);
        sk_done_init(&f->closed, count_then_close);
        network->ops->list_litter(network, &f->places, &f->closed);
        return;
    }
    sk_done_init(&f->closed, close_next);
    sk_done_later(f->loop, &f->closed, NULL);
}
