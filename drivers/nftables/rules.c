#include "drivers/nftables/rules.h"

/* Lines are counted, then written: the same walk twice, `items` NULL at first. */
static void add(struct sk_lines *lines, const struct sk_line *line)
{
    if (lines->items)
        lines->items[lines->count] = *line;
    lines->count++;
}

static struct sk_line line_of(const struct sk_net_rule *rule)
{
    static const enum sk_line_peer peers[] = {[SK_NET_CIDR] = SK_LINE_BLOCK,
                                              [SK_NET_ANY] = SK_LINE_ANY,
                                              [SK_NET_NAME] = SK_LINE_GRANTED,
                                              [SK_NET_TENANT] = SK_LINE_TENANT};
    struct sk_line line = {.peer = peers[rule->peer]};
    if (rule->peer == SK_NET_CIDR) {
        line.block = rule->cidr;
        line.except = rule->except;
        line.except_count = rule->except_count;
    }
    return line;
}

static void set_ports(struct sk_line *line, const struct sk_net_ports *ports)
{
    line->protocol = (uint8_t)ports->protocol;
    line->first = ports->first;
    line->last = ports->first ? ports->last : 0;
}

static void add_egress(struct sk_rules *rules, const struct sk_net_rule *rule, bool has_gate)
{
    struct sk_line line = line_of(rule);
    struct sk_lines *lines = rule->peer == SK_NET_TENANT ? &rules->peers : &rules->world;
    if (rule->peer == SK_NET_NAME) {
        set_ports(&line, &(struct sk_net_ports){SK_NET_TCP, 443, 443});
        add(has_gate ? &rules->gated : &rules->world, &line);
        return;
    }
    if (!rule->port_count)
        add(lines, &line);
    for (size_t i = 0; i < rule->port_count; i++) {
        set_ports(&line, &rule->ports[i]);
        add(lines, &line);
    }
}

/* Public ports are reached by way of the node, and by nobody else. */
static void add_service(struct sk_rules *rules, const struct sk_net_policy *policy,
                        const struct sk_net_service *service)
{
    struct sk_net_ports ports = {service->protocol, service->port, service->port};
    struct sk_line line = {.peer = SK_LINE_TENANT}, any = {.peer = SK_LINE_ANY};
    set_ports(&line, &ports);
    set_ports(&any, &ports);
    if (service->visibility == SK_NET_PRIVATE)
        add(&rules->ingress, &line);
    if (service->visibility == SK_NET_PUBLIC)
        add(&rules->node, &any);
    for (size_t i = 0; service->visibility == SK_NET_CUSTOM && i < policy->ingress_count; i++) {
        if (policy->ingress[i].peer == SK_NET_NAME ||
            !sk_net_rule_has_port(&policy->ingress[i], service->protocol, service->port))
            continue;
        line = line_of(&policy->ingress[i]);
        set_ports(&line, &ports);
        add(&rules->ingress, &line);
    }
}

static void walk(struct sk_rules *rules, const struct sk_net_policy *policy, bool has_gate)
{
    rules->world.count = rules->peers.count = rules->gated.count = 0;
    rules->ingress.count = rules->node.count = 0;
    for (size_t i = 0; i < policy->egress_count; i++)
        add_egress(rules, &policy->egress[i], has_gate);
    for (size_t i = 0; i < policy->service_count; i++)
        add_service(rules, policy, &policy->services[i]);
}

static size_t count_names(const struct sk_net_rule *rule)
{
    size_t count = 1;
    for (char **except = rule->name_except; except && *except; except++)
        count++;
    return count;
}

