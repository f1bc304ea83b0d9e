/* How many connections one sandbox may have, and how fast it is. In a lab
 * (support/net_lab.h); root. */
#include "contract/network_scene.h"

#define MOST 12
#define MBIT 16

static void with_ceilings(struct sk_nftables_options *options)
{
    options->connections_max = MOST;
    options->bandwidth_bits = (uint64_t)MBIT * 1000000;
}

static void test_connections(void **state)
{
    static const uint16_t ports[] = {53};
    struct network_suite *s = *state;
    struct sk_network_place a, b;
    struct heard heard = {.rule = "connections", .loop = s->loop};
    struct sk_network_counts before;
    int fds[MOST + 4], made = 0, answered = 0;
    assert_int_equal(attach(s, "n1-a", false, &a) | attach(s, "n1-b", false, &b), 0);
    assert_int_equal(apply(s, "n1-a", &allow_any) | apply(s, "n1-b", &allow_any), 0);
    enum sk_code counted = read_counts(s, "n1-a", &before);
    s->network->ops->listen(s->network, hear, &heard);
    for (size_t i = 0; i < sk_array_len(fds); i++) {
        fds[i] = lab_connect_within(a.netns, SOCK_STREAM, i % 2 ? V4_A : V6_A, 80,
                                    i < MOST ? LAB_COMES_MS : LAB_QUIET_MS);
        made += fds[i] >= 0;
    }
    bool told = sk_wait_until(s->loop, &heard.denied, SK_SEC(60));
    s->network->ops->listen(s->network, ignore_all, NULL);
    bool all_counted = await_denials(s, "n1-a", before.denied_packets + 4);
    pid_t node = lab_serve(NULL, ports, 1);
    for (int i = 0; i < 4; i++)
        answered += lab_reaches(a.netns, SOCK_DGRAM, "10.213.0.1", 53);
    bool by_tcp_not = lab_is_kept_from(a.netns, SOCK_STREAM, "10.213.0.1", 53);
    lab_stop(node);
    bool other = lab_reaches(b.netns, SOCK_STREAM, V4_A, 80), old = lab_echoes(fds[0]);
    for (size_t i = 0; i < sk_array_len(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    bool again = lab_reaches(a.netns, SOCK_STREAM, V4_A, 80);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), 0);
    assert_int_equal(made, MOST);
    assert_true(told);
    assert_string_equal(heard.id, "n1-a");
    assert_int_equal(counted, SK_OK);
    assert_true(all_counted);
    assert_int_equal(answered, 4); /* questions for names are none */
    assert_true(by_tcp_not);
    assert_true(other && old && again);
}

static int64_t now_ms(void)
{
    return sk_duration_ms(sk_instant_diff(sk_clock_boot(), (struct sk_instant){0}));
}

/* How long a line takes inside, once it works: iperf3 serves one at a time, and is not there at once after
 * one has left; -1 = it never worked. */
static int64_t time_of(const char *netns, const char *line)
{
    for (int waited = 0; waited < LAB_COMES_MS; waited += 300) {
        int64_t start = now_ms();
        if (lab_inside(netns, line) == 0)
            return now_ms() - start;
        (void)usleep(300 * 1000);
    }
    return -1;
}

static pid_t serve_speed(const char *netns)
{
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (lab_enter(netns) < 0 || dup2(quiet, STDOUT_FILENO) < 0 || dup2(quiet, STDERR_FILENO) < 0)
            _exit(1);
        (void)execlp("iperf3", "iperf3", "-s", "-p", "7001", (char *)NULL);
        _exit(1);
    }
    return child;
}

/* Four mebibytes are two seconds' worth, but for what waits in sockets. That it is not slower than it should
 * be is for what the links themselves say to show: see below. */
static void test_speed(void **state)
{
    static const char send[] = "iperf3 -c " V4_A " -p 7001 -n 4M >/dev/null 2>&1";
    static const char receive[] = "iperf3 -R -c " V4_A " -p 7001 -n 4M >/dev/null 2>&1";
    struct network_suite *s = *state;
    struct real *r = sk_container_of(s, struct real, suite);
    struct sk_network_place a;
    assert_int_equal(attach(s, "n1-a", false, &a) | apply(s, "n1-a", &allow_any), 0);
    pid_t server = serve_speed(r->lab.internet);
    int64_t warm = time_of(a.netns, send);
    int64_t sent = time_of(a.netns, send), received = time_of(a.netns, receive);
    lab_stop(server);
    assert_int_equal(detach(s, "n1-a"), 0);
    assert_true(warm > 0);
    assert_true(sent >= 1000 && received >= 1000);
}

/* Every slot has its ceilings, also those that were made ahead. */
static void test_both_ends(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place a;
    assert_int_equal(attach(s, "n1-a", false, &a), 0);
    int outside =
        lab_run("for l in $(ip -o link | grep -o 'skl[0-9]*' | sort -u); do tc qdisc show dev $l 2>&1 | "
                "grep -qE 'qdisc tbf .* rate %dMbit|Cannot find' || exit 1; done",
                MBIT);
    int inside = lab_inside(a.netns, "tc qdisc show dev eth0 | grep -q 'qdisc tbf .* rate 16Mbit'");
    assert_int_equal(detach(s, "n1-a"), 0);
    assert_int_equal(outside, 0);
    assert_int_equal(inside, 0);
}

NETWORK_MAIN(with_ceilings, IN_LAB(test_connections), IN_LAB(test_speed), IN_LAB(test_both_ends))
