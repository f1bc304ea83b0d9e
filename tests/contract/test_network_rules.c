/* What passes and what does not, asked from inside sandboxes in a lab
 * (support/net_lab.h); root. */
#include "contract/network_real.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define V4_A "198.51.100.7"
#define V4_B "198.51.100.8"
#define V4_C "192.0.2.9"
#define V6_A "2a00:0:0:2::7"
#define V6_B "2a00:0:0:2::8"

/* --- policies ---------------------------------------------------------------------- */

static char acme[] = "acme", other_tenant[] = "other", example[] = "example.com",
            other_name[] = "example.org";

static struct sk_cidr block(const char *text)
{
    struct sk_cidr cidr = {0};
    if (sk_cidr_parse(text, &cidr, NULL) != SK_OK)
        abort();
    return cidr;
}

static const struct sk_net_policy deny_all = {.tenant = acme, .dns = SK_NET_DNS_ALL};
static struct sk_net_rule any_rule = {.peer = SK_NET_ANY};
static const struct sk_net_policy allow_any = {
    .tenant = acme, .egress = &any_rule, .egress_count = 1, .dns = SK_NET_DNS_ALL};

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
            for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++)
                cells[count++] =
                    (struct lab_cell){.netns = netns, .type = type, .host = hosts[host], .port = ports[port]};
    lab_try(cells, count);
    for (size_t i = 0; i < count; i++) {
        struct question q = {cells[i].host, cells[i].type, cells[i].port};
        if (cells[i].reached != scene->passes(&q))
            fail_msg("%s: %s %s port %u %s", scene->name, q.host, q.type == SOCK_STREAM ? "tcp" : "udp",
                     q.port, cells[i].reached ? "passes" : "does not pass");
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
    struct lab_cell cells[] = {{place.netns, SOCK_STREAM, V6_A, 80}, {place.netns, SOCK_STREAM, V6_B, 80}};
    lab_try(cells, 2);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_int_equal(applied, SK_OK);
    assert_true(cells[0].reached);
    assert_false(cells[1].reached);
}

/* Connections of a sandbox that left are not the next one's. */
static void test_connections_leave(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    char v4[SK_IP_TEXT_MAX], line[200];
    int left = 0;
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(apply(s, "n1-a", &allow_any), SK_OK);
    sk_ip_print(&place.ipv4, v4);
    (void)snprintf(line, sizeof(line), "grep -q 'src=%s ' /proc/net/nf_conntrack", v4);
    int fd = lab_connect_inside(place.netns, SOCK_STREAM, V4_A, 80);
    int before = lab_run("test -e /proc/net/nf_conntrack") ? 0 : lab_run("%s", line);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    for (int tries = 0; tries < 30 && left == 0; tries++) {
        (void)usleep(100 * 1000);
        left = lab_run("%s", line);
    }
    (void)close(fd);
    assert_int_equal(before, 0);
    assert_int_not_equal(left, 0);
}

/* --- what no rule opens ------------------------------------------------------------------ */

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
        {a.netns, SOCK_STREAM, v4, 80}, {a.netns, SOCK_STREAM, v6, 80}, {a.netns, SOCK_STREAM, v4, 443},
        {a.netns, SOCK_DGRAM, v4, 80},  {c.netns, SOCK_STREAM, v4, 80}, {c.netns, SOCK_STREAM, v6, 80},
        {NULL, SOCK_STREAM, v4, 443},
    };
    lab_try(cells, sk_array_len(cells));
    enum sk_code narrowed = apply(s, "n1-a", &allow_any);
    bool any_reaches = lab_reaches(a.netns, SOCK_STREAM, v4, 80);
    lab_stop(server);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b") | detach(s, "n1-c"), 0);
    assert_true(cells[0].reached && cells[1].reached);
    assert_false(cells[2].reached || cells[3].reached || cells[4].reached || cells[5].reached);
    assert_true(cells[6].reached); /* the node */
    assert_int_equal(narrowed, SK_OK);
    assert_false(any_reaches);
}

/* --- events --------------------------------------------------------------------------------- */

struct heard {
    bool restored, denied;
    const char *rule; /* wanted */
    char id[64];
    struct sk_network_event event;
    struct sk_loop *loop;
};

static void hear(void *arg, const struct sk_network_event *event)
{
    struct heard *heard = arg;
    if (event->kind == SK_NETWORK_RESTORED)
        heard->restored = true;
    /* Last words of sandboxes that were detached have no id. */
    if (event->kind == SK_NETWORK_DENIED && !heard->denied && event->id[0] &&
        strcmp(event->rule, heard->rule) == 0) {
        heard->denied = true;
        heard->event = *event;
        (void)snprintf(heard->id, sizeof(heard->id), "%s", event->id);
    }
    sk_loop_stop(heard->loop);
}

static void ignore_all(void *arg, const struct sk_network_event *event)
{
    (void)arg;
    (void)event;
}

