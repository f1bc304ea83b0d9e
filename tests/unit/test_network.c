/* Rules of a spec's network: what policy they become, what is wrong with them, what cannot be had. */
#include "api/network.h"
#include "support/spec_rig.h"

#include <stdio.h>

#define EGRESS "sandbox.spec.network.egress[0]"

static SK_PB(NetworkOptions) * network(struct fixture *f)
{
    return f->spec->network = SK_PB_NEW(&f->arena, network_options);
}

static SK_PB(EgressRule) * egress(struct fixture *f)
{
    SK_PB(EgressRule) *rule = SK_PB_NEW(&f->arena, egress_rule);
    if (!f->spec->network)
        network(f);
    f->spec->network->egress = one(f, rule);
    f->spec->network->n_egress = 1;
    return rule;
}

static SK_PB(EgressRule) * egress_to(struct fixture *f, const char *cidr)
{
    SK_PB(EgressRule) *rule = egress(f);
    rule->destination_case = SK_PBE(EGRESS_RULE, DESTINATION_CIDR);
    rule->cidr = SK_PB_NEW(&f->arena, cidr_block);
    rule->cidr->cidr = (char *)cidr;
    return rule;
}

static SK_PB(EgressRule) * egress_by_name(struct fixture *f, const char *name)
{
    SK_PB(EgressRule) *rule = egress(f);
    rule->destination_case = SK_PBE(EGRESS_RULE, DESTINATION_HTTPS_HOSTNAME);
    rule->https_hostname = (char *)name;
    return rule;
}

static SK_PB(IngressRule) * ingress(struct fixture *f)
{
    SK_PB(IngressRule) *rule = SK_PB_NEW(&f->arena, ingress_rule);
    if (!f->spec->network)
        network(f);
    f->spec->network->ingress = one(f, rule);
    f->spec->network->n_ingress = 1;
    return rule;
}

static SK_PB(PortRange) * *ports_of(struct fixture *f, const char *protocol, int32_t port, int32_t end)
{
    SK_PB(PortRange) *range = SK_PB_NEW(&f->arena, port_range);
    range->protocol = (char *)protocol;
    range->port = port;
    range->end_port = end;
    return one(f, range);
}

static void deny_egress(struct fixture *f, bool deny)
{
    f->spec->network->_deny_egress_case = SK_PBE(NETWORK_OPTIONS, _DENY_EGRESS_DENY_EGRESS);
    f->spec->network->deny_egress = deny;
}

static const struct sk_net_policy *policy_of(struct fixture *f)
{
    assert_decodes(f);
    assert_non_null(f->out.network);
    assert_string_equal(f->out.network->tenant, "key");
    return f->out.network;
}

static const struct sk_net_rule *rule_of(struct fixture *f)
{
    const struct sk_net_policy *policy = policy_of(f);
    assert_int_equal(policy->egress_count, 1);
    return &policy->egress[0];
}

/* --- flags ------------------------------------------------------------------------------- */

static void assert_default(struct fixture *f)
{
    const struct sk_net_policy *policy = policy_of(f);
    assert_int_equal(policy->egress_count, 2);
    assert_int_equal(policy->egress[0].peer, SK_NET_ANY);
    assert_int_equal(policy->egress[0].port_count, 0);
    assert_int_equal(policy->egress[1].peer, SK_NET_TENANT);
    assert_int_equal(policy->ingress_count, 0);
}

static void nothing_said_is_the_default(void **state)
{
    struct fixture *f = *state;
    assert_default(f);
    assert_int_equal(f->out.network->dns, SK_NET_DNS_ALL);
    network(f);
    assert_default(f);
    deny_egress(f, false);
    f->spec->network->_deny_ingress_case = SK_PBE(NETWORK_OPTIONS, _DENY_INGRESS_DENY_INGRESS);
    assert_default(f);
    f->spec->network->deny_ingress = true;
    assert_default(f);
    f->spec->network->dns_egress = SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_DENY);
    assert_default(f);
    assert_int_equal(f->out.network->dns, SK_NET_DNS_NONE);
}

static void denied_egress_leaves_names_to_be_asked_for(void **state)
{
    struct fixture *f = *state;
    SK_PB(NetworkOptions) *n = network(f);
    deny_egress(f, true);
    assert_int_equal(policy_of(f)->egress_count, 0);
    assert_int_equal(f->out.network->dns, SK_NET_DNS_ALL);
    n->dns_egress = SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_ALLOW);
    assert_int_equal(policy_of(f)->dns, SK_NET_DNS_ALL);
    n->dns_egress = SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_DENY);
    assert_int_equal(policy_of(f)->dns, SK_NET_DNS_NONE);
    assert_true(sk_net_policy_is_closed(f->out.network));
    n->dns_egress = (SK_PB(DNSEgressMode))3;
    assert_violates(f, "sandbox.spec.network.dns_egress");
    n->dns_egress = 0;
    egress_to(f, "192.0.2.0/24");
    assert_violates(f, "sandbox.spec.network.egress");
    deny_egress(f, false);
    assert_int_equal(policy_of(f)->egress_count, 1);
}

