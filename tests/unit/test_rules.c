#include "drivers/nftables/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char acme[] = "acme", name[] = "example.com", wild[] = "*.example.org", not_this[] = "a.example.org";

static struct sk_ip ip(const char *text)
{
    struct sk_ip out;
    assert_int_equal(sk_ip_parse(text, &out, NULL), SK_OK);
    return out;
}

static struct sk_cidr block(const char *text)
{
    struct sk_cidr out;
    assert_int_equal(sk_cidr_parse(text, &out, NULL), SK_OK);
    return out;
}

static bool allows(const struct sk_lines *lines, const char *host, uint8_t protocol, uint16_t port)
{
    return sk_lines_allow(lines, &(struct sk_other_end){.ip = ip(host), .protocol = protocol, .port = port});
}

static void test_blocks_and_ports(void **state)
{
    struct sk_arena arena = {0};
    struct sk_rules rules;
    struct sk_cidr *except = sk_memdup(&(struct sk_cidr[]){block("10.1.0.0/16")}, sizeof(*except));
    struct sk_net_ports ports[] = {{SK_NET_TCP, 80, 90}, {SK_NET_UDP, 0, 0}};
    struct sk_net_rule rule = {.peer = SK_NET_CIDR,
                               .cidr = block("10.0.0.0/8"),
                               .except = except,
                               .except_count = 1,
                               .ports = ports,
                               .port_count = 2};
    struct sk_net_policy policy = {.tenant = acme, .egress = &rule, .egress_count = 1};
    (void)state;
    assert_int_equal(sk_rules_make(&arena, &policy, false, &rules, NULL), SK_OK);
    free(except); /* nothing of the policy is needed any more */
    assert_int_equal(rules.world.count, 2);
    assert_true(allows(&rules.world, "10.0.0.1", 6, 80) && allows(&rules.world, "10.2.0.1", 6, 90));
    assert_true(allows(&rules.world, "10.0.0.1", 17, 1));
    assert_false(allows(&rules.world, "10.0.0.1", 6, 79) || allows(&rules.world, "10.0.0.1", 6, 91));
    assert_false(allows(&rules.world, "10.1.0.1", 6, 80) || allows(&rules.world, "11.0.0.1", 6, 80));
    assert_false(allows(&rules.world, "10.0.0.1", 132, 80) || allows(&rules.world, "fd00::1", 6, 80));
    assert_false(sk_rules_are_closed(&rules));
    sk_arena_fini(&arena);
}

static void test_names(void **state)
{
    struct sk_arena arena = {0};
    struct sk_rules rules, other;
    char *except[] = {not_this, NULL};
    struct sk_net_rule names[] = {{.peer = SK_NET_NAME, .name = name},
                                  {.peer = SK_NET_NAME, .name = wild, .name_except = except}};
    struct sk_net_policy policy = {.tenant = acme, .egress = names, .egress_count = 2};
    struct sk_other_end end = {.ip = ip("192.0.2.1"), .protocol = 6, .port = 443};
    (void)state;
    assert_int_equal(sk_rules_make(&arena, &policy, false, &rules, NULL), SK_OK);
    assert_false(sk_lines_allow(&rules.world, &end));
    end.is_granted = true;
    assert_true(sk_lines_allow(&rules.world, &end));
    end.port = 80;
    assert_false(sk_lines_allow(&rules.world, &end));
    /* With a gate the address alone opens nothing. */
    assert_int_equal(sk_rules_make(&arena, &policy, true, &other, NULL), SK_OK);
    end.port = 443;
    assert_false(sk_lines_allow(&other.world, &end));
    assert_true(sk_lines_allow(&other.gated, &end));
    assert_int_equal(rules.gated.count, 0);
    assert_true(sk_net_policy_grants(rules.names, "example.com"));
    assert_true(sk_net_policy_grants(rules.names, "b.example.org"));
    assert_false(sk_net_policy_grants(rules.names, "a.example.org"));
    names[1].name_except = NULL;
    assert_int_equal(sk_rules_make(&arena, &policy, false, &other, NULL), SK_OK);
    assert_true(sk_net_policy_grants(other.names, "a.example.org"));
    policy.egress_count = 0;
    assert_int_equal(sk_rules_make(&arena, &policy, false, &other, NULL), SK_OK);
    assert_null(other.names);
    sk_arena_fini(&arena);
}

static void test_too_many_names(void **state)
{
    struct sk_arena arena = {0};
    struct sk_rules rules;
    static char long_name[254];
    static char *except[20001];
    struct sk_net_rule rule = {.peer = SK_NET_NAME, .name = wild, .name_except = except};
    struct sk_net_policy policy = {.tenant = acme, .egress = &rule, .egress_count = 1};
    (void)state;
    memset(long_name, 'a', sizeof(long_name) - 1);
    for (size_t i = 0; i + 1 < sk_array_len(except); i++)
        except[i] = long_name;
    assert_int_equal(sk_rules_make(&arena, &policy, false, &rules, NULL), SK_INVALID_ARGUMENT);
    except[10000] = NULL;
    assert_int_equal(sk_rules_make(&arena, &policy, false, &rules, NULL), SK_OK);
    assert_string_equal(rules.names->egress[0].name_except[9999], long_name);
    sk_arena_fini(&arena);
}

