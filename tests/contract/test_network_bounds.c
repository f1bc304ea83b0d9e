/* What no rule opens: the node, other sandboxes' names, addresses that are
 * nobody's. In a lab (support/net_lab.h); root. */
#include "contract/network_scene.h"

static void test_platform_is_closed(void **state)
{
    static const uint16_t ports[] = {53, 80};
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct sk_network_counts before;
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(apply(s, "n1-a", &allow_any), SK_OK);
    const struct {
        const char *host;
        uint16_t port;
        bool passes;
    } rows[] = {
        {"169.254.169.254", 80, false},   {"100.100.100.200", 80, false},   {"64:ff9b::a9fe:a9fe", 80, false},
        {"2002:a9fe:a9fe::1", 80, false}, {"fd00:ec2::254", 80, false},     {"203.0.113.1", 80, false},
        {"2a00:0:0:1::1", 80, false},     {"10.213.0.1", 80, false},        {"fd5a:4b01::1", 80, false},
        {"203.0.113.1", 53, false},       {"192.0.2.77", 80, false},        {"10.213.0.1", 53, true},
        {"fd5a:4b01::1", 53, true},       {"64:ff9b::c633:6407", 80, true}, {V4_A, 80, true},
    };
    struct lab_cell cells[2 * sk_array_len(rows)];
    for (size_t i = 0; i < sk_array_len(cells); i++)
        cells[i] = (struct lab_cell){.netns = place.netns,
                                     .type = i % 2 ? SOCK_DGRAM : SOCK_STREAM,
                                     .host = rows[i / 2].host,
                                     .port = rows[i / 2].port,
                                     .passes = rows[i / 2].passes};
    pid_t node = lab_serve(NULL, ports, 2);
    enum sk_code counted = read_counts(s, "n1-a", &before);
    lab_try(cells, sk_array_len(cells));
    bool all_counted = await_denials(s, "n1-a", before.denied_packets + 22);
    struct sk_net_policy mute = allow_any;
    mute.dns = SK_NET_DNS_NONE;
    enum sk_code muted = apply(s, "n1-a", &mute);
    bool is_muted = lab_is_kept_from(place.netns, SOCK_DGRAM, "10.213.0.1", 53);
    lab_stop(node);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    for (size_t i = 0; i < sk_array_len(cells); i++) {
        if (cells[i].reached != rows[i / 2].passes)
            fail_msg("%s port %u type %d: %d", cells[i].host, cells[i].port, cells[i].type, cells[i].reached);
    }
    assert_int_equal(counted, SK_OK);
    assert_true(all_counted);
    assert_int_equal(muted, SK_OK);
    assert_true(is_muted);
}

/* Sends as somebody else, who has a connection of just that kind open. */
static void test_spoofed_source(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place a, b;
    struct heard heard = {.rule = "spoofed", .loop = s->loop};
    char line[512], v4[SK_IP_TEXT_MAX];
    assert_int_equal(attach(s, "n1-a", false, &a) | attach(s, "n1-b", false, &b), 0);
    assert_int_equal(apply(s, "n1-a", &allow_any) | apply(s, "n1-b", &allow_any), 0);
    sk_ip_print(&b.ipv4, v4);
    s->network->ops->listen(s->network, hear, &heard);
    (void)snprintf(line, sizeof(line),
                   "ip addr add %s/32 dev lo && ip route change default via 10.213.0.1 dev eth0 "
                   "onlink src %s",
                   v4, v4);
    int disguised = lab_inside(a.netns, line);
    bool kept_from = lab_is_kept_from(a.netns, SOCK_DGRAM, V4_A, 53);
    bool other_reaches = lab_reaches(b.netns, SOCK_DGRAM, V4_A, 53);
    bool told = sk_wait_until(s->loop, &heard.denied, SK_SEC(60));
    s->network->ops->listen(s->network, ignore_all, NULL);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), 0);
    assert_int_equal(disguised, 0);
    assert_true(kept_from);
    assert_true(other_reaches);
    assert_true(told);
    assert_string_equal(heard.id, "n1-a");
}

/* --- the node's way in ------------------------------------------------------------------------ */