static void denied_ingress_has_no_rules(void **state)
{
    struct fixture *f = *state;
    SK_PB(IngressRule) *rule = ingress(f);
    rule->source_case = SK_PBE(INGRESS_RULE, SOURCE_ANY);
    rule->any = true;
    f->spec->network->_deny_ingress_case = SK_PBE(NETWORK_OPTIONS, _DENY_INGRESS_DENY_INGRESS);
    assert_int_equal(policy_of(f)->ingress_count, 1);
    f->spec->network->deny_ingress = true;
    assert_violates(f, "sandbox.spec.network.ingress");
}

/* --- addresses ------------------------------------------------------------------------------ */

static void blocks_of_addresses(void **state)
{
    struct fixture *f = *state;
    char *excepts[] = {"10.1.0.0/16", "10.2.3.4"};
    static const struct {
        const char *text, *printed;
    } good[] = {{"10.0.0.0/8", "10.0.0.0/8"},          {"0.0.0.0/0", "0.0.0.0/0"},
                {"2001:db8::/32", "2001:db8::/32"},    {"192.0.2.1", "192.0.2.1/32"},
                {"::ffff:10.0.0.0/104", "10.0.0.0/8"}, {"169.254.0.0/16", "169.254.0.0/16"}};
    static const char *const bad[] = {"",  "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8",
                                      "x", "10.0.0.0/ 8", "::/129",     "10.0.0.0/8 "};
    for (size_t i = 0; i < sk_array_len(good); i++) {
        char printed[SK_CIDR_TEXT_MAX];
        egress_to(f, good[i].text);
        sk_cidr_print(&rule_of(f)->cidr, printed);
        assert_string_equal(printed, good[i].printed);
        assert_int_equal(f->out.network->dns, SK_NET_DNS_ALL);
    }
    for (size_t i = 0; i < sk_array_len(bad); i++) {
        egress_to(f, bad[i]);
        assert_violates(f, EGRESS ".cidr.cidr");
    }
    SK_PB(EgressRule) *rule = egress_to(f, "10.0.0.0/8");
    rule->cidr->except = excepts;
    rule->cidr->n_except = 2;
    assert_int_equal(rule_of(f)->except_count, 2);
    assert_int_equal(f->out.network->egress[0].except[1].prefix, 32);
    excepts[1] = "11.0.0.0/8";
    assert_violates(f, EGRESS ".cidr.except[1]");
    excepts[1] = "10.0.0.0/7";
    assert_violates(f, EGRESS ".cidr.except[1]");
    excepts[1] = "2001:db8::/64";
    assert_violates(f, EGRESS ".cidr.except[1]");
}

static void ports_and_protocols(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *protocol;
        int32_t port, end;
        const char *fault; /* NULL = none */
        struct sk_net_ports want;
    } cases[] = {
        {"", 443, 0, NULL, {SK_NET_TCP, 443, 443}},
        {"TCP", 1, 65535, NULL, {SK_NET_TCP, 1, 65535}},
        {"udp", 53, 60, NULL, {SK_NET_UDP, 53, 60}},
        {"Sctp", 9, 9, NULL, {SK_NET_SCTP, 9, 9}},
        {"UDP", 0, 0, NULL, {SK_NET_UDP, 0, 0}},
        {"ICMP", 1, 0, ".protocol", {0}},
        {"TCP ", 1, 0, ".protocol", {0}},
        {"", -1, 0, ".port", {0}},
        {"", 65536, 0, ".port", {0}},
        {"", 0, 9, ".port", {0}},
        {"", 9, 8, ".end_port", {0}},
        {"", 9, 65536, ".end_port", {0}},
        {"", 9, -1, ".end_port", {0}},
    };
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        SK_PB(EgressRule) *rule = egress_to(f, "192.0.2.0/24");
        rule->ports = ports_of(f, cases[i].protocol, cases[i].port, cases[i].end);
        rule->n_ports = 1;
        if (cases[i].fault) {
            char field[128];
            (void)snprintf(field, sizeof(field), EGRESS ".ports[0]%s", cases[i].fault);
            assert_violates(f, field);
            continue;
        }
        const struct sk_net_ports *ports = rule_of(f)->ports;
        assert_int_equal(ports->protocol, cases[i].want.protocol);
        assert_int_equal(ports->first, cases[i].want.first);
        assert_int_equal(ports->last, cases[i].want.last);
    }
}

/* --- host names ------------------------------------------------------------------------------- */

