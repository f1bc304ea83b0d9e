/* The network of a record: what goes in comes out; what makes no sense is not believed. */
#include "store/records.h"

#include "base/id.h"
#include "sandkeep/records.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CEILING (1024 * 1024)

typedef Sandkeep__Records__V1__Network wire_network;
typedef Sandkeep__Records__V1__NetworkRule wire_rule;

static struct sk_cidr block(const char *text)
{
    struct sk_cidr cidr;
    assert_int_equal(sk_cidr_parse(text, &cidr, NULL), SK_OK);
    return cidr;
}

static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

/* One of everything. */
static struct sk_net_policy *rich(struct sk_arena *arena)
{
    struct sk_cidr except[] = {block("192.0.2.0/26"), block("192.0.2.128/32")};
    struct sk_net_ports ports[] = {{SK_NET_TCP, 80, 90}, {SK_NET_UDP, 0, 0}, {SK_NET_SCTP, 7, 7}};
    char *names[] = {text("bad.example.com"), text("*.bad.example.com"), NULL};
    struct sk_net_rule egress[] = {
        {.peer = SK_NET_CIDR, .cidr = block("192.0.2.0/24"), .except = except, .except_count = 2},
        {.peer = SK_NET_CIDR, .cidr = block("2001:db8::/32"), .ports = ports, .port_count = 3},
        {.peer = SK_NET_ANY, .ports = ports + 1, .port_count = 1},
        {.peer = SK_NET_NAME, .name = text("*.example.com"), .name_except = names},
        {.peer = SK_NET_NAME, .name = text("pypi.org")},
        {.peer = SK_NET_TENANT},
    };
    struct sk_net_rule ingress[] = {{.peer = SK_NET_ANY}};
    struct sk_net_service services[] = {
        {.protocol = SK_NET_TCP, .port = 8080, .visibility = SK_NET_PUBLIC, .node_port = 20000},
        {.protocol = SK_NET_TCP,
         .port = 65535,
         .visibility = SK_NET_PUBLIC,
         .has_endpoint = true,
         .timeout_s = 900},
        {.protocol = SK_NET_UDP, .port = 1, .visibility = SK_NET_CUSTOM},
    };
    struct sk_net_policy policy = {
        .tenant = text("key-1"),
        .egress = egress,
        .egress_count = sk_array_len(egress),
        .ingress = ingress,
        .ingress_count = 1,
        .services = services,
        .service_count = sk_array_len(services),
        .dns = SK_NET_DNS_GRANTED,
    };
    return sk_net_policy_copy(arena, &policy);
}

static void same_rules(const struct sk_net_rule *a, const struct sk_net_rule *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(a[i].peer, b[i].peer);
        assert_memory_equal(&a[i].cidr, &b[i].cidr, sizeof(a[i].cidr));
        assert_int_equal(a[i].except_count, b[i].except_count);
        for (size_t j = 0; j < a[i].except_count; j++)
            assert_memory_equal(&a[i].except[j], &b[i].except[j], sizeof(struct sk_cidr));
        assert_int_equal(a[i].name == NULL, b[i].name == NULL);
        if (a[i].name)
            assert_string_equal(a[i].name, b[i].name);
        assert_int_equal(a[i].name_except == NULL, b[i].name_except == NULL);
        for (size_t j = 0; a[i].name_except && b[i].name_except && a[i].name_except[j]; j++)
            assert_string_equal(a[i].name_except[j], b[i].name_except[j]);
        assert_int_equal(a[i].port_count, b[i].port_count);
        for (size_t j = 0; j < a[i].port_count; j++)
            assert_memory_equal(&a[i].ports[j], &b[i].ports[j], sizeof(struct sk_net_ports));
    }
}

static void same(const struct sk_net_policy *a, const struct sk_net_policy *b)
{
    assert_string_equal(a->tenant, b->tenant);
    assert_int_equal(a->dns, b->dns);
    assert_int_equal(a->egress_count, b->egress_count);
    same_rules(a->egress, b->egress, a->egress_count);
    assert_int_equal(a->ingress_count, b->ingress_count);
    same_rules(a->ingress, b->ingress, a->ingress_count);
    assert_int_equal(a->service_count, b->service_count);
    for (size_t i = 0; i < a->service_count; i++) {
        assert_int_equal(a->services[i].protocol, b->services[i].protocol);
        assert_int_equal(a->services[i].port, b->services[i].port);
        assert_int_equal(a->services[i].visibility, b->services[i].visibility);
        assert_int_equal(a->services[i].has_endpoint, b->services[i].has_endpoint);
        assert_int_equal(a->services[i].node_port, b->services[i].node_port);
        assert_int_equal(a->services[i].timeout_s, b->services[i].timeout_s);
    }
}

static struct sk_record *there_and_back(const struct sk_record *record)
{
    struct sk_record *after = NULL;
    struct sk_buf bytes;

