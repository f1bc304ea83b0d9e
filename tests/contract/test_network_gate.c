/* HTTPS to granted names where a gate looks at it: it leads there, and nothing
 * else does. In a lab (support/net_lab.h); root. */
#include "contract/network_scene.h"

#include <linux/netfilter_ipv4.h>

#define GATE 8443

static void with_gate(struct sk_nftables_options *options)
{
    options->gate_port = GATE;
}

/* --- the gate ------------------------------------------------------------------------ */

/* Says where the caller had meant to go, then echoes. */
static void serve_caller(int fd)
{
    struct sockaddr_storage meant = {0};
    socklen_t len = sizeof(meant);
    char text[128], ip[INET6_ADDRSTRLEN] = "?";
    bool is_v4 = getsockopt(fd, IPPROTO_IP, SO_ORIGINAL_DST, &meant, &len) == 0;
    if (!is_v4)
        (void)getsockopt(fd, IPPROTO_IPV6, SO_ORIGINAL_DST, &meant, &len);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&meant;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&meant;
    (void)inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, ip,
                    sizeof(ip));
    int wrote = snprintf(text, sizeof(text), "gate %s", ip);
    ssize_t got = send(fd, text, (size_t)wrote, MSG_NOSIGNAL);
    while (got > 0) {
        got = recv(fd, text, sizeof(text), 0);
        if (got > 0)
            got = send(fd, text, (size_t)got, MSG_NOSIGNAL);
    }
}

static void serve_gate(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && fork() == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve_caller(fd);
            _exit(0);
        }
        (void)close(fd);
    }
}

static pid_t open_gate(int family)
{
    int fd = lab_listener(family, SOCK_STREAM, GATE);
    (void)fcntl(fd, F_SETFL, 0);
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGCHLD, SIG_IGN);
        serve_gate(fd);
    }
    (void)close(fd);
    return fd < 0 ? -1 : child;
}

/* "" = nothing. */
static void hear_first(int fd, int limit_ms, char out[64])
{
    struct pollfd poll_it = {.fd = fd, .events = POLLIN};
    ssize_t got = poll(&poll_it, 1, limit_ms) == 1 ? recv(fd, out, 63, 0) : 0;
    out[got > 0 ? got : 0] = '\0';
}

/* Who should say something first: "gate <ip>", "" = somebody who waits, "-" = nobody is there. Returns the
 * connection. */
static int call(const char *netns, const char *host, uint16_t port, const char *wanted)
{
    int connect_ms = *wanted == '-' ? LAB_QUIET_MS : LAB_COMES_MS;
    int speak_ms = *wanted ? LAB_COMES_MS : LAB_QUIET_MS;
    int fd = lab_connect_within(netns, SOCK_STREAM, host, port, connect_ms);
    char said[64] = "-";
    if (fd >= 0)
        hear_first(fd, speak_ms, said);
    if (strcmp(said, wanted) != 0)
        fail_msg("%s port %u: '%s', not '%s'", host, port, said, wanted);
    return fd;
}

static void expect(const char *netns, const char *host, uint16_t port, const char *wanted)
{
    int fd = call(netns, host, port, wanted);
    if (fd >= 0)
        (void)close(fd);
}

/* --- tests ----------------------------------------------------------------------------- */

static struct sk_net_rule names_and_a[] = {
    {.peer = SK_NET_NAME, .name = example}, {.peer = SK_NET_NAME, .name = other_name}, {.peer = SK_NET_CIDR}};
static const struct sk_net_policy by_names_and_a = {
    .tenant = acme, .egress = names_and_a, .egress_count = 3, .dns = SK_NET_DNS_GRANTED};

struct gates {
    pid_t v4, v6;
};

static int open_gates(void **state)
{
    static struct gates gates;
    (void)state;
    names_and_a[2].cidr = block(V4_A "/32");
    gates = (struct gates){open_gate(AF_INET), open_gate(AF_INET6)};
    return gates.v4 > 0 && gates.v6 > 0 ? 0 : -1;
}

static void test_granted_leads_to_the_gate(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place a, b;
    assert_int_equal(attach(s, "n1-a", false, &a) | attach(s, "n1-b", false, &b), 0);
    assert_int_equal(apply(s, "n1-a", &by_names) | apply(s, "n1-b", &by_names), 0);
    expect(a.netns, V4_A, 443, "-");
    assert_int_equal(grant(s, "n1-a", V4_A, LONG_S) | grant(s, "n1-a", V6_A, LONG_S), 0);
    expect(a.netns, V4_A, 443, "gate " V4_A);
    expect(a.netns, V6_A, 443, "gate " V6_A);
    expect(a.netns, V4_B, 443, "-");
    expect(b.netns, V4_A, 443, "-");
    expect(b.netns, V6_A, 443, "-");
    struct lab_cell cells[] = {{a.netns, SOCK_STREAM, V4_A, 80},
                               {a.netns, SOCK_DGRAM, V4_A, 443},
                               {a.netns, SOCK_DGRAM, V6_A, 443},
                               {a.netns, SOCK_STREAM, V4_A, GATE},
                               {a.netns, SOCK_STREAM, "10.213.0.1", GATE},
                               {a.netns, SOCK_STREAM, "10.213.0.1", 443},
                               {a.netns, SOCK_STREAM, "fd5a:4b01::1", GATE}};
    lab_try(cells, sk_array_len(cells));
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), 0);
    for (size_t i = 0; i < sk_array_len(cells); i++)
        assert_false(cells[i].reached);
    assert_int_not_equal(lab_run("nft list sets inet | grep -q granted"), 0);
}