static void host_names(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *want;
    } good[] = {{"pypi.org", "pypi.org"},
                {"PyPI.org.", "pypi.org"},
                {"*.Example.com", "*.example.com"},
                {"xn--bcher-kva.example", "xn--bcher-kva.example"}};
    static const char *const bad[] = {
        "",          "*",     "*.com",   "a.*.example.com",      "*example.com",
        "192.0.2.1", "a..b",  "a b.com", "https://x.com",        "*.*.example.com",
        "x.com:443", "[::1]", "::1",     "b\303\274cher.example"};
    for (size_t i = 0; i < sk_array_len(good); i++) {
        egress_by_name(f, good[i].text);
        assert_int_equal(rule_of(f)->peer, SK_NET_NAME);
        assert_string_equal(f->out.network->egress[0].name, good[i].want);
        assert_int_equal(f->out.network->dns, SK_NET_DNS_GRANTED);
    }
    for (size_t i = 0; i < sk_array_len(bad); i++) {
        egress_by_name(f, bad[i]);
        assert_violates(f, EGRESS ".https_hostname");
    }
}

static void names_are_granted_for_https_alone(void **state)
{
    struct fixture *f = *state;
    SK_PB(EgressRule) *rule = egress_by_name(f, "pypi.org");
    rule->n_ports = 1;
    rule->ports = ports_of(f, "", 443, 0);
    assert_int_equal(rule_of(f)->port_count, 0);
    rule->ports = ports_of(f, "tcp", 443, 443);
    assert_int_equal(rule_of(f)->port_count, 0);
    rule->ports = ports_of(f, "", 443, 444);
    assert_violates(f, EGRESS ".ports[0]");
    rule->ports = ports_of(f, "UDP", 443, 0);
    assert_violates(f, EGRESS ".ports[0]");
    rule->ports = ports_of(f, "", 0, 0);
    assert_violates(f, EGRESS ".ports[0]");
}

static void names_that_a_wildcard_does_not_grant(void **state)
{
    struct fixture *f = *state;
    char *excepts[] = {"Evil.example.com", NULL};
    SK_PB(EgressRule) *rule = egress_by_name(f, "*.example.com");
    rule->https_hostname_except = excepts;
    rule->n_https_hostname_except = 1;
    assert_string_equal(rule_of(f)->name_except[0], "evil.example.com");
    assert_null(f->out.network->egress[0].name_except[1]);
    excepts[0] = "example.com";
    assert_violates(f, EGRESS ".https_hostname_except[0]");
    excepts[0] = "*.example.com";
    assert_violates(f, EGRESS ".https_hostname_except[0]");
    excepts[0] = "a.example.com";
    rule->https_hostname = "a.example.com";
    assert_violates(f, EGRESS ".https_hostname_except[0]");
    rule = egress_to(f, "192.0.2.0/24");
    rule->https_hostname_except = excepts;
    rule->n_https_hostname_except = 1;
    assert_violates(f, EGRESS ".https_hostname_except");
}

static void names_need_a_node_that_can_hold_to_them(void **state)
{
    struct fixture *f = *state;
    SK_PB(EgressRule) *rule = egress_by_name(f, "pypi.org");
    f->node.network.has_names = false;
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", EGRESS ".https_hostname");
    rule->https_hostname = "not a name";
    assert_violates(f, EGRESS ".https_hostname");
    f->node.network.has_names = true;
    rule->https_hostname = "pypi.org";
    f->spec->network->dns_egress = SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_DENY);
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", "sandbox.spec.network.dns_egress");
    f->spec->network->dns_egress = SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_ALLOW);
    assert_int_equal(policy_of(f)->dns, SK_NET_DNS_ALL);
}

static void other_rules_beside_names_open_all_of_dns(void **state)
{
    struct fixture *f = *state;
    SK_PB(EgressRule) *name = egress_by_name(f, "pypi.org"), *block = egress_to(f, "192.0.2.0/24");
    SK_PB(EgressRule) * both[] = {name, block};
    f->spec->network->egress = both;
    f->spec->network->n_egress = 2;
    assert_int_equal(policy_of(f)->egress_count, 2);
    assert_int_equal(f->out.network->dns, SK_NET_DNS_ALL);
    both[1] = name;
    assert_int_equal(policy_of(f)->dns, SK_NET_DNS_GRANTED);
}

/* --- others ------------------------------------------------------------------------------------- */

