#include "cli/rules.h"

#include "oci/json_in.h"

#include <string.h>

#define RULES_MAX 1000 /* far more than servers take */

sk_rules *sk_rules_new(struct sk_arena *arena)
{
    sk_rules *rules = sk_arena_alloc(arena, sizeof(*rules));

    coreweave__sandbox__v1__network_options__init(rules);
    return rules;
}

void sk_rules_deny_egress(sk_rules *rules)
{
    rules->_deny_egress_case = COREWEAVE__SANDBOX__V1__NETWORK_OPTIONS___DENY_EGRESS_DENY_EGRESS;
    rules->deny_egress = true;
}

static enum sk_code check_count(size_t count, struct sk_err *err)
{
    return count < RULES_MAX ? SK_OK : sk_fail(err, SK_INVALID_ARGUMENT, "more than %d rules", RULES_MAX);
}

/* One more at the end; lists are short. */
static void *appended(struct sk_arena *arena, void *items, size_t count, void *item)
{
    void **grown = sk_arena_alloc(arena, (count + 1) * sizeof(*grown));

    if (count)
        memcpy(grown, items, count * sizeof(*grown));
    grown[count] = item;
    return grown;
}

enum sk_code sk_rules_add_egress(sk_rules *rules, const char *text, struct sk_arena *arena,
                                 struct sk_err *err)
{
    Coreweave__Sandbox__V1__EgressRule *rule;
    enum sk_code code = check_count(rules->n_egress, err);

    if (!code)
        code = sk_rule_parse_egress(text, arena, &rule, err);
    if (!code)
        rules->egress = appended(arena, rules->egress, rules->n_egress++, rule);
    return code;
}

enum sk_code sk_rules_add_ingress(sk_rules *rules, const char *text, struct sk_arena *arena,
                                  struct sk_err *err)
{
    Coreweave__Sandbox__V1__IngressRule *rule;
    enum sk_code code = check_count(rules->n_ingress, err);

    if (!code)
        code = sk_rule_parse_ingress(text, arena, &rule, err);
    if (!code)
        rules->ingress = appended(arena, rules->ingress, rules->n_ingress++, rule);
    return code;
}

enum sk_code sk_rules_set_dns(sk_rules *rules, const char *text, struct sk_err *err)
{
    if (strcmp(text, "allow") == 0)
        rules->dns_egress = COREWEAVE__SANDBOX__V1__DNSEGRESS_MODE__DNS_EGRESS_MODE_ALLOW;
    else if (strcmp(text, "deny") == 0)
        rules->dns_egress = COREWEAVE__SANDBOX__V1__DNSEGRESS_MODE__DNS_EGRESS_MODE_DENY;
    else
        return sk_fail(err, SK_INVALID_ARGUMENT, "dns \"%.80s\": want allow or deny", text);
    return SK_OK;
}

/* --- from JSON --------------------------------------------------------------------------- */

struct reading {
    struct sk_arena *arena;
    sk_rules *rules;
    bool has_egress, is_default;
};

static enum sk_code on_text(struct reading *r, const char *path, const char *text, struct sk_err *err)
{
    if (strcmp(path, "/egress/*") == 0)
        return sk_rules_add_egress(r->rules, text, r->arena, err);
    if (strcmp(path, "/ingress/*") == 0)
        return sk_rules_add_ingress(r->rules, text, r->arena, err);
    if (strcmp(path, "/dns") == 0)
        return sk_rules_set_dns(r->rules, text, err);
    if (strcmp(path, "/egress") == 0 && strcmp(text, "default") == 0) {
        r->has_egress = r->is_default = true;
        return SK_OK;
    }
    return sk_fail(err, SK_INVALID_ARGUMENT, "%.80s: \"%.80s\" cannot stand there", path, text);
}

static enum sk_code on_item(void *arg, const struct sk_json_item *item, struct sk_err *err)
{
    struct reading *r = arg;
    bool is_list = strcmp(item->path, "/egress") == 0 || strcmp(item->path, "/ingress") == 0;

    if (item->kind == SK_JSON_STRING)
        return on_text(r, item->path, sk_arena_strndup(r->arena, item->text, item->len), err);
    if (item->kind == SK_JSON_OPEN && item->is_array && strcmp(item->path, "/egress") == 0)
        r->has_egress = true;
    if (item->kind == SK_JSON_OTHER || !(is_list || !item->path[0] || strcmp(item->path, "/") == 0))
        return sk_fail(err, SK_INVALID_ARGUMENT, "%.80s cannot stand there", item->path);
    return SK_OK;
}

enum sk_code sk_rules_read(const uint8_t *json, size_t len, struct sk_arena *arena, sk_rules **out_rules,
                           struct sk_err *err)
{
    struct reading r = {.arena = arena, .rules = sk_rules_new(arena)};
    enum sk_code code = sk_json_read(json, len, on_item, &r, err);

    if (!code && !r.has_egress)
        code = sk_fail(err, SK_INVALID_ARGUMENT, "it has no \"egress\": a list of rules, or \"default\"");
    if (code)
        return code;
    if (!r.rules->n_egress && !r.is_default)
        sk_rules_deny_egress(r.rules);
    *out_rules = r.rules;
    return SK_OK;
}
