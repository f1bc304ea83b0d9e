/* What the configuration says of networks, names and the edge: taken as values, refused in words. */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct sk_config config;
    struct sk_faults faults;
};

static int set_up(void **state)
{
    struct fixture *f = sk_alloc(sizeof(*f));

    sk_faults_init(&f->faults, "test.json");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    sk_config_fini(&f->config);
    sk_faults_fini(&f->faults);
    free(f);
    return 0;
}

static bool parse(struct fixture *f, const char *text)
{
    sk_config_fini(&f->config);
    sk_faults_fini(&f->faults);
    sk_faults_init(&f->faults, "test.json");
    return sk_config_parse(&f->config, text, strlen(text), &f->faults);
}

static void refused(struct fixture *f, const char *text, const char *lines)
{
    if (parse(f, text))
        fail_msg("%s was accepted", text);
    assert_string_equal((const char *)f->faults.text.data, lines);
}

static void accepted(struct fixture *f, const char *text)
{
    if (!parse(f, text))
        fail_msg("%s was refused: %s", text, (const char *)f->faults.text.data);
}

static void assert_ip(const struct sk_ip *ip, const char *wanted)
{
    char text[SK_IP_TEXT_MAX];

    sk_ip_print(ip, text);
    assert_string_equal(text, wanted);
}

static void assert_cidr(const struct sk_cidr *cidr, const char *wanted)
{
    char text[SK_CIDR_TEXT_MAX];

    sk_cidr_print(cidr, text);
    assert_string_equal(text, wanted);
}

static void has_defaults(void **state)
{
    struct fixture *f = *state;
    const struct sk_config *c = &f->config;

    accepted(f, "{}");
    assert_string_equal(c->network, "nftables");
    assert_string_equal(c->network_name, "sandkeep");
    assert_cidr(&c->network_ipv4_pool, "10.231.0.0/16");
    assert_int_equal(c->network_ipv6_pool.prefix, 0);
    assert_true(c->network_masquerade_ipv6);
    assert_int_equal(c->network_forbidden.len, 0);
    assert_int_equal(c->network_reachable.len, 0);
    assert_null(c->dns_upstreams[0]);
    assert_null(c->dns_internal_names[0]);
    assert_string_equal(c->edge_program, "auto");
    assert_ip(&c->edge_listen, "127.0.0.1");
    assert_int_equal(c->edge_ports.first, 20000);
    assert_int_equal(c->edge_ports.last, 20999);
    assert_string_equal(c->edge_domain, "");
}

static void takes_blocks_and_exceptions(void **state)
{
    struct fixture *f = *state;
    const struct sk_config *c = &f->config;
    const struct sk_reachable_setting *r;

    accepted(f, "{\"network_ipv4_pool\": \"100.64.0.0/10\", \"network_ipv6_pool\": \"fd31:7463::/64\","
                "\"network_forbidden\": [\"192.0.2.0/24\", \"192.0.3.7\", \"::ffff:10.0.0.0/104\"],"
                "\"network_reachable\": [\"10.0.0.5\", \"10.0.0.0/24 tcp 5000\", \"fd00::/64 udp 53\","
                "\"10.1.2.3/32 sctp\"]}");
    assert_cidr(&c->network_ipv4_pool, "100.64.0.0/10");
    assert_cidr(&c->network_ipv6_pool, "fd31:7463::/64");
    assert_int_equal(c->network_forbidden.len, 3);
    assert_cidr(&c->network_forbidden.items[0], "192.0.2.0/24");
    assert_cidr(&c->network_forbidden.items[1], "192.0.3.7/32");
    assert_cidr(&c->network_forbidden.items[2], "10.0.0.0/8");
    assert_int_equal(c->network_reachable.len, 4);
    r = c->network_reachable.items;
    assert_cidr(&r[0].cidr, "10.0.0.5/32");
    assert_int_equal(r[0].protocol, 0);
    assert_int_equal(r[0].port, 0);
    assert_cidr(&r[1].cidr, "10.0.0.0/24");
    assert_int_equal(r[1].protocol, SK_NET_TCP);
    assert_int_equal(r[1].port, 5000);
    assert_cidr(&r[2].cidr, "fd00::/64");
    assert_int_equal(r[2].protocol, SK_NET_UDP);
    assert_int_equal(r[2].port, 53);
    assert_int_equal(r[3].protocol, SK_NET_SCTP);
    assert_int_equal(r[3].port, 0);
}

static void takes_resolvers_and_names(void **state)
{
    struct fixture *f = *state;
    const struct sk_config *c = &f->config;
    accepted(f, "{\"dns_upstreams\": [\"192.0.2.53\", \"192.0.2.53:5353\", \"2001:db8::53\","
                "\"[2001:db8::53]:54\"], \"dns_internal_names\": [\"repo.example.com\", \"*.lan\"]}");
    assert_string_equal(c->dns_upstreams[3], "[2001:db8::53]:54");
    assert_null(c->dns_upstreams[4]);
    assert_string_equal(c->dns_internal_names[1], "*.lan");
    assert_null(c->dns_internal_names[2]);
}

