#include "api/network.h"

/* Of names that wildcards do not grant, in one spec. */
#define NAME_EXCEPTS_MAX 256

struct decoding {
    const SK_PB(NetworkOptions) * options;
    const struct sk_path *path;
    const struct sk_network_config *config;
    struct sk_arena *arena;
    struct sk_check *check;
    struct sk_net_policy *policy;
    bool is_closed; /* without rules nothing is reached */
};

static void decode_egress(struct decoding *d)
{
    const SK_PB(NetworkOptions) *options = d->options;
    struct sk_net_policy *policy = d->policy;
    size_t excepts = 0;
    if (!sk_check_count(d->check, SK_FIELD(d->path, "egress"), options->n_egress, SK_EGRESS_MAX))
        return;
    policy->egress = sk_arena_alloc(d->arena, options->n_egress * sizeof(policy->egress[0]));
    for (size_t i = 0; i < options->n_egress; i++) {
        excepts += options->egress[i]->n_https_hostname_except;
        sk_network_rule_egress(options->egress[i], SK_ITEM(d->path, "egress", i), d->config, d->arena,
                               &policy->egress[policy->egress_count++], d->check);
    }
    if (excepts > NAME_EXCEPTS_MAX)
        sk_check_violated(d->check, SK_FIELD(d->path, "egress"),
                          "must not have more than %d https_hostname_except together", NAME_EXCEPTS_MAX);
}

static void decode_ingress(struct decoding *d)
{
    const SK_PB(NetworkOptions) *options = d->options;
    struct sk_net_policy *policy = d->policy;
    if (!options->n_ingress ||
        !sk_check_count(d->check, SK_FIELD(d->path, "ingress"), options->n_ingress, SK_INGRESS_MAX))
        return;
    if (options->_deny_ingress_case && options->deny_ingress)
        sk_check_violated(d->check, SK_FIELD(d->path, "ingress"), "must be empty when deny_ingress is set");
    policy->ingress = sk_arena_alloc(d->arena, options->n_ingress * sizeof(policy->ingress[0]));
    for (size_t i = 0; i < options->n_ingress; i++)
        sk_network_rule_ingress(options->ingress[i], SK_ITEM(d->path, "ingress", i), d->arena,
                                &policy->ingress[policy->ingress_count++], d->check);
}

/* Nothing said: the internet, and the tenant's own; or nothing, where the node says so. */
static void set_default(struct decoding *d)
{
    if (d->is_closed)
        return;
    const struct sk_net_rule rules[] = {{.peer = SK_NET_ANY}, {.peer = SK_NET_TENANT}};
    d->policy->egress = sk_arena_memdup(d->arena, rules, sizeof(rules));
    d->policy->egress_count = sk_array_len(rules);
}

static size_t names_in(const struct sk_net_policy *policy)
{
    size_t names = 0;
    for (size_t i = 0; i < policy->egress_count; i++)
        names += policy->egress[i].peer == SK_NET_NAME;
    return names;
}

static void decode_dns(struct decoding *d)
{
    const struct sk_path *path = SK_FIELD(d->path, "dns_egress");
    SK_PB(DNSEgressMode) mode = d->options->dns_egress;
    size_t names = names_in(d->policy);
    if (!sk_check_enum(d->check, path, (int)mode, SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_DENY)))
        return;
    if (mode == SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_DENY)) {
        d->policy->dns = SK_NET_DNS_NONE;
        if (names) /* what a name stands for is learned from its answers */
            sk_check_refused(d->check, path, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER",
                             "rules with host names need answers to questions for them");
    } else if (mode == SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_UNSPECIFIED) && names &&
               names == d->policy->egress_count) {
        d->policy->dns = SK_NET_DNS_GRANTED;
    }
}

static void decode(struct decoding *d)
{
    const SK_PB(NetworkOptions) *options = d->options;
    bool deny = options->_deny_egress_case && options->deny_egress;
    if (deny && options->n_egress)
        sk_check_violated(d->check, SK_FIELD(d->path, "egress"), "must be empty when deny_egress is set");
    if (options->n_egress)
        decode_egress(d);
    else if (!deny)
        set_default(d);
    decode_ingress(d);
    decode_dns(d);
}

struct sk_net_policy *sk_network_decode(const SK_PB(NetworkOptions) * options, const struct sk_path *path,
                                        const struct sk_node_config *node, const char *tenant,
                                        struct sk_arena *arena, struct sk_check *check)
{
    struct sk_net_policy *policy = sk_arena_alloc(arena, sizeof(*policy));
    struct decoding d = {options, path, &node->network, arena, check, policy, node->box.no_egress};
    policy->tenant = sk_arena_strdup(arena, tenant);
    policy->dns = SK_NET_DNS_ALL;
    if (options)
        decode(&d);
    else
        set_default(&d);
    return policy;
}
