/* Policies: what is closed, copies, and which policy allows all that another does. */
#include "net/policy.h"

#include "net/domain.h"
#include "net/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct sk_cidr cidr(const char *text)
{
    struct sk_cidr out;
    if (sk_cidr_parse(text, &out, NULL) != SK_OK)
        fail_msg("%s is no block", text);
    return out;
}

static struct sk_net_rule block(const char *text)
{
    return (struct sk_net_rule){.peer = SK_NET_CIDR, .cidr = cidr(text)};
}

static struct sk_net_rule named(const char *name)
{
    return (struct sk_net_rule){.peer = SK_NET_NAME, .name = (char *)(uintptr_t)name};
}

static char acme[] = "acme", other[] = "other";
static const struct sk_net_rule any = {.peer = SK_NET_ANY}, tenant = {.peer = SK_NET_TENANT};

/* With one rule for egress. */
static struct sk_net_policy with(struct sk_net_rule *rule)
{
    return (struct sk_net_policy){.tenant = acme, .dns = SK_NET_DNS_NONE, .egress = rule, .egress_count = 1};
}

static bool covers(struct sk_net_rule now, struct sk_net_rule next)
{
    struct sk_net_policy a = with(&now), b = with(&next);
    return sk_net_policy_covers(&a, &b);
}

/* --- closed ------------------------------------------------------------------------------------------ */

static void test_closed(void **state)
{
    struct sk_net_rule rule = any;
    struct sk_net_policy p = {.tenant = acme, .dns = SK_NET_DNS_NONE};
    (void)state;
    assert_true(sk_net_policy_is_closed(&p));
    p.dns = SK_NET_DNS_GRANTED;
    assert_false(sk_net_policy_is_closed(&p));
    p.dns = SK_NET_DNS_NONE;
    p.ingress = &rule;
    p.ingress_count = 1;
    assert_true(sk_net_policy_is_closed(&p)); /* to no port */
    p = with(&rule);
    assert_false(sk_net_policy_is_closed(&p));
}

static void test_closed_services(void **state)
{
    struct sk_net_ports ports[] = {{SK_NET_UDP, 80, 80}, {SK_NET_TCP, 8000, 8999}};
    struct sk_net_rule rule = {.peer = SK_NET_ANY, .ports = ports, .port_count = 2};
    struct sk_net_service s = {SK_NET_TCP, 80, SK_NET_SILENT, false};
    struct sk_net_policy p = {.tenant = acme, .dns = SK_NET_DNS_NONE, .services = &s, .service_count = 1};
    (void)state;
    assert_true(sk_net_policy_is_closed(&p));
    s.visibility = SK_NET_PUBLIC;
    assert_false(sk_net_policy_is_closed(&p));
    s.visibility = SK_NET_PRIVATE;
    assert_false(sk_net_policy_is_closed(&p));
    s.visibility = SK_NET_CUSTOM;
    assert_true(sk_net_policy_is_closed(&p));
    p.ingress = &rule;
    p.ingress_count = 1;
    assert_true(sk_net_policy_is_closed(&p)); /* other ports */
    s.port = 8080;
    assert_false(sk_net_policy_is_closed(&p));
    rule = named("example.com");
    assert_true(sk_net_policy_is_closed(&p)); /* names are for egress */
}

/* --- copies ------------------------------------------------------------------------------------------ */

