/* The config's exceptions to what is closed to all. In a lab
 * (support/net_lab.h); root. */
#include "contract/network_scene.h"

#define GATE 8443

static struct sk_nftables_exception exceptions[8];

static void with_exceptions(struct sk_nftables_options *options)
{
    exceptions[0] = (struct sk_nftables_exception){block("192.0.2.77/32"), SK_NET_TCP, 80};
    exceptions[1] = (struct sk_nftables_exception){block("203.0.113.1/32"), SK_NET_TCP, 8080};
    exceptions[2] = (struct sk_nftables_exception){block("2a00:0:0:1::1/128"), SK_NET_TCP, 8080};
    exceptions[3] = (struct sk_nftables_exception){block("169.254.169.254/32"), 0, 0};
    exceptions[4] = (struct sk_nftables_exception){block("fd00:ec2::254/128"), SK_NET_UDP, 0};
    /* Wide enough to have the sandboxes, and the node's own doors. */
    exceptions[5] = (struct sk_nftables_exception){block("10.0.0.0/8"), 0, 0};
    exceptions[6] = (struct sk_nftables_exception){block("10.213.0.0/24"), SK_NET_TCP, 80};
    exceptions[7] = (struct sk_nftables_exception){block("fd5a::/16"), 0, 0};
    options->reachable = exceptions;
    options->reachable_count = sk_array_len(exceptions);
    options->gate_port = GATE;
}

static void expect(const char *netns, const char *host, int type, uint16_t port, bool passes)
{
    struct lab_cell cell = {netns, type, host, port, passes};
    lab_try(&cell, 1);
    if (cell.reached != passes)
        fail_msg("%s port %u type %d: %d", host, port, type, !passes);
}

static void test_rules_decide(void **state)
{
    static const uint16_t ports[] = {53, 80, 443, 8080, GATE};
    struct network_suite *s = *state;
    struct sk_network_place a, b;
    struct sk_net_ports tcp_8080 = {SK_NET_TCP, 8080, 8080};
    struct sk_net_rule narrow[] = {
        {.peer = SK_NET_CIDR, .cidr = block("203.0.113.1/32"), .ports = &tcp_8080, .port_count = 1},
        {.peer = SK_NET_CIDR, .cidr = block("2a00:0:0:1::1/128"), .ports = &tcp_8080, .port_count = 1},
    };
    struct sk_net_policy few = {.tenant = acme, .egress = narrow, .egress_count = 2, .dns = SK_NET_DNS_NONE};
    struct sk_net_policy mute = allow_any;
    char neighbour4[SK_IP_TEXT_MAX], neighbour6[SK_IP_TEXT_MAX];
    mute.dns = SK_NET_DNS_NONE;
    assert_int_equal(attach(s, "n1-a", false, &a) | attach(s, "n1-b", false, &b), SK_OK);
    assert_int_equal(apply(s, "n1-a", &mute) | apply(s, "n1-b", &deny_all), SK_OK);
    sk_ip_print(&b.ipv4, neighbour4);
    sk_ip_print(&b.ipv6, neighbour6);
    pid_t node = lab_serve(NULL, ports, sk_array_len(ports)), box = lab_serve(b.netns, ports, 3);
    const struct {
        const char *host;
        int type;
        uint16_t port;
        bool with_any, with_few;
    } rows[] = {
        {"192.0.2.77", SOCK_STREAM, 80, true, false},       {"192.0.2.77", SOCK_STREAM, 443, false, false},
        {"192.0.2.77", SOCK_DGRAM, 80, false, false},       {"203.0.113.1", SOCK_STREAM, 8080, true, true},
        {"203.0.113.1", SOCK_STREAM, 80, false, false},     {"203.0.113.1", SOCK_DGRAM, 8080, false, false},
        {"2a00:0:0:1::1", SOCK_STREAM, 8080, true, true},   {"2a00:0:0:1::1", SOCK_DGRAM, 8080, false, false},
        {"169.254.169.254", SOCK_STREAM, 80, true, false},  {"169.254.169.254", SOCK_DGRAM, 443, true, false},
        {"fd00:ec2::254", SOCK_DGRAM, 53, true, false},     {"fd00:ec2::254", SOCK_STREAM, 80, false, false},
        {"100.100.100.200", SOCK_STREAM, 80, false, false}, {"10.213.0.1", SOCK_STREAM, 80, true, false},
        {"fd5a:4b01::1", SOCK_STREAM, 8080, true, false},   {"10.213.0.1", SOCK_STREAM, GATE, false, false},
        {"fd5a:4b01::1", SOCK_STREAM, GATE, false, false},  {"10.213.0.1", SOCK_DGRAM, 53, false, false},
        {"fd5a:4b01::1", SOCK_STREAM, 53, false, false},    {neighbour4, SOCK_STREAM, 80, false, false},
        {neighbour6, SOCK_DGRAM, 443, false, false},
    };
    for (size_t i = 0; i < sk_array_len(rows); i++)
        expect(a.netns, rows[i].host, rows[i].type, rows[i].port, rows[i].with_any);
    int fds[] = {lab_connect_inside(a.netns, SOCK_STREAM, "203.0.113.1", 8080),
                 lab_connect_inside(a.netns, SOCK_STREAM, "10.213.0.1", 80),
                 lab_connect_inside(a.netns, SOCK_STREAM, "192.0.2.77", 80)};
    enum sk_code narrowed = apply(s, "n1-a", &few);
    bool kept = lab_echoes(fds[0]), lost = lab_is_cut(fds[1]) && lab_is_cut(fds[2]);
    for (size_t i = 0; i < sk_array_len(fds); i++)
        (void)close(fds[i]);
    for (size_t i = 0; i < sk_array_len(rows); i++)
        expect(a.netns, rows[i].host, rows[i].type, rows[i].port, rows[i].with_few);
    assert_int_equal(apply(s, "n1-a", &deny_all), SK_OK);
    expect(a.netns, "203.0.113.1", SOCK_STREAM, 8080, false);
    lab_stop(node);
    lab_stop(box);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), SK_OK);
    assert_int_equal(narrowed, SK_OK);
    assert_true(kept && lost);
}

/* An internal host's name may be granted where the config lets sandboxes come to it. */
static void test_names_may_stand_for_them(void **state)
{
    static const uint16_t ports[] = {GATE};
    struct network_suite *s = *state;
    struct sk_network_place a;
    assert_int_equal(attach(s, "n1-a", false, &a) | apply(s, "n1-a", &by_names), SK_OK);
    pid_t gate = lab_serve(NULL, ports, 1);
    assert_int_equal(grant(s, "n1-a", "169.254.169.254", LONG_S) | grant(s, "n1-a", "192.0.2.77", LONG_S),
                     SK_OK);
    expect(a.netns, "169.254.169.254", SOCK_STREAM, 443, true);
    expect(a.netns, "192.0.2.77", SOCK_STREAM, 443, false); /* but for port 80 */
    lab_stop(gate);
    expect(a.netns, "169.254.169.254", SOCK_STREAM, 443, false);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
}

NETWORK_MAIN(with_exceptions, IN_LAB(test_rules_decide), IN_LAB(test_names_may_stand_for_them))
