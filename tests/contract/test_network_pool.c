/* Addresses of sandboxes that nobody has: what is for them goes nowhere. In a
 * lab (support/net_lab.h); root. */
#include "contract/network_scene.h"

/* In the pools, and right behind them. */
static const char *const nobodys[] = {"10.213.0.77", "fd5a:4b01::77"};
static const char *const others[] = {"10.213.1.77", "fd5a:4b01::1:77"};

static void say(const char *netns, const char *host)
{
    int fd = lab_connect_inside(netns, SOCK_DGRAM, host, 4321);
    if (fd >= 0)
        (void)!send(fd, "ping", 4, MSG_NOSIGNAL);
    (void)close(fd);
}

static void watch(const struct net_lab *lab)
{
    assert_int_equal(
        lab_inside(lab->internet,
                   "nft 'table inet seen { set by4 { type ipv4_addr; flags dynamic; size 64; }; "
                   "set by6 { type ipv6_addr; flags dynamic; size 64; }; "
                   "chain in { type filter hook prerouting priority 0; "
                   "iifname net0 update @by4 { ip daddr }; iifname net0 update @by6 { ip6 daddr }; }; }' && "
                   "ip route add 10.213.0.0/16 via 203.0.113.1 && "
                   "ip -6 route add fd5a:4b01::/64 via 2a00:0:0:1::1"),
        0);
}

/* Whether the node has sent it something by way of the internet. */
static bool is_seen(const struct net_lab *lab, const char *host)
{
    char line[200];
    (void)snprintf(line, sizeof(line), "nft list set inet seen %s | grep -qwF %s",
                   strchr(host, ':') ? "by6" : "by4", host);
    return lab_inside(lab->internet, line) == 0;
}

static bool becomes_seen(const struct net_lab *lab, const char *host)
{
    bool seen = false;
    for (int waited = 0; waited < LAB_COMES_MS && !seen; waited += 100) {
        (void)usleep(100 * 1000);
        seen = is_seen(lab, host);
    }
    return seen;
}

static void test_nobodys_packets_stay(void **state)
{
    struct network_suite *s = *state;
    const struct net_lab *lab = &sk_container_of(s, struct real, suite)->lab;
    static const char *const here = "/proc/self/ns/net";
    const char *const from[] = {here, lab->internet};
    watch(lab);
    for (size_t f = 0; f < 2; f++) {
        for (size_t v = 0; v < 2; v++) {
            say(from[f], nobodys[v]);
            say(from[f], others[v]);
            if (!becomes_seen(lab, others[v]) || is_seen(lab, nobodys[v]))
                fail_msg("from %s: %s is seen: %d, %s: %d", from[f], nobodys[v], is_seen(lab, nobodys[v]),
                         others[v], is_seen(lab, others[v]));
        }
        assert_int_equal(
            lab_inside(lab->internet, "nft flush set inet seen by4 && nft flush set inet seen by6"), 0);
    }
}

/* A sandbox whose peer has ended in the middle of a talk. */
static void test_talks_with_the_gone_stay(void **state)
{
    static const uint16_t ports[] = {8080};
    struct network_suite *s = *state;
    const struct net_lab *lab = &sk_container_of(s, struct real, suite)->lab;
    struct sk_net_rule tenant = {.peer = SK_NET_TENANT};
    struct sk_net_service service = {.protocol = SK_NET_TCP, .port = 8080, .visibility = SK_NET_PRIVATE};
    struct sk_net_policy calls = {.tenant = acme, .egress = &tenant, .egress_count = 1};
    struct sk_net_policy serves = {.tenant = acme, .services = &service, .service_count = 1};
    struct sk_network_place a, b;
    char host[SK_IP_TEXT_MAX];
    assert_int_equal(attach(s, "n1-a", false, &a) | attach(s, "n1-b", false, &b), SK_OK);
    assert_int_equal(apply(s, "n1-a", &calls) | apply(s, "n1-b", &serves), SK_OK);
    sk_ip_print(&b.ipv4, host);
    pid_t server = lab_serve(b.netns, ports, 1);
    int fd = lab_connect_inside(a.netns, SOCK_STREAM, host, 8080);
    bool talked = lab_echoes(fd);
    lab_stop(server);
    assert_int_equal(detach(s, "n1-b"), SK_OK);
    (void)lab_echo(fd, LAB_QUIET_MS);
    (void)close(fd);
    (void)usleep(1500 * 1000);
    bool is_out = is_seen(lab, host);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_true(talked);
    assert_false(is_out);
}

NETWORK_MAIN(NULL, IN_LAB(test_nobodys_packets_stay), IN_LAB(test_talks_with_the_gone_stay))
