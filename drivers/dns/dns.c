#include "drivers/dns/dns.h"

#include "drivers/dns/connection.h"
#include "drivers/dns/query.h"
#include "drivers/dns/tcp.h"
#include "drivers/dns/udp.h"
#include "net/special.h"

enum { PORT = 53, RATE = 100 };

static const struct sk_dns_limits defaults = {
    .questions_each = 64,
    .questions_all = 2000,
    .connections_each = 8,
    .connections_all = 256,
    .idle = {10000000000},
    .one_try = {2000000000},
    .whole = {6000000000},
};

static size_t either(size_t given, size_t otherwise)
{
    return given ? given : otherwise;
}

static struct sk_duration either_time(struct sk_duration given, struct sk_duration otherwise)
{
    return given.ns ? given : otherwise;
}

static struct sk_dns_limits limits_of(const struct sk_dns_limits *given)
{
    return (struct sk_dns_limits){
        .questions_each = either(given->questions_each, defaults.questions_each),
        .questions_all = either(given->questions_all, defaults.questions_all),
        .connections_each = either(given->connections_each, defaults.connections_each),
        .connections_all = either(given->connections_all, defaults.connections_all),
        .idle = either_time(given->idle, defaults.idle),
        .one_try = either_time(given->one_try, defaults.one_try),
        .whole = either_time(given->whole, defaults.whole),
    };
}

/* --- listening ------------------------------------------------------------------------ */

static void op_listen(struct sk_names *names, const struct sk_names_events *events, void *arg)
{
    struct sk_dns *dns = sk_container_of(names, struct sk_dns, base);
    sk_dns_queries_stop(dns);
    dns->events = events ? *events : (struct sk_names_events){0};
    dns->arg = arg;
}

static const struct sk_names_ops ops = {.listen = op_listen};

/* --- open, close ------------------------------------------------------------------------ */

/* Nothing comes in any more. */
static void shut(struct sk_dns *dns)
{
    sk_list_each(&dns->udps, node) sk_dns_udp_close(sk_list_entry(node, struct sk_dns_udp, link));
    sk_list_each(&dns->tcps, node) sk_dns_tcp_close(sk_list_entry(node, struct sk_dns_tcp, link));
    sk_dns_connections_close(dns);
}

static void dns_free(struct sk_dns *dns)
{
    shut(dns);
    sk_dns_askers_fini(&dns->askers);
    sk_dns_screen_fini(&dns->screen);
    sk_dns_upstreams_fini(&dns->upstreams);
    free(dns);
}

static enum sk_code open_address(struct sk_dns *dns, const struct sk_dns_options *options,
                                 const struct sk_ip *ip, struct sk_err *err)
{
    struct sk_dns_peer at = {*ip, options->port ? options->port : PORT};
    if (sk_ip_kind_of(ip) == SK_IP_UNSPECIFIED) /* answers could leave with another address than was asked */
        return sk_fail(err, SK_INVALID_ARGUMENT, "DNS is answered at single addresses, not at all of them");
    enum sk_code code = sk_dns_udp_open(dns, options, &at, err);
    return code == SK_OK ? sk_dns_tcp_open(dns, options, &at, err) : code;
}

static enum sk_code fill(struct sk_dns *dns, const struct sk_dns_options *options, struct sk_err *err)
{
    enum sk_code code =
        sk_dns_screen_init(&dns->screen, options->internal_names, options->internal_name_count, err);
    if (code == SK_OK)
        code = sk_dns_upstreams_init(&dns->upstreams, options, dns->log, err);
    for (size_t i = 0; i < options->listen_count && code == SK_OK; i++)
        code = open_address(dns, options, &options->listen[i], err);
    return code;
}

enum sk_code sk_dns_open(struct sk_loop *loop, const struct sk_log *log, const struct sk_dns_options *options,
                         struct sk_dns **out_dns, struct sk_err *err)
{
    struct sk_dns *dns = sk_alloc(sizeof(*dns));
    dns->base.ops = &ops;
    dns->loop = loop;
    dns->log = log;
    dns->limits = limits_of(&options->limits);
    sk_list_init(&dns->udps);
    sk_list_init(&dns->tcps);
    sk_list_init(&dns->connections);
    sk_list_init(&dns->queries);
    sk_dns_askers_init(&dns->askers, options->rate ? options->rate : RATE);
    enum sk_code code = fill(dns, options, err);
    if (code != SK_OK)
        dns_free(dns);
    else
        *out_dns = dns;
    return code;
}

enum sk_code sk_dns_configure(struct sk_dns *dns, unsigned rate, const char *const *internal_names,
                              size_t internal_name_count, struct sk_err *err)
{
    struct sk_dns_screen screen = {0};
    enum sk_code code = sk_dns_screen_init(&screen, internal_names, internal_name_count, err);
    if (code != SK_OK)
        return code;
    sk_dns_screen_fini(&dns->screen);
    dns->screen = screen;
    dns->askers.rate = rate ? rate : RATE;
    return SK_OK;
}

static void end(struct sk_task *task)
{
    struct sk_dns *dns = sk_container_of(task, struct sk_dns, end);
    struct sk_done *closing = dns->closing;
    dns_free(dns);
    sk_done_fire(closing, NULL);
}

void sk_dns_settle(struct sk_dns *dns)
{
    if (dns->closing && dns->query_count == 0)
        sk_loop_defer(dns->loop, &dns->end, end);
}

void sk_dns_close(struct sk_dns *dns, struct sk_done *done)
{
    op_listen(&dns->base, NULL, NULL);
    shut(dns);
    dns->closing = done;
    sk_dns_settle(dns);
}

struct sk_names *sk_dns_base(struct sk_dns *dns)
{
    return &dns->base;
}