static void test_copy(void **state)
{
    char name[] = "*.example.com", hole[] = "b.example.com", own[] = "acme";
    char *holes[] = {hole, NULL};
    struct sk_cidr except = cidr("10.1.0.0/16");
    struct sk_net_ports port = {SK_NET_UDP, 53, 54};
    struct sk_net_rule egress[2] = {block("10.0.0.0/8"), named(name)}, ingress = tenant;
    struct sk_net_service service = {SK_NET_TCP, 80, SK_NET_CUSTOM, false};
    struct sk_net_policy p = {own, egress, &ingress, 2, 1, &service, 1, SK_NET_DNS_GRANTED};
    struct sk_arena arena = {0};
    (void)state;
    egress[0].except = &except;
    egress[0].except_count = 1;
    egress[0].ports = &port;
    egress[0].port_count = 1;
    egress[1].name_except = holes;
    struct sk_net_policy *copy = sk_net_policy_copy(&arena, &p);
    memset(name, 'x', sizeof(name) - 1);
    memset(hole, 'x', sizeof(hole) - 1);
    memset(own, 'x', sizeof(own) - 1);
    memset(&except, 0xFF, sizeof(except));
    memset(&port, 0xFF, sizeof(port));
    memset(egress, 0xFF, sizeof(egress));
    memset(&ingress, 0xFF, sizeof(ingress));
    memset(&service, 0xFF, sizeof(service));
    holes[0] = NULL;
    assert_string_equal(copy->tenant, "acme");
    assert_int_equal(copy->dns, SK_NET_DNS_GRANTED);
    assert_int_equal(copy->egress_count, 2);
    assert_int_equal(copy->egress[0].except[0].prefix, 16);
    assert_int_equal(copy->egress[0].ports[0].last, 54);
    assert_string_equal(copy->egress[1].name, "*.example.com");
    assert_string_equal(copy->egress[1].name_except[0], "b.example.com");
    assert_null(copy->egress[1].name_except[1]);
    assert_int_equal(copy->ingress[0].peer, SK_NET_TENANT);
    assert_int_equal(copy->services[0].port, 80);
    assert_true(sk_net_policy_covers(copy, copy));
    sk_arena_fini(&arena);
}

/* --- what covers what -------------------------------------------------------------------------------- */

static void test_peers(void **state)
{
    (void)state;
    assert_true(covers(any, any));
    assert_true(covers(any, block("10.0.0.0/8")));
    assert_false(covers(block("0.0.0.0/0"), any));
    assert_true(covers(block("10.0.0.0/8"), block("10.1.0.0/16")));
    assert_false(covers(block("10.1.0.0/16"), block("10.0.0.0/8")));
    assert_false(covers(block("0.0.0.0/0"), block("::/0")));
    assert_true(covers(tenant, tenant));
    assert_false(covers(any, tenant));
    assert_false(covers(tenant, any));
    assert_true(covers(named("a.b.c"), named("a.b.c")));
    assert_true(covers(named("*.b.c"), named("a.b.c")));
    assert_true(covers(named("*.b.c"), named("*.b.c")));
    assert_false(covers(named("a.b.c"), named("*.b.c")));
    assert_false(covers(named("*.b.c"), named("*.a.b.c")));
    assert_false(covers(named("*.b.c"), named("b.c")));
    assert_false(covers(named("a.b.c"), any));
    assert_false(covers(any, named("a.b.c"))); /* no name is answered now */
}

static void test_names_under_any(void **state)
{
    struct sk_net_rule wide = any, name = named("a.b.c");
    struct sk_net_ports port = {SK_NET_TCP, 80, 443};
    struct sk_net_policy a = with(&wide), b = with(&name);
    (void)state;
    a.dns = SK_NET_DNS_ALL;
    b.dns = SK_NET_DNS_GRANTED;
    assert_true(sk_net_policy_covers(&a, &b));
    assert_false(sk_net_policy_covers(&b, &a));
    wide.ports = &port;
    wide.port_count = 1;
    assert_true(sk_net_policy_covers(&a, &b));
    port.last = 442;
    assert_false(sk_net_policy_covers(&a, &b));
}