static enum sk_code names_of(struct sk_arena *arena, const struct sk_net_policy *policy,
                             const struct sk_net_policy **out_names, struct sk_err *err)
{
    SK_AUTO_FREE struct sk_net_rule *rules = sk_alloc((policy->egress_count + 1) * sizeof(*rules));
    struct sk_net_policy names = {.tenant = policy->tenant, .egress = rules};
    size_t count = 0;
    for (size_t i = 0; i < policy->egress_count; i++) {
        if (policy->egress[i].peer != SK_NET_NAME)
            continue;
        rules[names.egress_count++] = policy->egress[i];
        count += count_names(&policy->egress[i]);
    }
    if (count > SK_RULES_NAMES_MAX)
        return sk_fail(err, SK_INVALID_ARGUMENT, "%zu names; %d are possible", count, SK_RULES_NAMES_MAX);
    *out_names = count ? sk_net_policy_copy(arena, &names) : NULL;
    return SK_OK;
}

/* Lines borrow the exceptions of the policy they are made of: those become the arena's. */
static enum sk_code keep_excepts(struct sk_arena *arena, struct sk_lines *lines, struct sk_err *err)
{
    for (size_t i = 0; i < lines->count; i++) {
        struct sk_line *line = &lines->items[i];
        if (line->except_count > SK_RULES_EXCEPT_MAX)
            return sk_fail(err, SK_INVALID_ARGUMENT, "%zu exceptions in one rule; %d are possible",
                           line->except_count, SK_RULES_EXCEPT_MAX);
        if (line->except_count)
            line->except = sk_arena_memdup(arena, line->except, line->except_count * sizeof(*line->except));
    }
    return SK_OK;
}

static void make_room(struct sk_arena *arena, struct sk_lines *lines)
{
    lines->items = sk_arena_alloc(arena, (lines->count + 1) * sizeof(*lines->items));
}

static size_t count(const struct sk_rules *rules)
{
    return rules->world.count + rules->peers.count + rules->gated.count + rules->ingress.count +
           rules->node.count;
}

enum sk_code sk_rules_make(struct sk_arena *arena, const struct sk_net_policy *policy, bool has_gate,
                           struct sk_rules *out_rules, struct sk_err *err)
{
    struct sk_rules rules = {.asks_dns = policy->dns != SK_NET_DNS_NONE};
    struct sk_lines *all[] = {&rules.world, &rules.peers, &rules.gated, &rules.ingress, &rules.node};
    walk(&rules, policy, has_gate);
    if (count(&rules) > SK_RULES_LINES_MAX)
        return sk_fail(err, SK_INVALID_ARGUMENT, "%zu pairs of rules and ports; %d are possible",
                       count(&rules), SK_RULES_LINES_MAX);
    for (size_t i = 0; i < sk_array_len(all); i++)
        make_room(arena, all[i]);
    walk(&rules, policy, has_gate);
    rules.tenant = sk_arena_strdup(arena, policy->tenant);
    enum sk_code code = names_of(arena, policy, &rules.names, err);
    if (code == SK_OK)
        code = keep_excepts(arena, &rules.world, err);
    if (code == SK_OK)
        code = keep_excepts(arena, &rules.ingress, err);
    if (code == SK_OK)
        *out_rules = rules;
    return code;
}

bool sk_rules_are_closed(const struct sk_rules *rules)
{
    return !count(rules) && !rules->asks_dns;
}

static bool in_block(const struct sk_line *line, const struct sk_ip *ip)
{
    if (!sk_cidr_has(&line->block, ip))
        return false;
    for (size_t i = 0; i < line->except_count; i++) {
        if (sk_cidr_has(&line->except[i], ip))
            return false;
    }
    return true;
}

static bool line_allows(const struct sk_line *line, const struct sk_other_end *end)
{
    if (line->protocol && line->protocol != end->protocol)
        return false;
    if (line->first && (end->port < line->first || end->port > line->last))
        return false;
    switch (line->peer) {
    case SK_LINE_ANY:
        return true;
    case SK_LINE_BLOCK:
        return in_block(line, &end->ip);
    case SK_LINE_GRANTED:
        return end->is_granted;
    case SK_LINE_TENANT:
        return end->is_of_tenant;
    }
    return false;
}

bool sk_lines_allow(const struct sk_lines *lines, const struct sk_other_end *end)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (line_allows(&lines->items[i], end))
            return true;
    }
    return false;
}