/* Rules wide enough for all open neither the gate's own door nor its eyes. */
static void test_open_is_open(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place a;
    assert_int_equal(attach(s, "n1-a", false, &a), SK_OK);
    assert_int_equal(apply(s, "n1-a", &by_names_and_a), SK_OK);
    assert_int_equal(grant(s, "n1-a", V4_A, LONG_S) | grant(s, "n1-a", V4_B, LONG_S), 0);
    expect(a.netns, V4_A, 443, "");
    expect(a.netns, V4_A, 80, "");
    expect(a.netns, V4_B, 443, "gate " V4_B);
    assert_int_equal(apply(s, "n1-a", &allow_any), SK_OK);
    expect(a.netns, V4_B, 443, "");
    bool kept_from = lab_is_kept_from(a.netns, SOCK_STREAM, "10.213.0.1", GATE);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_true(kept_from);
}

/* Connections past the gate end when only the gate is open, and those through it when it is not. */
static void test_tightening_cuts(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place a;
    assert_int_equal(attach(s, "n1-a", false, &a) | apply(s, "n1-a", &by_names_and_a), SK_OK);
    assert_int_equal(grant(s, "n1-a", V4_A, LONG_S) | grant(s, "n1-a", V6_A, LONG_S), 0);
    int direct = call(a.netns, V4_A, 443, ""), gated = call(a.netns, V6_A, 443, "gate " V6_A);
    assert_int_equal(apply(s, "n1-a", &by_names), SK_OK);
    bool direct_is_cut = lab_is_cut(direct), gated_goes_on = lab_echoes(gated);
    expect(a.netns, V4_A, 443, "gate " V4_A); /* what was granted before is of use now */
    int gated4 = call(a.netns, V4_A, 443, "gate " V4_A);
    assert_int_equal(apply(s, "n1-a", &by_names_and_a), SK_OK);
    expect(a.netns, V4_A, 443, "");
    bool gated4_goes_on = lab_echoes(gated4);
    assert_int_equal(grant_as(s, "n1-a", other_name, V4_A, LONG_S), SK_OK);
    assert_int_equal(grant_as(s, "n1-a", other_name, V4_B, LONG_S), SK_OK);
    int lone = call(a.netns, V4_B, 443, "gate " V4_B);
    assert_int_equal(apply(s, "n1-a", &by_one_name), SK_OK);
    bool is_kept = lab_echoes(gated) && lab_echoes(gated4), lone_is_cut = lab_is_cut(lone);
    expect(a.netns, V6_A, 443, "gate " V6_A);
    expect(a.netns, V4_B, 443, "-");
    assert_int_equal(apply(s, "n1-a", &by_other_name), SK_OK);
    bool is_cut = lab_is_cut(gated) && lab_is_cut(gated4);
    expect(a.netns, V6_A, 443, "-");
    assert_int_equal(apply(s, "n1-a", &by_one_name), SK_OK);
    expect(a.netns, V6_A, 443, "-");
    assert_int_equal(grant(s, "n1-a", V6_A, LONG_S), SK_OK);
    /* Not even a new grant brings back what was asked for under another. */
    bool is_still_cut = !lab_echo(gated, 1000);
    int again = call(a.netns, V6_A, 443, "gate " V6_A);
    assert_int_equal(apply(s, "n1-a", &deny_all), SK_OK);
    bool again_is_cut = lab_is_cut(again);
    int fds[] = {direct, gated, gated4, lone, again};
    for (size_t i = 0; i < sk_array_len(fds); i++)
        (void)close(fds[i]);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_true(direct_is_cut);
    assert_true(gated_goes_on && gated4_goes_on);
    assert_true(is_kept && lone_is_cut);
    assert_true(is_cut && is_still_cut && again_is_cut);
}

