/* What no rule opens: the node, other sandboxes' names, addresses that are
 * nobody's. In a lab (support/net_lab.h); root. */
#include "contract/network_scene.h"

static void test_platform_is_closed(void **state)
{
    static const uint16_t ports[] = {53, 80};
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct sk_network_counts before, after;
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
                                     .port = rows[i / 2].port};
    pid_t node = lab_serve(NULL, ports, 2);
    enum sk_code counted = read_counts(s, "n1-a", &before);
    lab_try(cells, sk_array_len(cells));
    counted |= read_counts(s, "n1-a", &after);
    struct sk_net_policy mute = allow_any;
    mute.dns = SK_NET_DNS_NONE;
    enum sk_code muted = apply(s, "n1-a", &mute);
    bool still_asks = lab_reaches(place.netns, SOCK_DGRAM, "10.213.0.1", 53);
    lab_stop(node);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    for (size_t i = 0; i < sk_array_len(cells); i++) {
        if (cells[i].reached != rows[i / 2].passes)
            fail_msg("%s port %u type %d: %d", cells[i].host, cells[i].port, cells[i].type, cells[i].reached);
    }
    assert_int_equal(counted, SK_OK);
    assert_true(after.denied_packets >= before.denied_packets + 22);
    assert_int_equal(muted, SK_OK);
    assert_false(still_asks);
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
    bool reached = lab_reaches(a.netns, SOCK_DGRAM, V4_A, 53);
    bool other_reaches = lab_reaches(b.netns, SOCK_DGRAM, V4_A, 53);
    bool told = sk_wait_until(s->loop, &heard.denied, SK_SEC(2));
    s->network->ops->listen(s->network, ignore_all, NULL);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), 0);
    assert_int_equal(disguised, 0);
    assert_false(reached);
    assert_true(other_reaches);
    assert_true(told);
    assert_string_equal(heard.id, "n1-a");
}

NETWORK_MAIN(NULL, IN_LAB(test_platform_is_closed), IN_LAB(test_spoofed_source))
