/* In namespaces of the test's own (support/net_lab.h); root. */
#include "contract/network.h"
#include "contract/network_real.h"

static void test_link_is_there(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(lab_inside(place.netns,
                                "ip link show eth0 | grep -q 'state UP' && "
                                "ip link show lo | grep -q 'LOOPBACK,UP' && "
                                "ip route | grep -q 'default via 10.213.0.1 dev eth0 .*onlink' && "
                                "ip -6 route | grep -q 'default via fe80::1 dev eth0'"),
                     0);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
}

static void test_closed_has_loopback_alone(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    assert_int_equal(attach(s, "n1-a", true, &place), SK_OK);
    assert_int_equal(lab_inside(place.netns, "test $(ip -o link | grep -vc 'lo:') = 0 && "
                                             "ip link show lo | grep -q 'LOOPBACK,UP'"),
                     0);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
}

/* Without rules a sandbox reaches nobody, and nobody reaches it. */
static void test_closed_until_applied(void **state)
{
    static const uint16_t ports[] = {80};
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct sk_network_counts counts;
    char v4[SK_IP_TEXT_MAX], v6[SK_IP_TEXT_MAX];
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    sk_ip_print(&place.ipv4, v4);
    sk_ip_print(&place.ipv6, v6);
    pid_t server = lab_serve(place.netns, ports, 1), node = lab_serve(NULL, ports, 1);
    bool from_node =
        lab_is_kept_from(NULL, SOCK_STREAM, v4, 80) && lab_is_kept_from(NULL, SOCK_DGRAM, v6, 80);
    bool out4 = lab_is_kept_from(place.netns, SOCK_STREAM, "198.51.100.7", 80);
    bool out6 = lab_is_kept_from(place.netns, SOCK_STREAM, "2a00:0:0:2::7", 80);
    bool node4 = lab_is_kept_from(place.netns, SOCK_STREAM, "203.0.113.1", 80);
    bool gateway4 = lab_is_kept_from(place.netns, SOCK_DGRAM, "10.213.0.1", 80);
    bool all_counted = await_denials(s, "n1-a", 6);
    enum sk_code counted = read_counts(s, "n1-a", &counts);
    (void)kill(server, SIGKILL);
    (void)kill(node, SIGKILL);
    (void)waitpid(server, NULL, 0);
    (void)waitpid(node, NULL, 0);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_true(from_node);
    assert_true(out4 && out6 && node4 && gateway4);
    assert_int_equal(counted, SK_OK);
    assert_true(counts.sent_bytes > 0);
    assert_true(all_counted);
}

/* A link that has just been made loses nothing: who sends one datagram does not send it again. */
static void test_first_packet_passes(void **state)
{
    struct network_suite *s = *state;
    struct sk_net_rule any = {.peer = SK_NET_ANY};
    char tenant[] = "acme", id[32];
    struct sk_net_policy open = {.tenant = tenant, .egress = &any, .egress_count = 1};
    struct sk_network_place places[20];
    size_t answered = 0;
    for (size_t i = 0; i < sk_array_len(places); i++) {
        (void)snprintf(id, sizeof(id), "n1-%zu", i);
        assert_int_equal(attach(s, id, false, &places[i]) | apply(s, id, &open), SK_OK);
        int fd =
            lab_connect_inside(places[i].netns, SOCK_DGRAM, i % 2 ? "198.51.100.7" : "2a00:0:0:2::7", 53);
        answered += lab_echoes(fd);
        (void)close(fd);
    }
    for (size_t i = 0; i < sk_array_len(places); i++) {
        (void)snprintf(id, sizeof(id), "n1-%zu", i);
        assert_int_equal(detach(s, id), SK_OK);
    }
    assert_int_equal(answered, sk_array_len(places));
}

static void test_nothing_is_left(void **state)
{
    struct network_suite *s = *state;
    struct real *r = sk_container_of(s, struct real, suite);
    struct sk_network_place place;
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    real_stop(r);
    /* The kernel takes links down behind our back. */
    bool went = lab_await(
        "test -z \"$(ls %s/net; ip -o link | grep skl; ip route | grep skl; "
        "nft list map inet skl denied | grep elements; nft list set inet skl source4 | grep elements; "
        "nft list counters table inet skl | grep denied_)\"",
        r->lab.dir);
    if (!real_start(r))
        abort();
    assert_true(went);
}

static int run_real_suite(struct real *r)
{
    struct network_suite *s = &r->suite;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_link_is_there, s),
        cmocka_unit_test_prestate(test_closed_has_loopback_alone, s),
        cmocka_unit_test_prestate(test_closed_until_applied, s),
        cmocka_unit_test_prestate(test_first_packet_passes, s),
        cmocka_unit_test_prestate(test_nothing_is_left, s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    static struct real real;
    int opened = real_open(&real, "198.51.100.7/32 2a00:0:0:2::7/128");
    if (opened)
        return opened;
    int result = run_real_suite(&real);
    result |= run_network_suite(&real.suite);
    real_close(&real);
    return result;
}
