#include "drivers/edge/plan.h"

#include "net/domain.h"

#include <ctype.h>
#include <string.h>

struct plan {
    struct sk_arena *arena;
    const bool *has;
    const struct sk_edge_box *box;
    struct sk_plan *out;
    size_t room;
};

bool sk_plan_is_word(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("-_.:*|", *c))
            return false;
    }
    return *text != '\0';
}

size_t sk_plan_owner(const char *value)
{
    return strcspn(value, "|");
}

static void add(struct plan *plan, enum sk_haproxy_map map, const char *key, const char *value)
{
    struct sk_plan *out = plan->out;
    if (out->count == plan->room) {
        struct sk_plan_entry *old = out->entries;
        plan->room = plan->room * 2 + 16;
        out->entries = sk_arena_alloc(plan->arena, plan->room * sizeof(*out->entries));
        if (out->count)
            memcpy(out->entries, old, out->count * sizeof(*out->entries));
    }
    out->entries[out->count++] = (struct sk_plan_entry){map, key, value};
}

/* --- doors ------------------------------------------------------------------------------ */

static enum sk_code add_door(struct plan *plan, const struct sk_edge_door *door, struct sk_err *err)
{
    char ip[SK_IP_TEXT_MAX], host[SK_DOMAIN_MAX];
    sk_ip_print(&plan->box->ipv4, ip);
    const char *value = sk_arena_printf(plan->arena, "%s|%s|%u", plan->box->id, ip, door->port);
    const char *timed = sk_arena_printf(plan->arena, "%s|%u", value, door->timeout_s);
    if (!plan->has[door->node_port ? SK_MAP_PORTS : SK_MAP_HOSTS])
        return sk_fail(err, SK_FAILED_PRECONDITION, "the edge has no such doors: none are configured");
    if (door->node_port) {
        add(plan, SK_MAP_PORTS, sk_arena_printf(plan->arena, "%u", door->node_port), value);
        return SK_OK;
    }
    enum sk_code code = sk_domain_normalise(door->host ? door->host : "", host, err);
    if (code == SK_OK)
        add(plan, SK_MAP_HOSTS, sk_arena_strdup(plan->arena, host), timed);
    return code;
}

/* --- names ------------------------------------------------------------------------------ */

/* For either family: a name is granted whatever way it is reached. */
static void add_name(struct plan *plan, enum sk_haproxy_map map, const char *name)
{
    const struct sk_ip *sources[] = {&plan->box->ipv4, &plan->box->ipv6};
    char ip[SK_IP_TEXT_MAX];
    for (size_t i = 0; i < (plan->box->has_ipv6 ? 2U : 1U); i++) {
        sk_ip_print(sources[i], ip);
        add(plan, map, sk_arena_printf(plan->arena, "%s|%s", ip, name), plan->box->id);
    }
}

/* Another rule may grant what this one does not. */
static enum sk_code add_excepts(struct plan *plan, const struct sk_net_rule *rule, struct sk_err *err)
{
    char name[SK_DOMAIN_MAX];
    for (char **except = rule->name_except; except && *except; except++) {
        enum sk_code code = sk_domain_normalise(*except, name, err);
        if (code != SK_OK)
            return code;
        if (!sk_net_policy_grants(plan->box->policy, *except))
            add_name(plan, SK_MAP_EXCEPTS, *except);
    }
    return SK_OK;
}

static enum sk_code add_rule(struct plan *plan, const struct sk_net_rule *rule, struct sk_err *err)
{
    char pattern[SK_DOMAIN_MAX];
    enum sk_code code = sk_domain_pattern(rule->name, pattern, err);
    if (code == SK_OK && strcmp(pattern, rule->name) != 0)
        code = sk_fail(err, SK_INVALID_ARGUMENT, "\"%.64s\" is not normalised", rule->name);
    if (code == SK_OK)
        code = add_excepts(plan, rule, err);
    if (code == SK_OK)
        add_name(plan, SK_MAP_NAMES, rule->name);
    return code;
}

/* --- the whole ---------------------------------------------------------------------------- */

enum sk_code sk_plan_make(struct sk_arena *arena, const bool has[SK_MAP_COUNT], const struct sk_edge_box *box,
                          struct sk_plan *out_plan, struct sk_err *err)
{
    struct sk_plan made = {0};
    struct plan plan = {.arena = arena, .has = has, .box = box, .out = &made};
    enum sk_code code = SK_OK;
    if (!sk_plan_is_word(box->id) || strchr(box->id, '|') || strlen(box->id) > 100)
        return sk_fail(err, SK_INVALID_ARGUMENT, "\"%.64s\" is no id", box->id);
    for (size_t i = 0; i < box->door_count && code == SK_OK; i++)
        code = add_door(&plan, &box->doors[i], err);
    for (size_t i = 0; box->policy && has[SK_MAP_NAMES] && i < box->policy->egress_count && code == SK_OK;
         i++) {
        if (box->policy->egress[i].peer == SK_NET_NAME)
            code = add_rule(&plan, &box->policy->egress[i], err);
    }
    if (code == SK_OK)
        *out_plan = made;
    return code;
}
