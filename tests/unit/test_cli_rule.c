/* Rules as people write them: there and back again, and what is none. */
#include "cli/rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

typedef Coreweave__Sandbox__V1__EgressRule egress_rule;
typedef Coreweave__Sandbox__V1__IngressRule ingress_rule;

static egress_rule *egress(const char *text, struct sk_arena *arena)
{
    egress_rule *rule = NULL;
    struct sk_err err = {0};

    assert_int_equal(sk_rule_parse_egress(text, arena, &rule, &err), SK_OK);
    return rule;
}

static void test_there_and_back(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    static const char *const both_ways[] = {
        "any",
        "any,tcp=443,udp=53-60,sctp=all",
        "tenant",
        "tenant:user,tcp=80",
        "cidr:10.0.0.0/8",
        "cidr:10.0.0.0/8,except=10.1.0.0/16,except=10.2.0.0/16,tcp=1-65535",
        "cidr:2001:db8::/32,udp=443"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(both_ways); i++) {
        ingress_rule *from = NULL;
        assert_string_equal(sk_rule_print_egress(egress(both_ways[i], &arena), &arena), both_ways[i]);
        assert_int_equal(sk_rule_parse_ingress(both_ways[i], &arena, &from, NULL), SK_OK);
        assert_string_equal(sk_rule_print_ingress(from, &arena), both_ways[i]);
    }
    assert_string_equal(
        sk_rule_print_egress(egress("host:*.example.com,except=a.example.com", &arena), &arena),
        "host:*.example.com,except=a.example.com");
    assert_string_equal(sk_rule_print_egress(egress("tenant:org", &arena), &arena), "tenant");
    assert_string_equal(sk_rule_print_egress(egress("any,tcp=5-5", &arena), &arena), "any,tcp=5");
}

static void test_what_becomes_of_it(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const egress_rule *rule = egress("cidr:10.0.0.0/8,except=10.1.0.0/16,udp=53-60,tcp=443", &arena);

    (void)state;
    assert_int_equal(rule->destination_case, COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_CIDR);
    assert_string_equal(rule->cidr->cidr, "10.0.0.0/8");
    assert_int_equal(rule->cidr->n_except, 1);
    assert_string_equal(rule->cidr->except[0], "10.1.0.0/16");
    assert_int_equal(rule->n_ports, 2);
    assert_string_equal(rule->ports[0]->protocol, "UDP");
    assert_int_equal(rule->ports[0]->port, 53);
    assert_int_equal(rule->ports[0]->end_port, 60);
    assert_int_equal(rule->ports[1]->end_port, 0);
    rule = egress("host:pypi.org", &arena);
    assert_int_equal(rule->destination_case, COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_HTTPS_HOSTNAME);
    assert_string_equal(rule->https_hostname, "pypi.org");
    assert_int_equal(rule->n_ports, 0);
    assert_true(egress("any", &arena)->any);
    assert_int_equal(egress("tenant", &arena)->tenant,
                     COREWEAVE__SANDBOX__V1__TENANT_SCOPE__TENANT_SCOPE_SAME_ORG);
}

static void test_what_is_none(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    static const char *const bad[] = {"",
                                      "foo",
                                      "any:x",
                                      "ANY",
                                      "cidr",
                                      "cidr:",
                                      "host:",
                                      "tenant:other",
                                      "any,",
                                      "any,tcp",
                                      "any,tcp=",
                                      "any,tcp=0",
                                      "any,tcp=65536",
                                      "any,tcp=x",
                                      "any,tcp=-1",
                                      "any,tcp= 1",
                                      "any,tcp=1-",
                                      "any,tcp=5-4",
                                      "any,tcp=1-2-3",
                                      "any,icmp=1",
                                      "any,except=10.0.0.0/8",
                                      "tenant,except=x",
                                      "host:a.example,tcp=443"};
    egress_rule *rule = NULL;
    ingress_rule *from = NULL;
    struct sk_err err = {0};

    (void)state;
    for (size_t i = 0; i < sk_array_len(bad); i++) {
        assert_int_equal(sk_rule_parse_egress(bad[i], &arena, &rule, NULL), SK_INVALID_ARGUMENT);
        assert_int_equal(sk_rule_parse_ingress(bad[i], &arena, &from, NULL), SK_INVALID_ARGUMENT);
    }
    assert_null(rule);
    assert_int_equal(sk_rule_parse_ingress("host:a.example", &arena, &from, NULL), SK_INVALID_ARGUMENT);
    assert_null(from);
    assert_int_equal(sk_rule_parse_egress("any,tcp=0", &arena, &rule, &err), SK_INVALID_ARGUMENT);
    assert_string_equal(err.text,
                        "rule \"any,tcp=0\": want a port, as in tcp=443, ports, as in udp=53-60, or tcp=all");
}

static void test_long_ones(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    char *text = sk_arena_strdup(&arena, "any");
    egress_rule *rule = NULL;

    (void)state;
    for (int i = 0; i < 128; i++)
        text = sk_arena_printf(&arena, "%s,tcp=%d", text, i + 1);
    assert_int_equal(sk_rule_parse_egress(text, &arena, &rule, NULL), SK_OK);
    assert_int_equal(rule->n_ports, 128);
    text = sk_arena_printf(&arena, "%s,tcp=200", text);
    assert_int_equal(sk_rule_parse_egress(text, &arena, &rule, NULL), SK_INVALID_ARGUMENT);
}

/* A newer server may say what this program has never heard of. */
static void test_what_others_say(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    egress_rule rule = COREWEAVE__SANDBOX__V1__EGRESS_RULE__INIT;
    ingress_rule from = COREWEAVE__SANDBOX__V1__INGRESS_RULE__INIT;
    Coreweave__Sandbox__V1__PortRange range = COREWEAVE__SANDBOX__V1__PORT_RANGE__INIT, *ranges[] = {&range};

    (void)state;
    rule.ports = ranges;
    rule.n_ports = 1;
    range.port = 80;
    assert_string_equal(sk_rule_print_egress(&rule, &arena), "unknown,tcp=80");
    rule.destination_case = COREWEAVE__SANDBOX__V1__EGRESS_RULE__DESTINATION_TENANT;
    rule.tenant = (Coreweave__Sandbox__V1__TenantScope)77;
    range.protocol = "quic";
    assert_string_equal(sk_rule_print_egress(&rule, &arena), "unknown,quic=80");
    rule.tenant = COREWEAVE__SANDBOX__V1__TENANT_SCOPE__TENANT_SCOPE_UNSPECIFIED;
    range.protocol = "Udp";
    assert_string_equal(sk_rule_print_egress(&rule, &arena), "unknown,udp=80");
    assert_string_equal(sk_rule_print_ingress(&from, &arena), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),  cmocka_unit_test(test_what_becomes_of_it),
        cmocka_unit_test(test_what_is_none),    cmocka_unit_test(test_long_ones),
        cmocka_unit_test(test_what_others_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
