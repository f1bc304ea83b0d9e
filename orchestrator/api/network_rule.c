#include "api/network_rule.h"
#include "net/domain.h"

#include <strings.h>

/* What is read, and where the findings go. */
struct reading {
    const struct sk_path *path;
    struct sk_arena *arena;
    struct sk_check *check;
    struct sk_net_rule *rule;
};

static void refuse(const struct sk_path *path, struct sk_check *check, const char *why)
{
    sk_check_refused(check, path, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", "%s", why);
}

/* --- ports --------------------------------------------------------------------------- */

static bool read_protocol(const char *text, enum sk_net_protocol *out_protocol)
{
    static const struct {
        const char *name;
        enum sk_net_protocol protocol;
    } known[] = {{"", SK_NET_TCP}, {"TCP", SK_NET_TCP}, {"UDP", SK_NET_UDP}, {"SCTP", SK_NET_SCTP}};
    for (size_t i = 0; i < sk_array_len(known); i++) {
        if (strcasecmp(text, known[i].name) == 0) {
            *out_protocol = known[i].protocol;
            return true;
        }
    }
    return false;
}

/* No port at all means each of that protocol. */
static bool read_range(const SK_PB(PortRange) * range, const struct sk_path *path, struct sk_check *check,
                       struct sk_net_ports *out_ports)
{
    struct sk_net_ports ports = {0};
    bool sound = read_protocol(range->protocol, &ports.protocol);
    if (!sound)
        sk_check_violated(check, SK_FIELD(path, "protocol"), "must be TCP, UDP or SCTP");
    if (!sk_check_range(check, SK_FIELD(path, "port"), range->port, range->end_port ? 1 : 0, 65535))
        return false;
    if (range->end_port &&
        !sk_check_range(check, SK_FIELD(path, "end_port"), range->end_port, range->port, 65535))
        return false;
    ports.first = (uint16_t)range->port;
    ports.last = (uint16_t)(range->end_port ? range->end_port : range->port);
    *out_ports = ports;
    return sound;
}

static void read_ports(struct reading *r, SK_PB(PortRange) *const *ranges, size_t count)
{
    const struct sk_path *ports = SK_FIELD(r->path, "ports");
    if (!count || !sk_check_count(r->check, ports, count, SK_RULE_PORTS_MAX))
        return;
    r->rule->ports = sk_arena_alloc(r->arena, count * sizeof(r->rule->ports[0]));
    for (size_t i = 0; i < count; i++) {
        if (read_range(ranges[i], SK_ITEM(r->path, "ports", i), r->check,
                       &r->rule->ports[r->rule->port_count]))
            r->rule->port_count++;
    }
}

/* --- addresses ------------------------------------------------------------------------ */

static bool read_cidr(const char *text, const struct sk_path *path, struct sk_check *check,
                      struct sk_cidr *out_cidr)
{
    struct sk_err err = {0};
    if (sk_cidr_parse(text, out_cidr, &err) == SK_OK)
        return true;
    sk_check_violated(check, path, "%s", err.text);
    return false;
}

static void read_excepts(struct reading *r, const SK_PB(CidrBlock) * block, const struct sk_path *path)
{
    struct sk_net_rule *rule = r->rule;
    if (!block->n_except ||
        !sk_check_count(r->check, SK_FIELD(path, "except"), block->n_except, SK_RULE_EXCEPTS_MAX))
        return;
    rule->except = sk_arena_alloc(r->arena, block->n_except * sizeof(rule->except[0]));
    for (size_t i = 0; i < block->n_except; i++) {
        const struct sk_path *item = SK_ITEM(path, "except", i);
        struct sk_cidr *except = &rule->except[rule->except_count];
        if (!read_cidr(block->except[i], item, r->check, except))
            continue;
        if (!sk_cidr_covers(&rule->cidr, except))
            sk_check_violated(r->check, item, "must lie in %.64s", block->cidr);
        rule->except_count++;
    }
}

/* What the platform keeps for itself may lie in a block: it is never reached, and no part of the block. */
static void read_block(struct reading *r, const SK_PB(CidrBlock) * block)
{
    const struct sk_path *path = SK_FIELD(r->path, "cidr");
    r->rule->peer = SK_NET_CIDR;
    if (read_cidr(block->cidr, SK_FIELD(path, "cidr"), r->check, &r->rule->cidr))
        read_excepts(r, block, path);
}

/* --- others ----------------------------------------------------------------------------- */

/* A tenant is one organisation with one user: both scopes are its sandboxes. */
static void read_tenant(struct reading *r, SK_PB(TenantScope) scope)
{
    const struct sk_path *path = SK_FIELD(r->path, "tenant");
    r->rule->peer = SK_NET_TENANT;
    if (scope == SK_PBE(TENANT_SCOPE, TENANT_SCOPE_UNSPECIFIED))
        sk_check_violated(r->check, path, "must say whose sandboxes");
    else if (sk_check_enum(r->check, path, (int)scope, SK_PBE(TENANT_SCOPE, TENANT_SCOPE_SANDBOX_NETWORK)) &&
             scope == SK_PBE(TENANT_SCOPE, TENANT_SCOPE_SANDBOX_NETWORK))
        refuse(path, r->check, "this node has no networks that sandboxes share");
}

static void read_any(struct reading *r, bool any)
{
    r->rule->peer = SK_NET_ANY;
    if (!any)
        sk_check_violated(r->check, SK_FIELD(r->path, "any"), "must be true");
}

/* --- host names ------------------------------------------------------------------------- */

static void check_https(struct reading *r)
{
    for (size_t i = 0; i < r->rule->port_count; i++) {
        const struct sk_net_ports *ports = &r->rule->ports[i];
        if (ports->protocol != SK_NET_TCP || ports->first != 443 || ports->last != 443)
            sk_check_violated(r->check, SK_ITEM(r->path, "ports", i),
                              "must be TCP 443: host names are granted for HTTPS");
    }
    r->rule->ports = NULL; /* as every rule with a name has it */
    r->rule->port_count = 0;
}

static void read_name_excepts(struct reading *r, const SK_PB(EgressRule) * rule)
{
    const struct sk_path *path = SK_FIELD(r->path, "https_hostname_except");
    size_t count = rule->n_https_hostname_except, kept = 0;
    if (!count || !sk_check_count(r->check, path, count, SK_RULE_EXCEPTS_MAX))
        return;
    r->rule->name_except = sk_arena_alloc(r->arena, (count + 1) * sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        const struct sk_path *item = SK_ITEM(r->path, "https_hostname_except", i);
        char name[SK_DOMAIN_MAX];
        struct sk_err err = {0};
        if (sk_domain_normalise(rule->https_hostname_except[i], name, &err))
            sk_check_violated(r->check, item, "%s", err.text);
        else if (r->rule->name[0] != '*' || !sk_domain_matches(r->rule->name, name))
            sk_check_violated(r->check, item, "is none of those that the rule grants by a \"*\"");
        else
            r->rule->name_except[kept++] = sk_arena_strdup(r->arena, name);
    }
}

static void read_name(struct reading *r, const SK_PB(EgressRule) * rule,
                      const struct sk_network_config *config)
{
    const struct sk_path *path = SK_FIELD(r->path, "https_hostname");
    char pattern[SK_DOMAIN_MAX];
    struct sk_err err = {0};
    r->rule->peer = SK_NET_NAME;
    check_https(r);
    if (sk_domain_pattern(rule->https_hostname, pattern, &err)) {
        sk_check_violated(r->check, path, "%s", err.text);
        return;
    }
    r->rule->name = sk_arena_strdup(r->arena, pattern);
    read_name_excepts(r, rule);
    if (!config->has_names)
        refuse(path, r->check, "this node cannot hold HTTPS to host names");
}

/* --- rules --------------------------------------------------------------------------------- */

void sk_network_rule_egress(const SK_PB(EgressRule) * rule, const struct sk_path *path,
                            const struct sk_network_config *config, struct sk_arena *arena,
                            struct sk_net_rule *out_rule, struct sk_check *check)
{
    struct reading r = {path, arena, check, out_rule};
    *out_rule = (struct sk_net_rule){0};
    read_ports(&r, rule->ports, rule->n_ports);
    if (rule->n_https_hostname_except &&
        rule->destination_case != SK_PBE(EGRESS_RULE, DESTINATION_HTTPS_HOSTNAME))
        sk_check_violated(check, SK_FIELD(path, "https_hostname_except"), "needs an https_hostname");
    switch (rule->destination_case) {
    case SK_PBE(EGRESS_RULE, DESTINATION_CIDR):
        read_block(&r, rule->cidr);
        break;
    case SK_PBE(EGRESS_RULE, DESTINATION_HTTPS_HOSTNAME):
        read_name(&r, rule, config);
        break;
    case SK_PBE(EGRESS_RULE, DESTINATION_TENANT):
        read_tenant(&r, rule->tenant);
        break;
    case SK_PBE(EGRESS_RULE, DESTINATION_ANY):
        read_any(&r, rule->any);
        break;
    case SK_PBE(EGRESS_RULE, DESTINATION_SELECTOR):
        refuse(SK_FIELD(path, "selector"), check, "this node has no workloads with labels");
        break;
    default:
        sk_check_violated(check, path, "must have a destination");
    }
}

void sk_network_rule_ingress(const SK_PB(IngressRule) * rule, const struct sk_path *path,
                             struct sk_arena *arena, struct sk_net_rule *out_rule, struct sk_check *check)
{
    struct reading r = {path, arena, check, out_rule};
    *out_rule = (struct sk_net_rule){0};
    read_ports(&r, rule->ports, rule->n_ports);
    switch (rule->source_case) {
    case SK_PBE(INGRESS_RULE, SOURCE_CIDR):
        read_block(&r, rule->cidr);
        break;
    case SK_PBE(INGRESS_RULE, SOURCE_TENANT):
        read_tenant(&r, rule->tenant);
        break;
    case SK_PBE(INGRESS_RULE, SOURCE_ANY):
        read_any(&r, rule->any);
        break;
    default:
        sk_check_violated(check, path, "must have a source");
    }
}