static void test_excepts(void **state)
{
    struct sk_cidr hole = cidr("10.1.0.0/16"), wider = cidr("10.0.0.0/12"), all = cidr("10.0.0.0/8");
    struct sk_net_rule whole = block("10.0.0.0/8"), now = whole, next = whole;
    (void)state;
    now.except = &hole;
    now.except_count = 1;
    assert_true(covers(whole, now));
    assert_false(covers(now, whole));
    assert_true(covers(now, now));
    next.except = &wider;
    next.except_count = 1;
    assert_true(covers(now, next));
    assert_false(covers(next, now));
    assert_true(covers(now, block("10.2.0.0/16")));
    assert_false(covers(now, block("10.1.2.0/24"))); /* wholly in the hole */
    assert_false(covers(now, block("10.1.0.0/16")));
    next = block("10.1.2.0/24");
    next.except = &all; /* allows nothing */
    next.except_count = 1;
    assert_true(covers(now, next));
}

static void test_name_excepts(void **state)
{
    char b[] = "b.x.test", *holes[] = {b, NULL};
    struct sk_net_rule wild = named("*.x.test"), now = wild;
    (void)state;
    now.name_except = holes;
    assert_true(covers(wild, now));
    assert_false(covers(now, wild));
    assert_true(covers(now, now));
    assert_true(covers(now, named("a.x.test")));
    assert_false(covers(now, named("b.x.test")));
}

static bool ports_cover(struct sk_net_ports now, struct sk_net_ports next)
{
    struct sk_net_rule a = any, b = any;
    a.ports = &now;
    b.ports = &next;
    a.port_count = b.port_count = 1;
    return covers(a, b);
}

static void test_ports(void **state)
{
    struct sk_net_ports two[] = {{SK_NET_TCP, 80, 80}, {SK_NET_UDP, 53, 53}};
    struct sk_net_rule some = {.peer = SK_NET_ANY, .ports = two, .port_count = 2}, one = some;
    (void)state;
    one.port_count = 1;
    assert_true(covers(any, some));
    assert_false(covers(some, any));
    assert_true(covers(some, one));
    assert_false(covers(one, some));
    assert_true(
        ports_cover((struct sk_net_ports){SK_NET_TCP, 1, 9}, (struct sk_net_ports){SK_NET_TCP, 2, 9}));
    assert_false(
        ports_cover((struct sk_net_ports){SK_NET_TCP, 2, 9}, (struct sk_net_ports){SK_NET_TCP, 1, 9}));
    assert_false(
        ports_cover((struct sk_net_ports){SK_NET_TCP, 1, 9}, (struct sk_net_ports){SK_NET_TCP, 9, 10}));
    assert_false(
        ports_cover((struct sk_net_ports){SK_NET_TCP, 1, 9}, (struct sk_net_ports){SK_NET_UDP, 1, 9}));
    assert_true(
        ports_cover((struct sk_net_ports){SK_NET_TCP, 0, 0}, (struct sk_net_ports){SK_NET_TCP, 1, 9}));
    assert_false(
        ports_cover((struct sk_net_ports){SK_NET_TCP, 1, 65535}, (struct sk_net_ports){SK_NET_TCP, 0, 0}));
    assert_false(
        ports_cover((struct sk_net_ports){SK_NET_TCP, 0, 0}, (struct sk_net_ports){SK_NET_UDP, 0, 0}));
}

static void test_whole_policies(void **state)
{
    struct sk_net_rule rule = any;
    struct sk_net_policy none = {.tenant = acme, .dns = SK_NET_DNS_NONE}, a = with(&rule), b = a;
    (void)state;
    assert_true(sk_net_policy_covers(&a, &none));
    assert_false(sk_net_policy_covers(&none, &a));
    b.dns = SK_NET_DNS_GRANTED;
    assert_true(sk_net_policy_covers(&b, &a));
    assert_false(sk_net_policy_covers(&a, &b));
    a.dns = SK_NET_DNS_ALL;
    assert_false(sk_net_policy_covers(&b, &a));
    a = b;
    a.tenant = other;
    assert_false(sk_net_policy_covers(&a, &b));
}