    sk_buf_init(&bytes, CEILING);
    assert_int_equal(sk_record_pack(record, &bytes, NULL), SK_OK);
    assert_int_equal(sk_record_unpack(bytes.data, bytes.len, &after, NULL), SK_OK);
    sk_buf_fini(&bytes);
    return after;
}

static void comes_back_as_it_went(void **state)
{
    struct sk_record *before = sk_record_new(sk_id_make("node1").text);

    (void)state;
    before->spec.network = rich(&before->arena);
    struct sk_record *after = there_and_back(before);
    same(before->spec.network, after->spec.network);
    sk_record_free(before);
    sk_record_free(after);
}

static void old_records_have_none(void **state)
{
    struct sk_record *before = sk_record_new(sk_id_make("node1").text);
    struct sk_record *after = there_and_back(before);

    (void)state;
    assert_null(after->spec.network);
    sk_record_free(before);
    sk_record_free(after);
}

static void an_empty_one_is_not_none(void **state)
{
    struct sk_record *before = sk_record_new(sk_id_make("node1").text);
    struct sk_net_policy nothing = {.tenant = text(""), .dns = SK_NET_DNS_ALL};

    (void)state;
    before->spec.network = &nothing;
    struct sk_record *after = there_and_back(before);
    assert_non_null(after->spec.network);
    same(&nothing, after->spec.network);
    sk_record_free(before);
    sk_record_free(after);
}

/* What is an endpoint has a limit, also where the record is older than limits are. */
static void old_endpoints_have_the_default(void **state)
{
    static const struct {
        struct sk_net_service before;
        int timeout_s;
    } cases[] = {
        {{.protocol = SK_NET_TCP, .port = 80, .visibility = SK_NET_PUBLIC, .has_endpoint = true}, 15},
        {{.protocol = SK_NET_TCP, .port = 80, .visibility = SK_NET_PUBLIC}, 0},
    };

    (void)state;
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        struct sk_record *before = sk_record_new(sk_id_make("node1").text);
        struct sk_net_service service = cases[i].before;
        struct sk_net_policy policy = {.tenant = text(""), .services = &service, .service_count = 1};
        before->spec.network = &policy;
        struct sk_record *after = there_and_back(before);
        assert_int_equal(after->spec.network->services[0].timeout_s, cases[i].timeout_s);
        sk_record_free(before);
        sk_record_free(after);
    }
}

/* The new one may be made of the old one's parts, and takes no more room however often it is set. */
static void is_set_again(void **state)
{
    struct sk_record *record = sk_record_new(sk_id_make("node1").text);
    size_t first = 0;

    (void)state;
    record->spec.network = rich(&record->arena);
    record->spec.echo = (const uint8_t *)"words";
    record->spec.echo_len = 5;
    for (int i = 0; i < 3; i++) {
        struct sk_net_policy next = *record->spec.network;
        next.dns = i % 2 ? SK_NET_DNS_ALL : SK_NET_DNS_NONE;
        sk_record_set_network(record, &next, record->spec.echo, record->spec.echo_len);
        first = first ? first : record->spec.changed.used;
        assert_int_equal(record->spec.changed.used, first);
        assert_int_equal(record->spec.network->dns, next.dns);
        assert_string_equal(record->spec.network->egress[4].name, "pypi.org");
        assert_memory_equal(record->spec.echo, "words", 5);
    }
    sk_record_free(record);
}

/* --- what is not believed ----------------------------------------------------------------------- */

struct bad {
    Sandkeep__Records__V1__SandboxRecord record;
    Sandkeep__Records__V1__Spec spec;
    wire_network network;
    wire_rule rule;
    Sandkeep__Records__V1__NetworkPorts ports;
    Sandkeep__Records__V1__NetworkService service;
    wire_rule *rules[1];
    Sandkeep__Records__V1__NetworkPorts *port_list[1];
    Sandkeep__Records__V1__NetworkService *services[1];
    struct sk_id id;
};

/* Nothing is wrong with it yet: one rule for one block and port, one service. */
static void bad_init(struct bad *bad)
{
    *bad = (struct bad){.id = sk_id_make("node1")};
    sandkeep__records__v1__sandbox_record__init(&bad->record);
    sandkeep__records__v1__spec__init(&bad->spec);
    sandkeep__records__v1__network__init(&bad->network);
    sandkeep__records__v1__network_rule__init(&bad->rule);
    sandkeep__records__v1__network_ports__init(&bad->ports);
    sandkeep__records__v1__network_service__init(&bad->service);
    bad->record.id = bad->id.text;
    bad->record.state = SANDKEEP__RECORDS__V1__STATE__STATE_RUNNING;
    bad->record.spec = &bad->spec;
    bad->spec.network = &bad->network;
    bad->rules[0] = &bad->rule;
    bad->port_list[0] = &bad->ports;
    bad->services[0] = &bad->service;
    bad->network.egress = bad->rules;
    bad->network.n_egress = 1;
    bad->network.services = bad->services;
    bad->network.n_services = 1;
    bad->rule.cidr = text("192.0.2.0/24");
    bad->rule.ports = bad->port_list;
    bad->rule.n_ports = 1;
    bad->ports.protocol = SK_NET_TCP;
    bad->ports.first = bad->ports.last = 443;
    bad->service.protocol = SK_NET_TCP;
    bad->service.port = 80;
}