static void knows_resolvers(void **state)
{
    static const struct {
        const char *text, *ip;
        uint16_t port;
    } samples[] = {{"192.0.2.53", "192.0.2.53", 53},
                   {"192.0.2.53:5353", "192.0.2.53", 5353},
                   {"2001:db8::53", "2001:db8::53", 53},
                   {"[2001:db8::53]:54", "2001:db8::53", 54}};
    struct sk_resolver_address address;

    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        assert_true(sk_read_resolver(samples[i].text, &address));
        assert_ip(&address.ip, samples[i].ip);
        assert_int_equal(address.port, samples[i].port);
    }
}

static void takes_an_edge(void **state)
{
    struct fixture *f = *state;
    const struct sk_config *c = &f->config;

    accepted(f, "{\"edge_program\": \"none\", \"edge_address\": \"[2001:db8::7]\", \"edge_listen\": \"::\","
                "\"edge_ports\": \"\", \"edge_domain\": \"box.example.com\", \"edge_certificate\": \"/c\"}");
    assert_string_equal(c->edge_address, "[2001:db8::7]");
    assert_ip(&c->edge_listen, "::");
    assert_int_equal(c->edge_ports.first, 0);
    assert_int_equal(c->edge_ports.last, 0);
    accepted(f, "{\"edge_ports\": \"65535\", \"edge_address\": \"node7.example\"}");
    assert_int_equal(c->edge_ports.first, 65535);
    assert_int_equal(c->edge_ports.last, 65535);
    accepted(f, "{\"edge_ports\": \"1-4096\"}");
    assert_int_equal(c->edge_ports.last, 4096);
}

static void refuses_what_cannot_be_read(void **state)
{
    static const struct {
        const char *key, *values[16];
    } samples[] = {
        {"network", {"\"none\"", "\"\"", "1"}},
        {"network_name", {"\"\"", "\"ninechars\"", "\"a1\"", "\"A\"", "\"a-b\""}},
        {"network_ipv4_pool",
         {"\"\"", "\"10.0.0.0\"", "\"10.0.0.1/16\"", "\"10.0.0.0/30\"", "\"0.0.0.0/0\"", "\"0.0.0.0/7\"",
          "\"fd00::/64\"", "\"10.0.0.0/16 \"", "[]"}},
        {"network_ipv6_pool",
         {"\"fd00::\"", "\"fd00::/113\"", "\"fd00::/8\"", "\"10.0.0.0/16\"", "\"::ffff:10.0.0.0/112\""}},
        {"network_forbidden", {"\"10.0.0.0/8\"", "[\"\"]", "[\"10.0.0.1/8\"]", "[\"example.com\"]", "[5]"}},
        {"network_reachable",
         {"[\"10.0.0.5 \"]", "[\"10.0.0.5 icmp\"]", "[\"10.0.0.5 tcp 0\"]", "[\"10.0.0.5 tcp 65536\"]",
          "[\"10.0.0.5 tcp 5-6\"]", "[\"10.0.0.5 tcp  5\"]", "[\"10.0.0.5 tcp 5 \"]", "[\"10.0.0.5 tcp \"]",
          "[\"10.0.0.5 TCP 5\"]", "[\"10.0.0.5 tcp 5-\"]", "[\" tcp 5\"]", "[\"10.0.0.5 tcp +5\"]",
          "[\"10.0.0.5 tcp 05\"]"}},
        {"dns_upstreams",
         {"[\"\"]", "[\"one.example\"]", "[\"192.0.2.1:\"]", "[\"192.0.2.1:0\"]", "[\"192.0.2.1:65536\"]",
          "[\"[192.0.2.1]:53\"]", "[\"[2001:db8::1]\"]", "[\"[2001:db8::1]53\"]", "[\"[2001:db8::1\"]",
          "[\"fe80::1%eth0\"]", "[\"192.0.2.1:53:53\"]"}},
        {"dns_internal_names",
         {"[\"\"]", "[\"*\"]", "[\"*.\"]", "[\"A.example\"]", "[\"a.example.\"]", "[\"a.*.example\"]",
          "[\"10.0.0.1\"]", "[\"a b\"]"}},
        {"edge_address",
         {"\"\"", "\"a:80\"", "\"[::1]:80\"", "\"::1\"", "\"http://a\"", "\"a/b\"", "\"[::1\""}},
        {"edge_listen", {"\"\"", "\"localhost\"", "\"127.0.0.1:80\"", "\"[::]\""}},
        {"edge_ports",
         {"\"0\"", "\"0-5\"", "\"5-4\"", "\"1-65536\"", "\"-\"", "\"1-2-3\"", "\" 1\"", "20000"}},
        {"edge_domain",
         {"\"com\"", "\".example.com\"", "\"*.example.com\"", "\"Box.example.com\"", "\"1.2.3.4\""}},
        {"network_log_group", {"0", "65536"}},
        {"dns_rate", {"0"}},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(samples); i++)
        for (const char *const *value = samples[i].values; *value; value++) {
            SK_AUTO_FREE char *text = sk_printf("{\"%s\": %s}", samples[i].key, *value);
            if (parse(f, text))
                fail_msg("%s was accepted", text);
        }
}

