#include "cli/rule.h"

#include "base/buf.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define PARTS_MAX 128 /* of a rule */
#define TEXT_MAX  ((size_t)128 << 20)

typedef Coreweave__Sandbox__V1__EgressRule egress_rule;
typedef Coreweave__Sandbox__V1__IngressRule ingress_rule;
typedef Coreweave__Sandbox__V1__CidrBlock cidr_block;
typedef Coreweave__Sandbox__V1__PortRange port_range;
typedef Coreweave__Sandbox__V1__TenantScope tenant_scope;

/* A rule for either direction. */
struct rule {
    enum kind { UNKNOWN, ANY, TENANT, CIDR, HOST } kind;
    tenant_scope scope; /* TENANT */
    char *value;        /* CIDR, HOST */
    char **excepts;
    size_t except_count;
    port_range **ports;
    size_t port_count;
};

/* --- parsing ------------------------------------------------------------------------- */

struct parser {
    const char *text;
    struct sk_arena *arena;
    struct sk_err *err;
    struct rule rule;
};

static enum sk_code fail(const struct parser *parser, const char *why)
{
    return sk_fail(parser->err, SK_INVALID_ARGUMENT, "rule \"%.80s\": %s", parser->text, why);
}

static enum sk_code parse_tenant(struct parser *parser, const char *whose)
{
    parser->rule.kind = TENANT;
    if (!whose || strcmp(whose, "org") == 0)
        parser->rule.scope = COREWEAVE__SANDBOX__V1__TENANT_SCOPE__TENANT_SCOPE_SAME_ORG;
    else if (strcmp(whose, "user") == 0)
        parser->rule.scope = COREWEAVE__SANDBOX__V1__TENANT_SCOPE__TENANT_SCOPE_SAME_USER;
    else
        return fail(parser, "want tenant, tenant:org or tenant:user");
    return SK_OK;
}

/* "cidr:10.0.0.0/8" */
static enum sk_code parse_head(struct parser *parser, char *head)
{
    char *value = strchr(head, ':');

    if (value)
        *value++ = '\0';
    if (strcmp(head, "tenant") == 0)
        return parse_tenant(parser, value);
    if (strcmp(head, "any") == 0 && !value)
        parser->rule.kind = ANY;
    else if (strcmp(head, "cidr") == 0 && value && *value)
        parser->rule.kind = CIDR;
    else if (strcmp(head, "host") == 0 && value && *value)
        parser->rule.kind = HOST;
    else
        return fail(parser, "want any, tenant, cidr:ADDRESSES or host:NAME");
    parser->rule.value = value;
    return SK_OK;
}

static bool parse_port(const char *text, const char *end, int32_t *out_port)
{
    char *stop;
    errno = 0;
    long port = strtol(text, &stop, 10);

    *out_port = (int32_t)port;
    return *text >= '0' && *text <= '9' && stop == end && !errno && port >= 1 && port <= 65535;
}

/* "443", "53-60", "all" */
static enum sk_code parse_ports(struct parser *parser, const char *protocol, const char *text)
{
    port_range *range = sk_arena_alloc(parser->arena, sizeof(*range));
    const char *dash = strchr(text, '-');
    const char *end = text + strlen(text);

    coreweave__sandbox__v1__port_range__init(range);
    range->protocol = (char *)protocol;
    parser->rule.ports[parser->rule.port_count++] = range;
    if (strcmp(text, "all") == 0)
        return SK_OK;
    if (!parse_port(text, dash ? dash : end, &range->port) ||
        (dash && (!parse_port(dash + 1, end, &range->end_port) || range->end_port < range->port)))
        return fail(parser, "want a port, as in tcp=443, ports, as in udp=53-60, or tcp=all");
    return SK_OK;
}

/* "except=10.1.0.0/16", "tcp=443" */
static enum sk_code parse_part(struct parser *parser, char *part)
{
    static const char *const keys[] = {"tcp", "udp", "sctp"}, *const protocols[] = {"TCP", "UDP", "SCTP"};
    char *value = strchr(part, '=');
    struct rule *rule = &parser->rule;

