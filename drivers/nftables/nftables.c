#include "drivers/nftables/driver.h"
#include "drivers/nftables/namespace.h"

#include <string.h>

static int look(void *arg)
{
    return sk_nftables_look(arg);
}

static bool prepare(void *arg)
{
    return sk_nftables_prepare(arg);
}

/* --- the contract ------------------------------------------------------------------------- */

/* Outputs are written on the thread: their owner must not look before done. */
struct ask {
    struct sk_job job;
    struct sk_nftables *net;
    char *id, *name; /* name: of a grant, else NULL */
    bool closed;
    struct sk_network_place *out_place;
    struct sk_network_counts *out_counts;
    struct sk_litter_list *out_litter;
    struct sk_hold *hold;
    struct sk_network_grant *grants;
    size_t grant_count;
};

static struct sk_nftables *of(struct sk_network *base)
{
    return sk_container_of(base, struct sk_nftables, base);
}

static void release(struct sk_job *job)
{
    struct ask *ask = sk_container_of(job, struct ask, job);
    sk_hold_free(ask->hold);
    free(ask->grants);
    free(ask->name);
    free(ask->id);
    free(ask);
}

static struct ask *ask_new(struct sk_network *network, const char *id, void (*run)(struct sk_job *job),
                           struct sk_done *done)
{
    struct ask *ask = sk_alloc(sizeof(*ask));
    ask->net = of(network);
    ask->id = sk_strdup(id);
    ask->job = (struct sk_job){.run = run, .release = release, .done = done};
    return ask;
}

static void start_ask(struct ask *ask)
{
    sk_worker_add(&ask->net->worker, &ask->job);
}

static void run_attach(struct sk_job *job)
{
    struct ask *ask = sk_container_of(job, struct ask, job);
    struct sk_slot *slot;
    if (sk_nftables_attach(ask->net, ask->id, ask->closed, &slot, &job->err) != SK_OK)
        return;
    *ask->out_place = (struct sk_network_place){.ipv4 = slot->link.ipv4,
                                                .ipv6 = slot->link.ipv6,
                                                .has_ipv6 = slot->link.has_ipv6,
                                                .is_closed = slot->is_closed,
                                                .resolver = slot->link.gateway4};
    (void)snprintf(ask->out_place->netns, sizeof(ask->out_place->netns), "%s", slot->netns);
}

static void attach(struct sk_network *network, const char *id, bool closed,
                   struct sk_network_place *out_place, struct sk_done *done)
{
    struct ask *ask = ask_new(network, id, run_attach, done);
    ask->closed = closed;
    ask->out_place = out_place;
    start_ask(ask);
}

static void run_detach(struct sk_job *job)
{
    struct ask *ask = sk_container_of(job, struct ask, job);
    (void)!sk_nftables_detach(ask->net, ask->id, &job->err);
}

static void detach(struct sk_network *network, const char *id, struct sk_done *done)
{
    start_ask(ask_new(network, id, run_detach, done));
}

static void run_apply(struct sk_job *job)
{
    struct ask *ask = sk_container_of(job, struct ask, job);
    (void)!sk_nftables_apply(ask->net, ask->id, &ask->hold, &job->err);
}

static void apply(struct sk_network *network, const char *id, const struct sk_net_policy *policy,
                  struct sk_done *done)
{
    struct sk_err err = {0};
    struct sk_hold *hold = sk_alloc(sizeof(*hold));
    if (sk_rules_make(&hold->arena, policy, of(network)->table.gate_port != 0, &hold->rules, &err) != SK_OK) {
        sk_hold_free(hold);
        sk_done_later(of(network)->loop, done, &err);
        return;
    }
    struct ask *ask = ask_new(network, id, run_apply, done);
    ask->hold = hold;
    start_ask(ask);
}

static void run_grant(struct sk_job *job)
{
    struct ask *ask = sk_container_of(job, struct ask, job);
    (void)!sk_nftables_grant(ask->net, ask->id, ask->name, ask->grants, ask->grant_count, &job->err);
}

static void grant(struct sk_network *network, const char *id, const char *name,
                  const struct sk_network_grant *grants, size_t count, struct sk_done *done)
{
    struct ask *ask = ask_new(network, id, run_grant, done);
    ask->name = sk_strdup(name);
    ask->grants = sk_memdup(grants, count * sizeof(*grants));
    ask->grant_count = count;
    start_ask(ask);
}

static void run_counts(struct sk_job *job)
{
    struct ask *ask = sk_container_of(job, struct ask, job);
    (void)!sk_nftables_count(ask->net, ask->id, ask->out_counts, &job->err);
}

static void counts(struct sk_network *network, const char *id, struct sk_network_counts *out_counts,
                   struct sk_done *done)
{
    struct ask *ask = ask_new(network, id, run_counts, done);
    ask->out_counts = out_counts;
    start_ask(ask);
}

static void run_list(struct sk_job *job)
{
    struct ask *ask = sk_container_of(job, struct ask, job);
    sk_nftables_list(ask->net, ask->out_litter);
}

static void list_litter(struct sk_network *network, struct sk_litter_list *out, struct sk_done *done)
{
    struct ask *ask = ask_new(network, NULL, run_list, done);
    ask->out_litter = out;
    start_ask(ask);
}

static void remove_litter(struct sk_network *network, const struct sk_litter *litter, struct sk_done *done)
{
    detach(network, litter->name, done);
}

static void listen_to(struct sk_network *network, void (*fn)(void *arg, const struct sk_network_event *event),
                      void *arg)
{
    of(network)->listener = fn;
    of(network)->listener_arg = arg;
}

