/* Verdicts: which rule or service lets a flow through, and what none does. */
#include "net/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char acme[] = "acme", wild[] = "*.x.test";

static struct sk_cidr cidr(const char *text)
{
    struct sk_cidr out;
    if (sk_cidr_parse(text, &out, NULL) != SK_OK)
        fail_msg("%s is no block", text);
    return out;
}

static struct sk_ip ip(const char *text)
{
    return cidr(text).base;
}

struct sample {
    const char *peer;
    int place;
    uint8_t protocol;
    uint16_t port;
    int by;
    size_t index;
};

enum { NONE = SK_NET_BY_NONE, BOUNDS = SK_NET_BY_BOUNDS, RULE = SK_NET_BY_RULE, SERVICE = SK_NET_BY_SERVICE };
enum { OUT = SK_NET_OUTSIDE, OURS = SK_NET_SAME_TENANT, NODE = SK_NET_PLATFORM, ICMP = 1 };

static void check(const struct sk_net_policy *policy, enum sk_net_direction direction,
                  const struct sample *samples, size_t count)
{
    struct sk_net_grant grants[] = {{2, ip("192.0.2.7")}, {2, ip("127.0.0.1")}, {1, ip("192.0.2.9")}};
    for (size_t i = 0; i < count; i++) {
        struct sk_net_flow flow = {ip(samples[i].peer),
                                   (enum sk_net_place)samples[i].place,
                                   samples[i].protocol,
                                   samples[i].port,
                                   grants,
                                   sk_array_len(grants)};
        struct sk_net_verdict got = sk_net_policy_allows(policy, direction, &flow);
        if ((int)got.by != samples[i].by || got.index != samples[i].index)
            fail_msg("sample %zu: %d, %zu", i, (int)got.by, got.index);
        assert_int_equal(got.is_allowed, samples[i].by == RULE || samples[i].by == SERVICE);
    }
}

static void test_egress(void **state)
{
    static const struct sample samples[] = {
        {"10.2.0.1", OUT, SK_NET_TCP, 8080, RULE, 0},
        {"10.2.0.1", OUT, SK_NET_TCP, 8090, NONE, 0},
        {"10.2.0.1", OUT, SK_NET_SCTP, 8080, NONE, 0},
        {"10.2.0.1", OUT, SK_NET_UDP, 53, RULE, 0},
        {"::ffff:10.2.0.1", OUT, SK_NET_UDP, 53, RULE, 0},
        {"10.1.0.1", OUT, SK_NET_TCP, 8080, RULE, 1}, /* the exception narrows its own rule alone */
        {"10.1.2.1", OUT, SK_NET_TCP, 8080, NONE, 0},
        {"10.1.0.1", OUT, ICMP, 0, RULE, 1},
        {"11.0.0.1", OUT, SK_NET_TCP, 8080, NONE, 0},
        {"192.0.2.7", OUT, SK_NET_TCP, 443, RULE, 2},
        {"192.0.2.7", OUT, SK_NET_UDP, 443, NONE, 0}, /* QUIC */
        {"192.0.2.7", OUT, SK_NET_TCP, 80, NONE, 0},
        {"192.0.2.7", NODE, SK_NET_TCP, 443, BOUNDS, 0},
        {"192.0.2.8", OUT, SK_NET_TCP, 443, NONE, 0},
        {"192.0.2.9", OUT, SK_NET_TCP, 443, NONE, 0}, /* granted to another rule */
        {"127.0.0.1", OUT, SK_NET_TCP, 443, BOUNDS, 0},
        {"10.2.0.1", NODE, SK_NET_TCP, 8080, BOUNDS, 0},
        {"10.2.0.1", OURS, SK_NET_TCP, 8080, RULE, 3},
        {"100.64.0.9", OURS, ICMP, 0, RULE, 3},
    };
    struct sk_net_ports ports[] = {{SK_NET_TCP, 8000, 8089}, {SK_NET_UDP, 0, 0}};
    struct sk_cidr excepts[] = {cidr("10.1.0.0/16"), cidr("10.1.2.0/24")};
    struct sk_net_rule rules[] = {
        {SK_NET_CIDR, cidr("10.0.0.0/8"), &excepts[0], 1, NULL, NULL, ports, 2},
        {SK_NET_CIDR, cidr("10.1.0.0/16"), &excepts[1], 1, NULL, NULL, NULL, 0},
        {.peer = SK_NET_NAME, .name = wild},
        {.peer = SK_NET_TENANT},
    };
    struct sk_net_policy policy = {.tenant = acme, .egress = rules, .egress_count = 4};
    (void)state;
    check(&policy, SK_NET_EGRESS, samples, sk_array_len(samples));
}