    if (!value || !value[1])
        return fail(parser, "want PROTOCOL=PORTS or except=… after a comma");
    *value++ = '\0';
    for (size_t i = 0; i < sk_array_len(keys); i++) {
        if (strcmp(part, keys[i]) == 0)
            return rule->kind == HOST ? fail(parser, "names are granted for HTTPS, without ports")
                                      : parse_ports(parser, protocols[i], value);
    }
    if (strcmp(part, "except") != 0)
        return fail(parser, "after commas there may be except=, tcp=, udp= and sctp=");
    if (rule->kind != CIDR && rule->kind != HOST)
        return fail(parser, "exceptions are for cidr: and host:");
    rule->excepts[rule->except_count++] = value;
    return SK_OK;
}

static enum sk_code parse(struct parser *parser)
{
    char *rest = sk_arena_strdup(parser->arena, parser->text);
    enum sk_code code = parse_head(parser, strsep(&rest, ","));

    parser->rule.excepts = sk_arena_alloc(parser->arena, PARTS_MAX * sizeof(char *));
    parser->rule.ports = sk_arena_alloc(parser->arena, PARTS_MAX * sizeof(port_range *));
    for (int part = 0; rest && !code; part++)
        code = part < PARTS_MAX ? parse_part(parser, strsep(&rest, ",")) : fail(parser, "it is too long");
    return code;
}

static cidr_block *block_of(const struct rule *rule, struct sk_arena *arena)
{
    cidr_block *block = sk_arena_alloc(arena, sizeof(*block));

    coreweave__sandbox__v1__cidr_block__init(block);
    block->cidr = rule->value;
    block->except = rule->excepts;
    block->n_except = rule->except_count;
    return block;
}

enum sk_code sk_rule_parse_egress(const char *text, struct sk_arena *arena, egress_rule **out_rule,
                                  struct sk_err *err)
{
    struct parser parser = {.text = text, .arena = arena, .err = err};
    const struct rule *rule = &parser.rule;
    enum sk_code code = parse(&parser);

    if (code)
        return code;
    egress_rule *out = sk_arena_alloc(arena, sizeof(*out));
    coreweave__sandbox__v1__egress_rule__init(out);
    out->ports = rule->ports;
    out->n_ports = rule->port_count;
    if (rule->kind == CIDR) {
        out->destination_case = COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_CIDR;
        out->cidr = block_of(rule, arena);
    } else if (rule->kind == HOST) {
        out->destination_case = COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_HTTPS_HOSTNAME;
        out->https_hostname = rule->value;
        out->https_hostname_except = rule->excepts;
        out->n_https_hostname_except = rule->except_count;
    } else if (rule->kind == TENANT) {
        out->destination_case = COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_TENANT;
        out->tenant = rule->scope;
    } else {
        out->destination_case = COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_ANY;
        out->any = true;
    }
    *out_rule = out;
    return SK_OK;
}

enum sk_code sk_rule_parse_ingress(const char *text, struct sk_arena *arena, ingress_rule **out_rule,
                                   struct sk_err *err)
{
    struct parser parser = {.text = text, .arena = arena, .err = err};
    const struct rule *rule = &parser.rule;
    enum sk_code code = parse(&parser);

    if (!code && rule->kind == HOST)
        code = fail(&parser, "callers are known by their addresses, not by names");
    if (code)
        return code;
    ingress_rule *out = sk_arena_alloc(arena, sizeof(*out));
    coreweave__sandbox__v1__ingress_rule__init(out);
    out->ports = rule->ports;
    out->n_ports = rule->port_count;
    if (rule->kind == CIDR) {
        out->source_case = COREWEAVE__SANDBOX__V1__INGRESS_RULE__SOURCE_CIDR;
        out->cidr = block_of(rule, arena);
    } else if (rule->kind == TENANT) {
        out->source_case = COREWEAVE__SANDBOX__V1__INGRESS_RULE__SOURCE_TENANT;
        out->tenant = rule->scope;
    } else {
        out->source_case = COREWEAVE__SANDBOX__V1__INGRESS_RULE__SOURCE_ANY;
        out->any = true;
    }
    *out_rule = out;
    return SK_OK;
}

/* --- printing -------------------------------------------------------------------------- */