static void test_grants_end(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place a;
    char said[64];
    assert_int_equal(attach(s, "n1-a", false, &a) | apply(s, "n1-a", &by_names), SK_OK);
    assert_int_equal(grant(s, "n1-a", V4_B, LONG_S) | grant(s, "n1-a", V4_B, 1), 0);
    int old = connect_by_short_grant(s, "n1-a", a.netns, V4_A);
    hear_first(old, LAB_COMES_MS, said);
    assert_string_equal(said, "gate " V4_A);
    (void)usleep(1500 * 1000);
    expect(a.netns, V4_A, 443, "-");
    expect(a.netns, V4_B, 443, "gate " V4_B); /* the longer lifetime holds */
    bool goes_on = lab_echoes(old);
    (void)close(old);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_true(goes_on);
}

/* A name's owner may say that it stands for anything. */
static void test_what_is_closed_is_not_granted(void **state)
{
    static const char *const hosts[] = {
        "169.254.169.254",      "100.100.100.200",   "192.0.2.77",    "203.0.113.1",  "2a00:0:0:1::1",
        "64:ff9b::a9fe:a9fe",   "fd00:ec2::254",     "10.213.0.1",    "fd5a:4b01::1", "64:ff9b::ad5:2",
        "64:ff9b:1::c633:6407", "2002:a9fe:a9fe::1", "2002:ad5:2::1", "127.0.0.1",    "::1",
    };
    static const uint16_t ports[] = {443};
    struct network_suite *s = *state;
    struct sk_network_place a, b;
    char neighbour[SK_IP_TEXT_MAX];
    assert_int_equal(attach(s, "n1-a", false, &a) | attach(s, "n1-b", false, &b), SK_OK);
    assert_int_equal(apply(s, "n1-a", &by_names) | apply(s, "n1-b", &deny_all), SK_OK);
    sk_ip_print(&b.ipv4, neighbour);
    pid_t node = lab_serve(NULL, ports, 1), server = lab_serve(b.netns, ports, 1);
    enum sk_code granted =
        grant(s, "n1-a", neighbour, LONG_S) | grant(s, "n1-a", "64:ff9b::c633:6407", LONG_S);
    for (size_t i = 0; i < sk_array_len(hosts); i++)
        granted |= grant(s, "n1-a", hosts[i], LONG_S);
    for (size_t i = 0; i < sk_array_len(hosts) - 2; i++)
        expect(a.netns, hosts[i], 443, "-");
    expect(a.netns, neighbour, 443, "-");
    expect(a.netns, "64:ff9b::c633:6407", 443, "gate 64:ff9b::c633:6407");
    /* But for the node's own other addresses, which change, they are not even written down. */
    int written = lab_run("nft list sets inet | awk '/set /{its = /granted/} its' | "
                          "grep -E '169.254|100.100|192.0.2|10.213|a9fe|ad5:|127.0|fd5a|fd00'");
    lab_stop(node);
    lab_stop(server);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), 0);
    assert_int_equal(granted, SK_OK);
    assert_int_not_equal(written, 0);
}

static void test_comes_back(void **state)
{
    struct network_suite *s = *state;
    struct real *r = sk_container_of(s, struct real, suite);
    struct sk_network_place a;
    struct heard heard = {.rule = "", .loop = s->loop};
    assert_int_equal(attach(s, "n1-a", false, &a) | apply(s, "n1-a", &by_names), SK_OK);
    assert_int_equal(grant(s, "n1-a", V4_A, LONG_S) | grant(s, "n1-a", V6_A, LONG_S), 0);
    int old = call(a.netns, V6_A, 443, "gate " V6_A);
    s->network->ops->listen(s->network, hear, &heard);
    assert_int_equal(lab_run("nft flush ruleset"), 0);
    bool told = sk_wait_until(s->loop, &heard.restored, SK_SEC(60));
    s->network->ops->listen(s->network, ignore_all, NULL);
    expect(a.netns, V4_A, 443, "gate " V4_A);
    real_stop(r);
    expect(a.netns, V4_A, 443, "gate " V4_A);
    if (!real_start(r))
        abort();
    assert_int_equal(attach(s, "n1-a", false, &a) | apply(s, "n1-a", &by_names), SK_OK);
    expect(a.netns, V4_A, 443, "gate " V4_A);
    bool goes_on = lab_echoes(old);
    assert_int_equal(apply(s, "n1-a", &deny_all), SK_OK);
    expect(a.netns, V4_A, 443, "-");
    bool is_cut = lab_is_cut(old);
    (void)close(old);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_true(told);
    assert_true(goes_on);
    assert_true(is_cut);
}

int main(void)
{
    static struct real real;
    struct network_suite *s = &real.suite;
    int opened = real_open_as(&real, HOSTS, with_gate);
    if (opened)
        return opened;
    const struct CMUnitTest tests[] = {
        IN_LAB(test_granted_leads_to_the_gate),     IN_LAB(test_open_is_open), IN_LAB(test_tightening_cuts),
        IN_LAB(test_what_is_closed_is_not_granted), IN_LAB(test_grants_end),   IN_LAB(test_comes_back),
    };
    int result = cmocka_run_group_tests(tests, open_gates, NULL);
    real_close(&real);
    return result;
}