static void test_denials_are_told(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct heard heard = {.rule = "egress", .loop = s->loop};
    struct sk_ip wanted;
    assert_int_equal(sk_ip_parse(V4_B, &wanted, NULL), SK_OK);
    assert_int_equal(attach(s, "n1-told", false, &place), SK_OK);
    s->network->ops->listen(s->network, hear, &heard);
    bool reached = lab_reaches(place.netns, SOCK_STREAM, V4_B, 443);
    bool told = sk_wait_until(s->loop, &heard.denied, SK_SEC(2));
    s->network->ops->listen(s->network, ignore_all, NULL);
    assert_int_equal(detach(s, "n1-told"), SK_OK);
    assert_false(reached);
    assert_true(told);
    assert_string_equal(heard.id, "n1-told");
    assert_true(sk_ip_equal(&heard.event.destination, &wanted));
    assert_true(sk_ip_equal(&heard.event.source, &place.ipv4));
    assert_int_equal(heard.event.protocol, IPPROTO_TCP);
    assert_int_equal(heard.event.port, 443);
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

/* --- changes ----------------------------------------------------------------------------------- */

static void test_tightening_cuts(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct sk_net_rule one = {.peer = SK_NET_CIDR, .cidr = block(V4_A "/32")};
    struct sk_net_policy narrow = {.tenant = acme, .egress = &one, .egress_count = 1};
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(apply(s, "n1-a", &allow_any), SK_OK);
    int fds[] = {lab_connect_inside(place.netns, SOCK_STREAM, V4_A, 80),
                 lab_connect_inside(place.netns, SOCK_STREAM, V4_B, 80),
                 lab_connect_inside(place.netns, SOCK_STREAM, V6_A, 80),
                 lab_connect_inside(place.netns, SOCK_DGRAM, V4_B, 53)};
    bool before[4], after[4];
    for (int i = 0; i < 4; i++)
        before[i] = lab_echo(fds[i], 500);
    enum sk_code narrowed = apply(s, "n1-a", &narrow);
    for (int i = 0; i < 4; i++)
        after[i] = lab_echo(fds[i], 500);
    for (int i = 0; i < 4; i++)
        (void)close(fds[i]);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_true(before[0] && before[1] && before[2] && before[3]);
    assert_int_equal(narrowed, SK_OK);
    assert_true(after[0]);
    assert_false(after[1] || after[2] || after[3]);
}

static void test_grants(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct sk_net_rule names[] = {{.peer = SK_NET_NAME, .name = example},
                                  {.peer = SK_NET_NAME, .name = other_name}};
    struct sk_net_policy granted = {
        .tenant = acme, .egress = names, .egress_count = 2, .dns = SK_NET_DNS_GRANTED};
    struct sk_net_policy fewer = granted;
    fewer.egress_count = 1;
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(grant(s, "n1-a", V4_A, 60), SK_FAILED_PRECONDITION);
    assert_int_equal(apply(s, "n1-a", &granted), SK_OK);
    bool early = lab_reaches(place.netns, SOCK_STREAM, V4_A, 443);
    assert_int_equal(grant(s, "n1-a", V4_A, 1) | grant(s, "n1-a", V6_A, 60) | grant(s, "n1-a", V6_A, 1), 0);
    int old = lab_connect_inside(place.netns, SOCK_STREAM, V4_A, 443);
    struct lab_cell cells[] = {{place.netns, SOCK_STREAM, V4_A, 80},
                               {place.netns, SOCK_DGRAM, V4_A, 443},
                               {place.netns, SOCK_STREAM, V4_B, 443},
                               {place.netns, SOCK_STREAM, V6_A, 443}};
    lab_try(cells, sk_array_len(cells));
    (void)usleep(1500 * 1000);
    bool late = lab_reaches(place.netns, SOCK_STREAM, V4_A, 443);
    bool late6 = lab_reaches(place.netns, SOCK_STREAM, V6_A, 443); /* the longer lifetime holds */
    enum sk_code again = apply(s, "n1-a", &granted);
    bool old_goes_on = lab_echo(old, 500), kept6 = lab_reaches(place.netns, SOCK_STREAM, V6_A, 443);
    enum sk_code changed = apply(s, "n1-a", &fewer);
    bool old_is_cut = !lab_echo(old, 500), gone6 = !lab_reaches(place.netns, SOCK_STREAM, V6_A, 443);
    (void)close(old);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_false(early || late || cells[0].reached || cells[1].reached || cells[2].reached);
    assert_true(cells[3].reached && late6);
    assert_int_equal(again | changed, SK_OK);
    assert_true(old_goes_on && kept6);
    assert_true(old_is_cut && gone6);
}

/* --- others, and ourselves, gone --------------------------------------------------------------- */

static void test_somebody_flushes(void **state)
{
    static const char *const deeds[] = {"nft flush ruleset", "nft insert rule inet skl outward accept",
                                        "nft delete table inet skl"};
    struct network_suite *s = *state;
    struct sk_network_place open, shut;
    struct sk_net_rule name = {.peer = SK_NET_NAME, .name = example};
    struct sk_net_policy granted = {.tenant = acme, .egress = &name, .egress_count = 1};
    assert_int_equal(attach(s, "n1-a", false, &open) | attach(s, "n1-b", false, &shut), 0);
    assert_int_equal(apply(s, "n1-a", &granted) | apply(s, "n1-b", &deny_all), 0);
    assert_int_equal(grant(s, "n1-a", V4_A, 60), SK_OK);
    for (size_t i = 0; i < sk_array_len(deeds); i++) {
        struct heard heard = {.rule = "", .loop = s->loop};
        s->network->ops->listen(s->network, hear, &heard);
        int done = lab_run("%s", deeds[i]);
        bool told = sk_wait_until(s->loop, &heard.restored, SK_SEC(1));
        s->network->ops->listen(s->network, ignore_all, NULL);
        struct lab_cell cells[] = {{open.netns, SOCK_STREAM, V4_A, 443},
                                   {open.netns, SOCK_STREAM, V4_A, 80},
                                   {shut.netns, SOCK_STREAM, V4_A, 443}};
        lab_try(cells, sk_array_len(cells));
        assert_int_equal(done, 0);
        assert_true(told);
        assert_true(cells[0].reached);
        assert_false(cells[1].reached || cells[2].reached);
    }
    /* Gone at the very moment when something is wanted. */
    int done = lab_run("nft flush ruleset");
    enum sk_code applied = apply(s, "n1-b", &allow_any);
    bool reaches = lab_reaches(shut.netns, SOCK_STREAM, V4_A, 80);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), 0);
    assert_int_equal(done, 0);
    assert_int_equal(applied, SK_OK);
    assert_true(reaches);
}