static void test_services(void **state)
{
    struct sk_net_rule rule = block("10.0.0.0/8"), wider = any;
    struct sk_net_service s = {SK_NET_TCP, 80, SK_NET_PUBLIC, false}, t = s;
    struct sk_net_policy a = {.tenant = acme, .services = &s, .service_count = 1}, b = a;
    b.services = &t;
    (void)state;
    assert_true(sk_net_policy_covers(&a, &b));
    t.has_endpoint = true;
    assert_false(sk_net_policy_covers(&a, &b));
    t.has_endpoint = false;
    t.port = 81;
    assert_false(sk_net_policy_covers(&a, &b));
    t.visibility = SK_NET_SILENT; /* whoever cannot be reached is not new */
    assert_true(sk_net_policy_covers(&a, &b));
    s.visibility = SK_NET_SILENT;
    t = (struct sk_net_service){SK_NET_TCP, 80, SK_NET_PRIVATE, false};
    assert_false(sk_net_policy_covers(&a, &b));
    s.visibility = t.visibility = SK_NET_CUSTOM;
    a.ingress = &rule;
    b.ingress = &wider;
    a.ingress_count = b.ingress_count = 1;
    assert_false(sk_net_policy_covers(&a, &b));
    assert_true(sk_net_policy_covers(&b, &a));
    t.visibility = SK_NET_SILENT; /* then the rules are about nothing */
    assert_true(sk_net_policy_covers(&a, &b));
}

/* --- many policies, against verdicts ----------------------------------------------------------------- */

static uint32_t seed;

static unsigned pick(unsigned below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 16) % below;
}

struct random_policy {
    struct sk_net_policy policy;
    struct sk_net_rule rules[2][2];
    struct sk_cidr excepts[2][2];
    struct sk_net_ports ports[2][2];
    struct sk_net_service service;
    struct sk_net_grant grants[8];
    size_t grant_count;
};

static const char *const hosts[] = {"a.x.test", "b.x.test", "x.test"};
static const char *const addresses[] = {"10.1.2.3", "10.2.0.1", "192.0.2.1", "2001:db8::1", "127.0.0.1"};
static char hole_b[] = "b.x.test", *holes[] = {hole_b, NULL};

static void randomise_rule(struct random_policy *r, unsigned way, unsigned at)
{
    static const char *const blocks[] = {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "0.0.0.0/0", "::/0"};
    static const char *const names[] = {"*.x.test", "a.x.test", "b.x.test"};
    struct sk_net_rule *rule = &r->rules[way][at];
    *rule = (struct sk_net_rule){.peer = (enum sk_net_peer)pick(4)};
    rule->cidr = cidr(blocks[pick(5)]);
    r->excepts[way][at] = cidr(blocks[pick(3)]);
    rule->except = &r->excepts[way][at];
    rule->except_count = pick(2);
    rule->name = (char *)(uintptr_t)names[pick(3)];
    rule->name_except = pick(2) ? holes : NULL;
    r->ports[way][at] = (struct sk_net_ports){pick(3) ? SK_NET_TCP : SK_NET_UDP, pick(2) ? 80 : 443, 443};
    if (!pick(3))
        r->ports[way][at].first = 0;
    rule->ports = &r->ports[way][at];
    rule->port_count = pick(2);
}

/* What the forwarder would grant if every host had been asked for; each has the address at its place. */
static void grant(struct random_policy *r)
{
    r->grant_count = 0;
    for (size_t i = 0; i < r->policy.egress_count; i++) {
        const struct sk_net_rule *rule = &r->policy.egress[i];
        for (size_t host = 0; rule->peer == SK_NET_NAME && host < sk_array_len(hosts); host++) {
            struct sk_net_grant one = {.rule = i};
            assert_int_equal(sk_ip_parse(addresses[host], &one.ip, NULL), SK_OK);
            if (sk_domain_matches(rule->name, hosts[host]) && !(rule->name_except && host == 1))
                r->grants[r->grant_count++] = one;
        }
    }
}