static const struct sk_network_ops ops = {
    .listen = listen_to,
    .attach = attach,
    .apply = apply,
    .grant = grant,
    .detach = detach,
    .counts = counts,
    .list_litter = list_litter,
    .remove_litter = remove_litter,
};

/* --- open and close ----------------------------------------------------------------------- */

struct sk_network *sk_nftables_base(struct sk_nftables *network)
{
    return &network->base;
}

bool sk_nftables_gateway(const struct sk_nftables *network, bool is_v6, struct sk_ip *out_ip)
{
    if (is_v6 && !network->slots.ipv6.prefix)
        return false;
    *out_ip = sk_slots_gateway(&network->slots, is_v6);
    return true;
}

static enum sk_code check(const struct sk_nftables_options *options, struct sk_err *err)
{
    size_t len = strspn(options->name, "abcdefghijklmnopqrstuvwxyz");
    if (len == 0 || len > 8 || options->name[len])
        return sk_fail(err, SK_INVALID_ARGUMENT, "%.20s is no name for links: 1 to 8 small letters",
                       options->name);
    if (options->ipv4.base.is_v6 || options->ipv4.prefix < 8 || options->ipv4.prefix > 29)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the IPv4 pool must be between a /8 and a /29");
    if (options->ipv6.prefix && (!options->ipv6.base.is_v6 || options->ipv6.prefix > 125))
        return sk_fail(err, SK_INVALID_ARGUMENT, "the IPv6 pool must be a /125 or larger");
    return SK_OK;
}

static void set_table(struct sk_nftables *net, const struct sk_nftables_options *options)
{
    sk_platform_init(&net->platform, options->forbidden, options->forbidden_count, &options->ipv4);
    net->reachable = sk_memdup(options->reachable, options->reachable_count * sizeof(*options->reachable));
    net->table = (struct sk_table){
        .name = net->name,
        .link_prefix = net->name,
        .ipv4 = options->ipv4,
        .ipv6 = options->ipv6,
        .gateway4 = sk_slots_gateway(&net->slots, false),
        .gateway6 = sk_slots_gateway(&net->slots, true),
        .masquerade_ipv6 = options->masquerade_ipv6,
        .platform = &net->platform,
        .reachable = {net->reachable, options->reachable_count},
        .gate_port = options->gate_port,
        .connections_max = options->connections_max,
        .log_group = options->log_group,
    };
}

static struct sk_nftables *net_new(struct sk_loop *loop, const struct sk_log *log,
                                   const struct sk_nftables_options *options)
{
    struct sk_nftables *net = sk_alloc(sizeof(*net));
    net->base.ops = &ops;
    net->loop = loop;
    net->log = log;
    (void)snprintf(net->name, sizeof(net->name), "%s", options->name);
    net->slots = (struct sk_slots){.link_prefix = net->name,
                                   .ipv4 = options->ipv4,
                                   .ipv6 = options->ipv6,
                                   .mtu = options->mtu,
                                   .bandwidth_bits = options->bandwidth_bits,
                                   .home = -1};
    (void)snprintf(net->netns, sizeof(net->netns), "%s", options->netns ? options->netns : "");
    (void)snprintf(net->slots.folder, sizeof(net->slots.folder), "%s/net", options->run_dir);
    set_table(net, options);
    net->ready_wanted = options->ready_slots;
    sk_pool_init(&net->pool, sk_slots_count(&net->slots), options->rest);
    net->by_number = sk_alloc((net->pool.count + 1) * sizeof(*net->by_number));
    sk_map_init(&net->by_id);
    sk_list_init(&net->all);
    sk_list_init(&net->ready);
    sk_list_init(&net->leaving);
    sk_list_init(&net->staying);
    sk_map_init(&net->by_tenant);
    sk_list_init(&net->tenants);
    sk_batch_init(&net->batch, net->name);
    net->worker = (struct sk_worker){.arg = net,
                                     .begin = sk_nftables_begin,
                                     .look = look,
                                     .prepare = prepare,
                                     .end = sk_nftables_end,
                                     .fds = {-1, -1, -1, -1}};
    return net;
}

static void net_free(struct sk_nftables *net)
{
    sk_batch_fini(&net->batch);
    sk_map_fini(&net->by_id);
    sk_map_fini(&net->by_tenant);
    sk_pool_fini(&net->pool);
    free(net->by_number);
    sk_platform_fini(&net->platform);
    free(net->reachable);
    free(net);
}

enum sk_code sk_nftables_open(struct sk_loop *loop, const struct sk_log *log,
                              const struct sk_nftables_options *options, struct sk_nftables **out_network,
                              struct sk_err *err)
{
    enum sk_code code = check(options, err);
    if (code != SK_OK)
        return code;
    struct sk_nftables *net = net_new(loop, log, options);
    code = sk_namespace_prepare(net->slots.folder, err);
    if (code == SK_OK)
        code = sk_worker_open(&net->worker, loop, err);
    if (code == SK_OK)
        *out_network = net;
    else
        net_free(net);
    return code;
}

static void closed(struct sk_done *done, const struct sk_err *err)
{
    struct sk_nftables *net = sk_container_of(done, struct sk_nftables, gone);
    struct sk_done *whole = net->closed;
    net_free(net);
    sk_done_fire(whole, err);
}

void sk_nftables_close(struct sk_nftables *network, struct sk_done *done)
{
    network->closed = done;
    sk_done_init(&network->gone, closed);
    sk_worker_close(&network->worker, &network->gone);
}