static void other_destinations(void **state)
{
    struct fixture *f = *state;
    SK_PB(EgressRule) *rule = egress(f);
    assert_violates(f, EGRESS);
    rule->destination_case = SK_PBE(EGRESS_RULE, DESTINATION_ANY);
    assert_violates(f, EGRESS ".any");
    rule->any = true;
    assert_int_equal(rule_of(f)->peer, SK_NET_ANY);
    rule->destination_case = SK_PBE(EGRESS_RULE, DESTINATION_SELECTOR);
    rule->selector = SK_PB_NEW(&f->arena, selector_block);
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", EGRESS ".selector");
    rule->destination_case = SK_PBE(EGRESS_RULE, DESTINATION_TENANT);
    for (int scope = 1; scope <= 2; scope++) {
        rule->tenant = (SK_PB(TenantScope))scope;
        assert_int_equal(rule_of(f)->peer, SK_NET_TENANT);
    }
    rule->tenant = SK_PBE(TENANT_SCOPE, TENANT_SCOPE_SANDBOX_NETWORK);
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", EGRESS ".tenant");
    rule->tenant = SK_PBE(TENANT_SCOPE, TENANT_SCOPE_UNSPECIFIED);
    assert_violates(f, EGRESS ".tenant");
    rule->tenant = (SK_PB(TenantScope))4;
    assert_violates(f, EGRESS ".tenant");
}

static void sources(void **state)
{
    struct fixture *f = *state;
    SK_PB(IngressRule) *rule = ingress(f);
    assert_violates(f, "sandbox.spec.network.ingress[0]");
    rule->source_case = SK_PBE(INGRESS_RULE, SOURCE_CIDR);
    rule->cidr = SK_PB_NEW(&f->arena, cidr_block);
    assert_violates(f, "sandbox.spec.network.ingress[0].cidr.cidr");
    rule->cidr->cidr = "2001:db8::/32";
    rule->ports = ports_of(f, "UDP", 53, 0);
    rule->n_ports = 1;
    assert_int_equal(policy_of(f)->ingress_count, 1);
    assert_int_equal(f->out.network->ingress[0].ports[0].protocol, SK_NET_UDP);
    assert_int_equal(f->out.network->egress_count, 2); /* of which nothing was said */
    rule->source_case = SK_PBE(INGRESS_RULE, SOURCE_TENANT);
    rule->tenant = SK_PBE(TENANT_SCOPE, TENANT_SCOPE_SANDBOX_NETWORK);
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", "sandbox.spec.network.ingress[0].tenant");
}

/* --- sizes -------------------------------------------------------------------------------------- */

static void *many(struct fixture *f, const void *item, size_t count)
{
    const void **items = sk_arena_alloc(&f->arena, count * sizeof(*items));
    for (size_t i = 0; i < count; i++)
        items[i] = item;
    return items;
}

static void there_are_not_too_many(void **state)
{
    struct fixture *f = *state;
    SK_PB(EgressRule) *rule = egress_to(f, "10.0.0.0/8");
    SK_PB(NetworkOptions) *n = f->spec->network;
    n->egress = many(f, rule, 257);
    n->n_egress = 257;
    assert_violates(f, "sandbox.spec.network.egress");
    n->n_egress = 256;
    rule->ports = many(f, *ports_of(f, "", 1, 0), 17);
    rule->n_ports = 16;
    rule->cidr->except = many(f, "10.0.0.1", 33);
    rule->cidr->n_except = 32;
    assert_int_equal(policy_of(f)->egress_count, 256);
    n->n_egress = 1;
    rule->n_ports = 17;
    assert_violates(f, EGRESS ".ports");
    rule->n_ports = 0;
    rule->cidr->n_except = 33;
    assert_violates(f, EGRESS ".cidr.except");
    rule = egress_by_name(f, "*.example.com");
    rule->https_hostname_except = many(f, "a.example.com", 33);
    rule->n_https_hostname_except = 33;
    assert_violates(f, EGRESS ".https_hostname_except");
    rule->n_https_hostname_except = 32;
    n->egress = many(f, rule, 9);
    n->n_egress = 8;
    assert_int_equal(policy_of(f)->egress_count, 8);
    n->n_egress = 9;
    assert_violates(f, "sandbox.spec.network.egress");
    n->n_egress = 0;
    n->ingress = many(f, ingress(f), 33);
    n->n_ingress = 33;
    assert_violates(f, "sandbox.spec.network.ingress");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(nothing_said_is_the_default),
        SPEC_TEST(denied_egress_leaves_names_to_be_asked_for),
        SPEC_TEST(denied_ingress_has_no_rules),
        SPEC_TEST(blocks_of_addresses),
        SPEC_TEST(ports_and_protocols),
        SPEC_TEST(host_names),
        SPEC_TEST(names_are_granted_for_https_alone),
        SPEC_TEST(names_that_a_wildcard_does_not_grant),
        SPEC_TEST(names_need_a_node_that_can_hold_to_them),
        SPEC_TEST(other_rules_beside_names_open_all_of_dns),
        SPEC_TEST(other_destinations),
        SPEC_TEST(sources),
        SPEC_TEST(there_are_not_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