static void randomise(struct random_policy *r)
{
    for (unsigned way = 0; way < 2; way++) {
        for (unsigned at = 0; at < 2; at++)
            randomise_rule(r, way, at);
    }
    r->service = (struct sk_net_service){SK_NET_TCP, 80, SK_NET_SILENT, false};
    r->service.visibility = pick(4);
    r->policy = (struct sk_net_policy){acme,    r->rules[0], r->rules[1], pick(3),
                                       pick(3), &r->service, pick(2),     (enum sk_net_dns)pick(3)};
    grant(r);
}

static bool allows(const struct random_policy *r, enum sk_net_direction direction, struct sk_net_flow flow)
{
    flow.grants = r->grants;
    flow.grant_count = r->grant_count;
    return sk_net_policy_allows(&r->policy, direction, &flow).is_allowed;
}

static unsigned count_new(const struct random_policy *now, const struct random_policy *next)
{
    static const struct sk_net_flow kinds[] = {
        {.protocol = 6, .port = 80},
        {.protocol = 6, .port = 443},
        {.protocol = 17, .port = 443},
        {.protocol = 6, .port = 22},
        {.protocol = 1},
    };
    unsigned count = 0;
    for (unsigned i = 0; i < 5 * 5 * 3 * 2; i++) {
        struct sk_net_flow flow = kinds[i % 5];
        enum sk_net_direction direction = i / 75 ? SK_NET_INGRESS : SK_NET_EGRESS;
        assert_int_equal(sk_ip_parse(addresses[i / 5 % 5], &flow.peer, NULL), SK_OK);
        flow.place = (enum sk_net_place)(i / 25 % 3);
        count += allows(next, direction, flow) && !allows(now, direction, flow);
    }
    return count;
}

/* What is said to be covered is; and a closed one lets nothing through. */
static void test_covered_is_allowed(void **state)
{
    static const struct random_policy nothing = {.policy = {.tenant = acme, .dns = SK_NET_DNS_NONE}};
    unsigned covered = 0, closed = 0;
    (void)state;
    for (seed = 1; covered < 500 || closed < 50;) {
        struct random_policy now, next;
        randomise(&now);
        randomise(&next);
        assert_true(sk_net_policy_covers(&now.policy, &now.policy));
        if (sk_net_policy_covers(&now.policy, &next.policy)) {
            assert_int_equal(count_new(&now, &next), 0);
            covered += next.policy.egress_count != 0;
        }
        if (sk_net_policy_is_closed(&now.policy)) {
            assert_int_equal(count_new(&nothing, &now), 0);
            closed++;
        }
    }
}

static void test_granted_names(void **state)
{
    char *except[] = {(char *)(uintptr_t) "bad.example.com", NULL};
    struct sk_net_rule rules[] = {
        {.peer = SK_NET_ANY},
        {.peer = SK_NET_NAME, .name = (char *)(uintptr_t) "*.example.com", .name_except = except},
        {.peer = SK_NET_NAME, .name = (char *)(uintptr_t) "pypi.org"}};
    struct sk_net_policy policy = {.egress = rules, .egress_count = 3};
    (void)state;
    assert_true(sk_net_policy_grants(&policy, "a.example.com"));
    assert_true(sk_net_policy_grants(&policy, "pypi.org"));
    assert_false(sk_net_policy_grants(&policy, "bad.example.com"));
    assert_false(sk_net_policy_grants(&policy, "a.b.example.com"));
    assert_false(sk_net_policy_grants(&policy, "example.com"));
    rules[2].name = (char *)(uintptr_t) "bad.example.com"; /* another rule's exception is not this one's */
    assert_true(sk_net_policy_grants(&policy, "bad.example.com"));
    assert_false(sk_net_policy_grants(&policy, "pypi.org"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_closed_services),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_peers),
        cmocka_unit_test(test_excepts),
        cmocka_unit_test(test_names_under_any),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_name_excepts),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_whole_policies),
        cmocka_unit_test(test_covered_is_allowed),
        cmocka_unit_test(test_granted_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