static enum sk_code read_bad(const struct bad *bad, struct sk_err *err)
{
    uint8_t bytes[4096];
    struct sk_record *record = NULL;
    size_t len = sandkeep__records__v1__sandbox_record__get_packed_size(&bad->record);

    assert_true(len <= sizeof(bytes));
    sandkeep__records__v1__sandbox_record__pack(&bad->record, bytes);
    enum sk_code code = sk_record_unpack(bytes, len, &record, err);
    sk_record_free(record);
    return code;
}

static void refuses(const struct bad *bad, const char *because)
{
    struct sk_err err = {0};

    assert_int_equal(read_bad(bad, &err), SK_DATA_LOSS);
    if (!strstr(err.text, because))
        fail_msg("\"%s\" does not say \"%s\"", err.text, because);
}

static void refuses_rules(void **state)
{
    static const struct {
        int peer;
        const char *cidr, *name, *except;
        const char *because;
    } cases[] = {
        {4, "192.0.2.0/24", "", NULL, "nobody"},
        {-1, "192.0.2.0/24", "", NULL, "nobody"},
        {SK_NET_CIDR, "", "", NULL, "no addresses"},
        {SK_NET_CIDR, "192.0.2.1/24", "", NULL, "no addresses"},
        {SK_NET_CIDR, "::/0", "", "x", "no addresses"},
        {SK_NET_NAME, "", "", NULL, "no host name"},
        {SK_NET_NAME, "", "A.example", NULL, "name"},
        {SK_NET_NAME, "", "1.2.3.4", NULL, "no host name"},
        {SK_NET_NAME, "", "*.com", NULL, "no host"},
        {SK_NET_NAME, "", "a.example", "-\n", "no host name"},
    };
    struct bad bad;

    (void)state;
    bad_init(&bad);
    assert_int_equal(read_bad(&bad, NULL), SK_OK);
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        char *except[] = {text(cases[i].except)};
        bad_init(&bad);
        bad.rule.peer = cases[i].peer;
        bad.rule.cidr = text(cases[i].cidr);
        bad.rule.name = text(cases[i].name);
        bad.rule.except = bad.rule.name_except = except;
        bad.rule.n_except = cases[i].peer == SK_NET_CIDR && cases[i].except;
        bad.rule.n_name_except = cases[i].peer == SK_NET_NAME && cases[i].except;
        refuses(&bad, cases[i].because);
        bad.network.ingress = sk_take(bad.network.egress);
        bad.network.n_ingress = 1;
        bad.network.n_egress = 0;
        refuses(&bad, cases[i].because);
    }
}

static void refuses_ports(void **state)
{
    static const int cases[][3] = {{SK_NET_TCP, 443, 442}, {SK_NET_TCP, -1, 2},        {SK_NET_TCP, 1, 65536},
                                   {SK_NET_TCP, 0, 1},     {SK_NET_UDP, 70000, 70001}, {1, 1, 1}};
    struct bad bad;

    (void)state;
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        bad_init(&bad);
        bad.ports.protocol = cases[i][0];
        bad.ports.first = cases[i][1];
        bad.ports.last = cases[i][2];
        refuses(&bad, "no ports");
    }
}

static void refuses_services_and_modes(void **state)
{
    struct bad bad;

    (void)state;
    static const int cases[][5] = {{SK_NET_TCP, 0, 0, 0},
                                   {SK_NET_TCP, 65536, 0, 0},
                                   {SK_NET_TCP, 80, 4, 0},
                                   {SK_NET_TCP, 80, -1, 0},
                                   {2, 80, 0, 0},
                                   {SK_NET_TCP, 80, 0, 70000},
                                   {SK_NET_TCP, 80, 0, 0, -1},
                                   {SK_NET_TCP, 80, 0, 0, 65536}};
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        bad_init(&bad);
        bad.service.protocol = cases[i][0];
        bad.service.port = cases[i][1];
        bad.service.visibility = cases[i][2];
        bad.service.node_port = cases[i][3];
        bad.service.timeout_s = cases[i][4];
        refuses(&bad, "service");
    }
    bad_init(&bad);
    bad.network.dns = 3;
    refuses(&bad, "names");
    bad.network.dns = -1;
    refuses(&bad, "names");
    bad_init(&bad);
    bad.network.tenant = text("\xff");
    refuses(&bad, "UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_went),
        cmocka_unit_test(old_records_have_none),
        cmocka_unit_test(an_empty_one_is_not_none),
        cmocka_unit_test(old_endpoints_have_the_default),
        cmocka_unit_test(is_set_again),
        cmocka_unit_test(refuses_rules),
        cmocka_unit_test(refuses_ports),
        cmocka_unit_test(refuses_services_and_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