static void test_ingress(void **state)
{
    struct sk_arena arena = {0};
    struct sk_rules rules;
    struct sk_net_ports high = {SK_NET_TCP, 1024, 65535};
    struct sk_net_rule from = {
        .peer = SK_NET_CIDR, .cidr = block("192.0.2.0/24"), .ports = &high, .port_count = 1};
    struct sk_net_service services[] = {
        {SK_NET_TCP, 80, SK_NET_CUSTOM, false},   {SK_NET_TCP, 8080, SK_NET_CUSTOM, false},
        {SK_NET_UDP, 8080, SK_NET_CUSTOM, false}, {SK_NET_TCP, 9000, SK_NET_PRIVATE, false},
        {SK_NET_TCP, 9001, SK_NET_PUBLIC, false}, {SK_NET_TCP, 9002, SK_NET_SILENT, false}};
    struct sk_net_policy policy = {.tenant = acme,
                                   .ingress = &from,
                                   .ingress_count = 1,
                                   .services = services,
                                   .service_count = sk_array_len(services)};
    struct sk_other_end peer = {.ip = ip("10.0.0.9"), .protocol = 6, .port = 9000, .is_of_tenant = true};
    (void)state;
    assert_int_equal(sk_rules_make(&arena, &policy, false, &rules, NULL), SK_OK);
    assert_true(allows(&rules.ingress, "192.0.2.7", 6, 8080));
    assert_false(allows(&rules.ingress, "192.0.2.7", 6, 80));    /* not what the rule says */
    assert_false(allows(&rules.ingress, "192.0.2.7", 17, 8080)); /* nor this */
    assert_false(allows(&rules.ingress, "192.0.2.7", 6, 4000));  /* no service */
    assert_false(allows(&rules.ingress, "192.0.3.7", 6, 8080));
    assert_false(allows(&rules.ingress, "192.0.2.7", 6, 9000) ||
                 allows(&rules.ingress, "192.0.2.7", 6, 9001));
    assert_false(allows(&rules.ingress, "192.0.2.7", 6, 9002));
    assert_true(sk_lines_allow(&rules.ingress, &peer));
    /* The node comes to what is public, by its port and protocol. */
    assert_true(allows(&rules.node, "10.213.0.1", 6, 9001));
    assert_false(allows(&rules.node, "10.213.0.1", 17, 9001) || allows(&rules.node, "10.213.0.1", 6, 9000));
    assert_false(allows(&rules.node, "10.213.0.1", 6, 8080));
    assert_int_equal(rules.world.count + rules.peers.count + rules.gated.count, 0);
    assert_false(sk_rules_are_closed(&rules));
    sk_arena_fini(&arena);
}

static void test_limits(void **state)
{
    struct sk_arena arena = {0};
    struct sk_rules rules;
    struct sk_err err = {0};
    static struct sk_net_ports many[SK_RULES_LINES_MAX + 1];
    static struct sk_cidr except[SK_RULES_EXCEPT_MAX + 1];
    struct sk_net_rule rule = {.peer = SK_NET_ANY, .ports = many, .port_count = sk_array_len(many)};
    struct sk_net_policy policy = {.tenant = acme, .egress = &rule, .egress_count = 1};
    (void)state;
    for (size_t i = 0; i < sk_array_len(many); i++)
        many[i] = (struct sk_net_ports){SK_NET_TCP, 80, 80};
    assert_int_equal(sk_rules_make(&arena, &policy, false, &rules, &err), SK_INVALID_ARGUMENT);
    rule.port_count--;
    assert_int_equal(sk_rules_make(&arena, &policy, false, &rules, &err), SK_OK);
    rule = (struct sk_net_rule){.peer = SK_NET_CIDR,
                                .cidr = block("0.0.0.0/0"),
                                .except = except,
                                .except_count = sk_array_len(except)};
    assert_int_equal(sk_rules_make(&arena, &policy, false, &rules, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "33 exceptions"));
    rule.except_count--;
    assert_int_equal(sk_rules_make(&arena, &policy, false, &rules, &err), SK_OK);
    policy.egress_count = 0;
    policy.dns = SK_NET_DNS_NONE;
    assert_int_equal(sk_rules_make(&arena, &policy, false, &rules, &err), SK_OK);
    assert_true(sk_rules_are_closed(&rules));
    sk_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_and_ports), cmocka_unit_test(test_names),
        cmocka_unit_test(test_too_many_names),   cmocka_unit_test(test_ingress),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