/* The node comes to public ports, and to nothing else; nobody else comes there. */
static void test_node_reaches_public_ports(void **state)
{
    static const uint16_t ports[] = {80, 443, 8080};
    struct network_suite *s = *state;
    struct real *r = sk_container_of(s, struct real, suite);
    struct sk_network_place a, b;
    struct sk_net_service services[] = {{SK_NET_TCP, 80, SK_NET_PUBLIC, false, 0},
                                        {SK_NET_UDP, 443, SK_NET_PUBLIC, false, 0},
                                        {SK_NET_TCP, 8080, SK_NET_SILENT, false, 0}};
    struct sk_net_rule peers[] = {{.peer = SK_NET_ANY}, {.peer = SK_NET_TENANT}};
    struct sk_net_policy callee = {.tenant = acme, .services = services, .service_count = 3};
    struct sk_net_policy caller = {.tenant = acme, .egress = peers, .egress_count = 2};
    char v4[SK_IP_TEXT_MAX], v6[SK_IP_TEXT_MAX];
    assert_int_equal(attach(s, "n1-a", false, &a) | attach(s, "n1-b", false, &b), 0);
    assert_int_equal(apply(s, "n1-a", &callee) | apply(s, "n1-b", &caller), 0);
    sk_ip_print(&a.ipv4, v4);
    sk_ip_print(&a.ipv6, v6);
    pid_t server = lab_serve(a.netns, ports, 3);
    const struct {
        const char *netns, *host;
        int type;
        uint16_t port;
        bool passes;
    } rows[] = {
        {NULL, v4, SOCK_STREAM, 80, true},
        {NULL, v6, SOCK_STREAM, 80, true},
        {NULL, v4, SOCK_DGRAM, 443, true},
        {NULL, v6, SOCK_DGRAM, 443, true},
        {NULL, v4, SOCK_DGRAM, 80, false},
        {NULL, v6, SOCK_DGRAM, 80, false},
        {NULL, v4, SOCK_STREAM, 443, false},
        {NULL, v6, SOCK_STREAM, 8080, false},
        {r->lab.internet, v4, SOCK_STREAM, 80, false},
        {r->lab.internet, v6, SOCK_DGRAM, 443, false},
        {b.netns, v4, SOCK_STREAM, 80, false},
        {b.netns, v6, SOCK_DGRAM, 443, false},
    };
    struct lab_cell cells[sk_array_len(rows)];
    for (size_t i = 0; i < sk_array_len(rows); i++)
        cells[i] = (struct lab_cell){rows[i].netns, rows[i].type, rows[i].host, rows[i].port, rows[i].passes};
    lab_try(cells, sk_array_len(cells));
    int fd = lab_connect(SOCK_STREAM, v4, 80, LAB_COMES_MS);
    bool before = lab_echoes(fd);
    enum sk_code shut = apply(s, "n1-a", &deny_all);
    bool is_cut = lab_is_cut(fd);
    (void)close(fd);
    lab_stop(server);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), 0);
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        if (cells[i].reached != rows[i].passes)
            fail_msg("row %zu: %d", i, cells[i].reached);
    }
    assert_int_equal(shut, SK_OK);
    assert_true(before && is_cut);
}

/* Of questions for names nothing is remembered: they do not fill the table of connections. */
static void test_questions_are_no_connections(void **state)
{
    static const uint16_t ports[] = {53};
    struct network_suite *s = *state;
    struct sk_network_place a;
    bool answered = true;
    assert_int_equal(attach(s, "n1-a", false, &a) | apply(s, "n1-a", &deny_all), 0);
    pid_t node = lab_serve(NULL, ports, 1);
    for (int i = 0; i < 10; i++)
        answered &= lab_reaches(a.netns, SOCK_DGRAM, i % 2 ? "fd5a:4b01::1" : "10.213.0.1", 53);
    bool by_tcp = lab_reaches(a.netns, SOCK_STREAM, "fd5a:4b01::1", 53);
    int remembered = lab_run("grep -E '(10.213.0.1|fd5a:4b01:[0:]*:0001) .*dport=53 ' "
                             "/proc/net/nf_conntrack | grep -v tcp");
    lab_stop(node);
    assert_int_equal(detach(s, "n1-a"), 0);
    assert_true(answered && by_tcp);
    assert_int_not_equal(remembered, 0);
}

/* --- what has no ports, or more than one piece --------------------------------------------------- */