static void says_what_would_be_right(void **state)
{
    refused(
        *state,
        "{\"network\": \"bridge\",\n"
        "\"network_ipv4_pool\": \"10.0.0.1/16\",\n"
        "\"network_reachable\": [\"10.0.0.5 icmp\"],\n"
        "\"dns_upstreams\": [\"192.0.2.1\", \"one.example\"],\n"
        "\"edge_address\": \"a:80\",\n"
        "\"edge_ports\": \"a few\"}",
        "test.json:1: network: \"bridge\" will not do, give \"nftables\" or \"cni\"\n"
        "test.json:2: network_ipv4_pool: \"10.0.0.1/16\" will not do, give a block of IPv4 addresses like "
        "\"10.231.0.0/16\", from /8 to /29\n"
        "test.json:3: network_reachable[0]: \"10.0.0.5 icmp\" will not do, give \"10.0.0.5/32\", "
        "\"10.0.0.5/32 tcp 5000\" or \"fd00::/64 udp\"\n"
        "test.json:4: dns_upstreams[1]: \"one.example\" will not do, give \"192.0.2.53\", \"192.0.2.53:53\" "
        "or \"[2001:db8::53]:53\"\n"
        "test.json:5: edge_address: \"a:80\" will not do, give a name or an address, IPv6 in [ ], without a "
        "port\n"
        "test.json:6: edge_ports: \"a few\" will not do, give ports like \"20000-20999\", or nothing\n");
}

static void wants_pools_that_mean_nothing_elsewhere(void **state)
{
    static const char *const bad4[] = {"127.0.0.0/16",  "224.0.0.0/8",   "8.8.0.0/16", "169.254.0.0/16",
                                       "240.0.0.0/8",   "172.0.0.0/8",   "0.0.0.0/8",  "192.0.0.0/16",
                                       "172.16.0.0/11", "255.255.0.0/16"};
    static const char *const bad6[] = {"2a00::/64", "ff02::/64", "fe80::/64"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(bad4); i++) {
        SK_AUTO_FREE char *text = sk_printf("{\"network_ipv4_pool\": \"%s\"}", bad4[i]);
        if (parse(f, text))
            fail_msg("%s was accepted", text);
    }
    for (size_t i = 0; i < sk_array_len(bad6); i++) {
        SK_AUTO_FREE char *text = sk_printf("{\"network_ipv6_pool\": \"%s\"}", bad6[i]);
        if (parse(f, text))
            fail_msg("%s was accepted", text);
    }
    accepted(f, "{\"network_ipv6_pool\": \"2a00:1450::/64\", \"network_masquerade_ipv6\": false}");
    accepted(f, "{\"network_ipv4_pool\": \"198.18.0.0/15\"}");
    refused(f, "{\n\"network_ipv4_pool\": \"8.8.0.0/16\"}",
            "test.json:2: network_ipv4_pool: has 8.8.0.0, which is of the internet: give a block of "
            "addresses for "
            "private use\n");
}

static void checks_what_must_fit_together(void **state)
{
    struct fixture *f = *state;

    refused(
        f, "{\"network_ipv4_pool\": \"10.0.0.0/8\",\n\"dns_upstreams\": [\"192.0.2.1\", \"10.9.8.7\"]}",
        "test.json:2: dns_upstreams[1]: \"10.9.8.7\" lies in a pool of sandboxes' addresses, give a resolver "
        "outside\n");
    refused(
        f, "{\"network_ipv6_pool\": \"fd00::/64\", \"dns_upstreams\": [\"fd00::1\"]}",
        "test.json:1: dns_upstreams[0]: \"fd00::1\" lies in a pool of sandboxes' addresses, give a resolver "
        "outside\n");
    refused(f, "{\"network\": \"cni\"}",
            "test.json:1: cni_config: is missing where network is \"cni\", give the path of a .conflist\n");
    accepted(f, "{\"network\": \"cni\", \"cni_config\": \"/etc/cni/net.d/10-net.conflist\"}");
    refused(f, "{\"edge_domain\": \"box.example.com\"}",
            "test.json:1: edge_certificate: is missing beside edge_domain, give both\n");
    refused(f, "{\"edge_certificate\": \"/c\"}",
            "test.json:1: edge_domain: is missing beside edge_certificate, give both\n");
    refused(f, "{\"edge_ports\": \"1-4097\"}", "test.json:1: edge_ports: are 4097 ports, give up to 4096\n");
    refused(f, "{\"edge_ports\": \"400-500\", \"edge_domain\": \"a.b\",\n\"edge_certificate\": \"/c\"}",
            "test.json:1: edge_ports: have edge_https_port, 443, among them\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(has_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_blocks_and_exceptions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_resolvers_and_names, set_up, tear_down),
        cmocka_unit_test(knows_resolvers),
        cmocka_unit_test_setup_teardown(takes_an_edge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_cannot_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_would_be_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wants_pools_that_mean_nothing_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_what_must_fit_together, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
