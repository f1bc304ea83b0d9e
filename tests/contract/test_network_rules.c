/* What a sandbox's own rules let through, asked from inside sandboxes in a lab
 * (support/net_lab.h); root. */
#include "contract/network_scene.h"

/* --- the truth table ------------------------------------------------------------------ */

struct question {
    const char *host;
    int type;
    uint16_t port;
};

/* What is in force, and, in words of its own, what should pass. */
struct scene {
    const char *name;
    struct sk_net_policy policy;
    bool (*passes)(const struct question *q);
};

static bool is(const struct question *q, const char *host)
{
    return strcmp(q->host, host) == 0;
}

static bool never(const struct question *q)
{
    (void)q;
    return false;
}

static bool always(const struct question *q)
{
    (void)q;
    return true;
}

static bool is_a_on_tcp_80(const struct question *q)
{
    return is(q, V4_A) && q->type == SOCK_STREAM && q->port == 80;
}

static bool is_tcp_443(const struct question *q)
{
    return q->type == SOCK_STREAM && q->port == 443;
}

static bool is_b6_on_udp(const struct question *q)
{
    return is(q, V6_B) && q->type == SOCK_DGRAM;
}

static bool is_a_or_c_or_udp_53_to_v6(const struct question *q)
{
    return is(q, V4_A) || is(q, V4_C) || (strchr(q->host, ':') && q->type == SOCK_DGRAM && q->port == 53);
}

static bool is_v4_but_a(const struct question *q)
{
    return !strchr(q->host, ':') && !is(q, V4_A);
}

static void ask_all(const struct scene *scene, const char *netns)
{
    static const char *const hosts[] = {V4_A, V4_B, V4_C, V6_A, V6_B};
    static const uint16_t ports[] = {53, 80, 443};
    struct lab_cell cells[30];
    size_t count = 0;
    for (size_t host = 0; host < sk_array_len(hosts); host++)
        for (size_t port = 0; port < sk_array_len(ports); port++)
            for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
                struct question q = {hosts[host], type, ports[port]};
                cells[count++] = (struct lab_cell){netns, type, q.host, q.port, scene->passes(&q)};
            }
    lab_try(cells, count);
    for (size_t i = 0; i < count; i++) {
        if (cells[i].reached != cells[i].passes)
            fail_msg("%s: %s %s port %u %s", scene->name, cells[i].host,
                     cells[i].type == SOCK_STREAM ? "tcp" : "udp", cells[i].port,
                     cells[i].reached ? "passes" : "does not pass");
    }
}

static void test_truth_table(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct sk_net_ports tcp_80 = {SK_NET_TCP, 80, 80}, tcp_443 = {SK_NET_TCP, 443, 443},
                        udp = {SK_NET_UDP, 0, 0}, udp_low = {SK_NET_UDP, 1, 79};
    struct sk_cidr but_b = block(V4_B "/32"), but_a = block(V4_A "/32"), but_b6 = block(V6_B "/127");
    struct sk_net_rule a_on_80 = {.peer = SK_NET_CIDR,
                                  .cidr = block("198.51.100.0/24"),
                                  .except = &but_b,
                                  .except_count = 1,
                                  .ports = &tcp_80,
                                  .port_count = 1};
    struct sk_net_rule all_443 = {.peer = SK_NET_ANY, .ports = &tcp_443, .port_count = 1};
    struct sk_net_rule b6_udp = {
        .peer = SK_NET_CIDR, .cidr = block(V6_B "/128"), .ports = &udp, .port_count = 1};
    struct sk_net_rule several[] = {
        {.peer = SK_NET_CIDR, .cidr = block("198.51.100.0/29")},
        {.peer = SK_NET_CIDR, .cidr = block("192.0.2.8/31")},
        {.peer = SK_NET_CIDR, .cidr = block("2a00::/16"), .ports = &udp_low, .port_count = 1},
    };
    struct sk_net_rule all_v4 = {
        .peer = SK_NET_CIDR, .cidr = block("0.0.0.0/0"), .except = &but_a, .except_count = 1};
    /* An exception narrows its own rule only. */
    struct sk_net_rule twice[] = {
        {.peer = SK_NET_CIDR, .cidr = block("::/0"), .except = &but_b6, .except_count = 1},
        {.peer = SK_NET_CIDR, .cidr = block("0.0.0.0/0")},
        {.peer = SK_NET_CIDR, .cidr = block("2a00:0:0:2::/64")},
    };
    const struct scene scenes[] = {
        {"nothing", deny_all, never},
        {"any", allow_any, always},
        {"a block but one, one port",
         {.tenant = acme, .egress = &a_on_80, .egress_count = 1},
         is_a_on_tcp_80},
        {"any on one port", {.tenant = acme, .egress = &all_443, .egress_count = 1}, is_tcp_443},
        {"one IPv6 host, udp", {.tenant = acme, .egress = &b6_udp, .egress_count = 1}, is_b6_on_udp},
        {"several", {.tenant = acme, .egress = several, .egress_count = 3}, is_a_or_c_or_udp_53_to_v6},
        {"all of IPv4 but one", {.tenant = acme, .egress = &all_v4, .egress_count = 1}, is_v4_but_a},
        {"an exception that another rule allows",
         {.tenant = acme, .egress = twice, .egress_count = 3},
         always},
        {"nothing again", deny_all, never},
    };
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    for (size_t i = 0; i < sk_array_len(scenes); i++) {
        assert_int_equal(apply(s, "n1-a", &scenes[i].policy), SK_OK);
        ask_all(&scenes[i], place.netns);
    }
    assert_int_equal(detach(s, "n1-a"), SK_OK);
}