static char *print_head(const struct rule *rule, struct sk_arena *arena)
{
    static const char *const whose[] = {
        [COREWEAVE__SANDBOX__V1__TENANT_SCOPE__TENANT_SCOPE_SAME_USER] = "tenant:user",
        [COREWEAVE__SANDBOX__V1__TENANT_SCOPE__TENANT_SCOPE_SAME_ORG] = "tenant",
        [COREWEAVE__SANDBOX__V1__TENANT_SCOPE__TENANT_SCOPE_SANDBOX_NETWORK] = "tenant:network"};

    switch (rule->kind) {
    case ANY:
        return sk_arena_strdup(arena, "any");
    case CIDR:
        return sk_arena_printf(arena, "cidr:%s", rule->value);
    case HOST:
        return sk_arena_printf(arena, "host:%s", rule->value);
    case TENANT:
        if ((size_t)rule->scope < sk_array_len(whose) && whose[rule->scope])
            return sk_arena_strdup(arena, whose[rule->scope]);
        break;
    case UNKNOWN:
        break;
    }
    return sk_arena_strdup(arena, "unknown");
}

static const char *protocol_of(const port_range *range)
{
    static const char *const names[] = {"tcp", "udp", "sctp"};

    for (size_t i = 0; i < sk_array_len(names); i++) {
        if (strcasecmp(range->protocol, names[i]) == 0)
            return names[i];
    }
    return range->protocol[0] ? range->protocol : "tcp";
}

static char *print_ports(const port_range *range, struct sk_arena *arena)
{
    const char *protocol = protocol_of(range);

    if (!range->port)
        return sk_arena_printf(arena, ",%s=all", protocol);
    if (!range->end_port || range->end_port == range->port)
        return sk_arena_printf(arena, ",%s=%d", protocol, range->port);
    return sk_arena_printf(arena, ",%s=%d-%d", protocol, range->port, range->end_port);
}

static const char *print(const struct rule *rule, struct sk_arena *arena)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf text;

    sk_buf_init(&text, TEXT_MAX);
    enum sk_code code = sk_buf_printf(&text, "%s", print_head(rule, arena));
    for (size_t i = 0; i < rule->except_count && !code; i++)
        code = sk_buf_printf(&text, ",except=%s", rule->excepts[i]);
    for (size_t i = 0; i < rule->port_count && !code; i++)
        code = sk_buf_printf(&text, "%s", print_ports(rule->ports[i], arena));
    return code ? "(too long)" : sk_arena_strndup(arena, (const char *)text.data, text.len);
}

static void set_block(struct rule *rule, const cidr_block *block)
{
    rule->kind = CIDR;
    rule->value = block->cidr;
    rule->excepts = block->except;
    rule->except_count = block->n_except;
}

const char *sk_rule_print_egress(const egress_rule *rule, struct sk_arena *arena)
{
    struct rule out = {.ports = rule->ports, .port_count = rule->n_ports};

    switch (rule->destination_case) {
    case COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_CIDR:
        set_block(&out, rule->cidr);
        break;
    case COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_HTTPS_HOSTNAME:
        out.kind = HOST;
        out.value = rule->https_hostname;
        out.excepts = rule->https_hostname_except;
        out.except_count = rule->n_https_hostname_except;
        break;
    case COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_TENANT:
        out.kind = TENANT;
        out.scope = rule->tenant;
        break;
    case COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_ANY:
        out.kind = ANY;
        break;
    default:
        break;
    }
    return print(&out, arena);
}

const char *sk_rule_print_ingress(const ingress_rule *rule, struct sk_arena *arena)
{
    struct rule out = {.ports = rule->ports, .port_count = rule->n_ports};

    switch (rule->source_case) {
    case COREWEAVE__SANDBOX__V1__INGRESS_RULE__SOURCE_CIDR:
        set_block(&out, rule->cidr);
        break;
    case COREWEAVE__SANDBOX__V1__INGRESS_RULE__SOURCE_TENANT:
        out.kind = TENANT;
        out.scope = rule->tenant;
        break;
    case COREWEAVE__SANDBOX__V1__INGRESS_RULE__SOURCE_ANY:
        out.kind = ANY;
        break;
    default:
        break;
    }
    return print(&out, arena);
}