/* A child's, inside: whether an echo request is answered. */
static int ping(const char *host, int limit_ms)
{
    struct sockaddr_storage at;
    socklen_t len = lab_address(host, 0, &at);
    bool is_v6 = at.ss_family == AF_INET6;
    uint8_t message[] = {is_v6 ? 128 : 8, 0, 0, 0, 0x53, 0x4B, 0, 1}, answer[128];
    uint16_t sum = (uint16_t) ~(0x0800 + 0x534B + 1);
    int fd = socket(at.ss_family, SOCK_RAW, is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    struct pollfd poll_it = {.fd = fd, .events = POLLIN};
    if (!is_v6)
        memcpy(message + 2, (uint8_t[]){(uint8_t)(sum >> 8), (uint8_t)sum}, 2);
    if (sendto(fd, message, sizeof(message), 0, (struct sockaddr *)&at, len) != sizeof(message))
        return 1;
    while (poll(&poll_it, 1, limit_ms) == 1) {
        ssize_t got = recv(fd, answer, sizeof(answer), 0);
        if (got > 0 && answer[is_v6 ? 0 : (answer[0] & 15) * 4] == (is_v6 ? 129 : 0))
            return 0;
    }
    return 1;
}

/* A child's, inside: whether a datagram of several pieces is answered. */
static int send_pieces(const char *host, int limit_ms)
{
    static char bytes[4000];
    int fd = lab_connect(SOCK_DGRAM, host, 53, limit_ms);
    struct pollfd poll_it = {.fd = fd, .events = POLLIN};
    return fd >= 0 && send(fd, bytes, sizeof(bytes), 0) == sizeof(bytes) &&
                   poll(&poll_it, 1, limit_ms) == 1 && recv(fd, bytes, sizeof(bytes), 0) > 0
               ? 0
               : 1;
}

typedef int attempt_fn(const char *host, int limit_ms);

static bool inside(const char *netns, attempt_fn *attempt, const char *host, int limit_ms)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0 && lab_enter(netns) < 0) {
        perror(netns);
        _exit(2);
    }
    if (child == 0)
        _exit(attempt(host, limit_ms));
    if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) > 1)
        abort();
    return WEXITSTATUS(status) == 0;
}

static bool both_pass(const char *netns, attempt_fn *attempt, const char *one, const char *other)
{
    return inside(netns, attempt, one, LAB_COMES_MS) && inside(netns, attempt, other, LAB_COMES_MS);
}

static bool neither_passes(const char *netns, attempt_fn *attempt, const char *one, const char *other)
{
    return !inside(netns, attempt, one, LAB_QUIET_MS) && !inside(netns, attempt, other, LAB_QUIET_MS);
}

static void test_pings_and_pieces(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place a;
    struct sk_net_ports udp_53 = {SK_NET_UDP, 53, 53}, udp_80 = {SK_NET_UDP, 80, 80};
    struct sk_net_rule rules[] = {{.peer = SK_NET_ANY, .ports = &udp_53, .port_count = 1},
                                  {.peer = SK_NET_ANY, .ports = &udp_80, .port_count = 1}};
    struct sk_net_policy on_53 = {.tenant = acme, .egress = &rules[0], .egress_count = 1};
    struct sk_net_policy on_80 = {.tenant = acme, .egress = &rules[1], .egress_count = 1};
    assert_int_equal(attach(s, "n1-a", false, &a) | apply(s, "n1-a", &allow_any), SK_OK);
    assert_true(both_pass(a.netns, ping, V4_A, V6_A));
    assert_true(both_pass(a.netns, send_pieces, V4_A, V6_A));
    assert_true(neither_passes(a.netns, ping, "203.0.113.1", "2a00:0:0:1::1"));
    assert_true(neither_passes(a.netns, ping, "10.213.0.1", "169.254.169.254"));
    assert_int_equal(apply(s, "n1-a", &on_53), SK_OK);
    assert_true(both_pass(a.netns, send_pieces, V4_B, V6_B));
    assert_true(neither_passes(a.netns, ping, V4_B, V6_B));
    assert_int_equal(apply(s, "n1-a", &on_80), SK_OK);
    assert_true(neither_passes(a.netns, send_pieces, V4_A, V6_A));
    assert_int_equal(detach(s, "n1-a"), SK_OK);
}

NETWORK_MAIN(NULL, IN_LAB(test_platform_is_closed), IN_LAB(test_spoofed_source),
             IN_LAB(test_node_reaches_public_ports), IN_LAB(test_questions_are_no_connections),
             IN_LAB(test_pings_and_pieces))