static void test_any(void **state)
{
    static const struct sample samples[] = {
        {"8.8.8.8", OUT, SK_NET_TCP, 1, RULE, 0},
        {"8.8.8.8", OUT, ICMP, 0, RULE, 0},
        {"10.0.0.1", OUT, SK_NET_SCTP, 1, RULE, 0},
        {"2001:db8::1", OUT, SK_NET_UDP, 443, RULE, 0},
        {"8.8.8.8", NODE, SK_NET_TCP, 1, BOUNDS, 0},
        {"10.0.0.1", OURS, SK_NET_TCP, 1, NONE, 0},
        {"169.254.169.254", OUT, SK_NET_TCP, 80, BOUNDS, 0},
        {"::ffff:169.254.169.254", OUT, SK_NET_TCP, 80, BOUNDS, 0},
        {"64:ff9b::169.254.169.254", OUT, SK_NET_TCP, 80, BOUNDS, 0},
        {"2002:a9fe:a9fe::1", OUT, SK_NET_TCP, 80, BOUNDS, 0},
        {"fd00:ec2::254", OUT, SK_NET_TCP, 80, BOUNDS, 0},
        {"fe80::1", OUT, SK_NET_TCP, 80, BOUNDS, 0},
        {"0.0.0.0", OUT, SK_NET_TCP, 80, BOUNDS, 0},
        {"224.0.0.1", OUT, SK_NET_UDP, 80, BOUNDS, 0},
        {"255.255.255.255", OUT, SK_NET_UDP, 67, BOUNDS, 0},
    };
    struct sk_net_rule any = {.peer = SK_NET_ANY};
    struct sk_net_policy policy = {.tenant = acme, .egress = &any, .egress_count = 1};
    (void)state;
    check(&policy, SK_NET_EGRESS, samples, sk_array_len(samples));
    check(&policy, SK_NET_INGRESS, &(struct sample){"8.8.8.8", OUT, SK_NET_TCP, 80, NONE, 0}, 1);
}

static void test_ingress(void **state)
{
    static const struct sample samples[] = {
        {"8.8.8.8", OUT, SK_NET_TCP, 1000, NONE, 0},    /* silent */
        {"8.8.8.8", OUT, SK_NET_TCP, 1001, SERVICE, 1}, /* public */
        {"169.254.1.1", NODE, SK_NET_TCP, 1001, SERVICE, 1},
        {"10.0.0.9", OURS, SK_NET_TCP, 1001, NONE, 0},
        {"8.8.8.8", OUT, SK_NET_UDP, 1001, NONE, 0},
        {"8.8.8.8", OUT, SK_NET_TCP, 1002, NONE, 0}, /* private */
        {"10.0.0.9", OURS, SK_NET_TCP, 1002, SERVICE, 2},
        {"10.0.0.9", NODE, SK_NET_TCP, 1002, NONE, 0},
        {"192.0.2.1", OUT, SK_NET_TCP, 1003, RULE, 1}, /* custom */
        {"8.8.8.8", OUT, SK_NET_TCP, 1003, NONE, 0},
        {"192.0.2.1", NODE, SK_NET_TCP, 1003, NONE, 0},
        {"10.0.0.9", OURS, SK_NET_TCP, 1003, NONE, 0},
        {"10.0.0.9", OURS, SK_NET_UDP, 1004, RULE, 2},
        {"192.0.2.1", OUT, SK_NET_UDP, 1004, RULE, 1},
        {"192.0.2.1", OUT, SK_NET_TCP, 1005, NONE, 0}, /* no service */
        {"127.0.0.1", OUT, SK_NET_TCP, 1001, BOUNDS, 0},
    };
    struct sk_net_ports udp = {SK_NET_UDP, 0, 0};
    struct sk_net_rule rules[] = {
        {.peer = SK_NET_NAME, .name = wild}, /* says nothing of ingress */
        {.peer = SK_NET_CIDR, .cidr = cidr("192.0.2.0/24")},
        {.peer = SK_NET_TENANT, .ports = &udp, .port_count = 1},
    };
    struct sk_net_service services[] = {
        {SK_NET_TCP, 1000, SK_NET_SILENT, false},  {SK_NET_TCP, 1001, SK_NET_PUBLIC, true},
        {SK_NET_TCP, 1002, SK_NET_PRIVATE, false}, {SK_NET_TCP, 1003, SK_NET_CUSTOM, false},
        {SK_NET_UDP, 1004, SK_NET_CUSTOM, false},
    };
    struct sk_net_policy policy = {
        .tenant = acme, .ingress = rules, .ingress_count = 3, .services = services, .service_count = 5};
    (void)state;
    check(&policy, SK_NET_INGRESS, samples, sk_array_len(samples));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_egress),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_ingress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