/* As many exceptions as one rule may have: the kernel takes them, and each of them counts. */
static void test_largest_rule(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct sk_cidr except[32];
    char text[SK_CIDR_TEXT_MAX];
    struct sk_net_ports ports = {SK_NET_TCP, 1, 65534};
    struct sk_net_rule rule = {.peer = SK_NET_CIDR,
                               .cidr = block("2a00::/17"),
                               .except = except,
                               .except_count = 32,
                               .ports = &ports,
                               .port_count = 1};
    struct sk_net_policy policy = {.tenant = acme, .egress = &rule, .egress_count = 1};
    for (int i = 0; i < 31; i++) {
        (void)snprintf(text, sizeof(text), "2a00:0:1:%x::/65", i);
        except[i] = block(text);
    }
    except[31] = block(V6_B "/128");
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    enum sk_code applied = apply(s, "n1-a", &policy);
    struct lab_cell cells[] = {{place.netns, SOCK_STREAM, V6_A, 80, true},
                               {place.netns, SOCK_STREAM, V6_B, 80}};
    lab_try(cells, 2);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_int_equal(applied, SK_OK);
    assert_true(cells[0].reached);
    assert_false(cells[1].reached);
}

static char other_tenant[] = "other";

static void test_neighbours(void **state)
{
    static const uint16_t ports[] = {80, 443};
    struct network_suite *s = *state;
    struct sk_network_place a, b, c;
    struct sk_net_rule peers[] = {{.peer = SK_NET_ANY}, {.peer = SK_NET_TENANT}};
    struct sk_net_service service = {SK_NET_TCP, 80, SK_NET_PRIVATE, false};
    struct sk_net_policy caller = {.tenant = acme, .egress = peers, .egress_count = 2};
    struct sk_net_policy callee = {.tenant = acme, .services = &service, .service_count = 1};
    struct sk_net_policy stranger = {.tenant = other_tenant, .egress = peers, .egress_count = 2};
    char v4[SK_IP_TEXT_MAX], v6[SK_IP_TEXT_MAX];
    assert_int_equal(
        attach(s, "n1-a", false, &a) | attach(s, "n1-b", false, &b) | attach(s, "n1-c", false, &c), 0);
    assert_int_equal(apply(s, "n1-a", &caller) | apply(s, "n1-b", &callee) | apply(s, "n1-c", &stranger), 0);
    sk_ip_print(&b.ipv4, v4);
    sk_ip_print(&b.ipv6, v6);
    pid_t server = lab_serve(b.netns, ports, 2);
    struct lab_cell cells[] = {
        {a.netns, SOCK_STREAM, v4, 80, true}, {a.netns, SOCK_STREAM, v6, 80, true},
        {a.netns, SOCK_STREAM, v4, 443},      {a.netns, SOCK_DGRAM, v4, 80},
        {c.netns, SOCK_STREAM, v4, 80},       {c.netns, SOCK_STREAM, v6, 80},
        {NULL, SOCK_STREAM, v4, 443},
    };
    lab_try(cells, sk_array_len(cells));
    enum sk_code narrowed = apply(s, "n1-a", &allow_any);
    bool any_is_not_peers = lab_is_kept_from(a.netns, SOCK_STREAM, v4, 80);
    lab_stop(server);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b") | detach(s, "n1-c"), 0);
    assert_true(cells[0].reached && cells[1].reached);
    assert_false(cells[2].reached || cells[3].reached || cells[4].reached || cells[5].reached);
    assert_false(cells[6].reached); /* the node */
    assert_int_equal(narrowed, SK_OK);
    assert_true(any_is_not_peers);
}

#define MANY 200

static void test_many(void **state)
{
    struct network_suite *s = *state;
    static struct sk_network_place places[MANY];
    static struct lab_cell cells[MANY];
    struct sk_net_rule one = {.peer = SK_NET_CIDR, .cidr = block(V4_A "/32")};
    struct sk_net_policy narrow = {.tenant = acme, .egress = &one, .egress_count = 1};
    char id[32];
    int codes = 0;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof(id), "n1-%d", i);
        codes |= (int)attach(s, id, false, &places[i]);
        codes |= (int)apply(s, id, i % 2 ? &narrow : &deny_all);
        cells[i] = (struct lab_cell){places[i].netns, SOCK_STREAM, V4_A, 80, i % 2};
    }
    for (int i = 0; i < MANY; i += 20)
        lab_try(cells + i, 20);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof(id), "n1-%d", i);
        codes |= (int)detach(s, id);
    }
    assert_int_equal(codes, 0);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(cells[i].reached, i % 2);
}

NETWORK_MAIN(NULL, IN_LAB(test_truth_table), IN_LAB(test_largest_rule), IN_LAB(test_neighbours),
             IN_LAB(test_many))