static void test_rules_outlive_the_daemon(void **state)
{
    struct network_suite *s = *state;
    struct real *r = sk_container_of(s, struct real, suite);
    struct sk_network_place open, shut, again;
    assert_int_equal(attach(s, "n1-a", false, &open) | attach(s, "n1-b", false, &shut), 0);
    assert_int_equal(apply(s, "n1-a", &allow_any) | apply(s, "n1-b", &deny_all), 0);
    int fd = lab_connect_inside(open.netns, SOCK_STREAM, V4_A, 80);
    struct lab_cell gone[] = {{open.netns, SOCK_STREAM, V4_A, 80}, {shut.netns, SOCK_STREAM, V4_A, 80}};
    struct lab_cell back[] = {{open.netns, SOCK_STREAM, V6_A, 80}, {shut.netns, SOCK_STREAM, V6_A, 80}};
    real_stop(r);
    lab_try(gone, 2);
    if (!real_start(r))
        abort();
    lab_try(back, 2);
    bool goes_on = lab_echo(fd, 500);
    enum sk_code attached = attach(s, "n1-a", false, &again), applied = apply(s, "n1-a", &deny_all);
    bool is_cut = !lab_echo(fd, 500), is_shut = !lab_reaches(open.netns, SOCK_STREAM, V4_A, 80);
    (void)close(fd);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), 0);
    assert_true(gone[0].reached && !gone[1].reached);
    assert_true(back[0].reached && !back[1].reached);
    assert_true(goes_on);
    assert_int_equal(attached | applied, SK_OK);
    assert_string_equal(again.netns, open.netns);
    assert_true(is_cut && is_shut);
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
        cells[i] = (struct lab_cell){.netns = places[i].netns, .type = SOCK_STREAM, .host = V4_A, .port = 80};
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

static int run_rules_suite(struct network_suite *s)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_truth_table, s),
        cmocka_unit_test_prestate(test_largest_rule, s),
        cmocka_unit_test_prestate(test_connections_leave, s),
        cmocka_unit_test_prestate(test_platform_is_closed, s),
        cmocka_unit_test_prestate(test_neighbours, s),
        cmocka_unit_test_prestate(test_denials_are_told, s),
        cmocka_unit_test_prestate(test_spoofed_source, s),
        cmocka_unit_test_prestate(test_tightening_cuts, s),
        cmocka_unit_test_prestate(test_grants, s),
        cmocka_unit_test_prestate(test_somebody_flushes, s),
        cmocka_unit_test_prestate(test_rules_outlive_the_daemon, s),
        cmocka_unit_test_prestate(test_many, s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    static struct real real;
    int opened = real_open(&real, V4_A "/32 " V4_B "/32 " V4_C "/32 " V6_A "/128 " V6_B "/128 "
                                       "169.254.169.254/32 100.100.100.200/32 64:ff9b::a9fe:a9fe/128 "
                                       "64:ff9b::c633:6407/128 2002:a9fe:a9fe::1/128 fd00:ec2::254/128 "
                                       "192.0.2.77/32");
    if (opened)
        return opened;
    int result = run_rules_suite(&real.suite);
    real_close(&real);
    return result;
}
