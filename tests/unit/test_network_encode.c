/* What clients are told of rules and services: in their own words, and where the doors are, while there are.
 */
#include "api/encode.h"
#include "api/network_encode.h"
#include "support/spec_rig.h"

#define ID "n1-aaaaaaaaaaaaaaaaaaaaaaaaaa"

enum { SILENT, PUBLIC, PRIVATE, CUSTOM }; /* as on the wire */

static const struct sk_network_place place = {.ipv4 = {false, {10, 231, 0, 9}}};

static void add_service(struct fixture *f, int32_t port, int visibility, int protocol, bool endpoint)
{
    SK_PB(Service) *s = SK_PB_NEW(&f->arena, service);
    SK_PB(Service) **grown = sk_arena_alloc(&f->arena, (f->spec->n_services + 1) * sizeof(void *));
    for (size_t i = 0; i < f->spec->n_services; i++)
        grown[i] = f->spec->services[i];
    s->port = port;
    s->name = "web";
    s->visibility = (SK_PB(Visibility))visibility;
    s->protocol = (SK_PB(ServiceProtocol))protocol;
    if (endpoint) {
        s->endpoint = SK_PB_NEW(&f->arena, endpoint_spec);
        s->endpoint->kind = SK_PBE(ENDPOINT_KIND, ENDPOINT_KIND_HTTPS);
        s->endpoint->auth = SK_PBE(ENDPOINT_AUTH, ENDPOINT_AUTH_OPEN);
    }
    grown[f->spec->n_services++] = s;
    f->spec->services = grown;
}

/* What a client sees of a sandbox that was made so and is in that state. */
static const SK_PB(SandboxStatus) *
    shown(struct fixture *f, enum sk_state state, const struct sk_network_place *where)
{
    assert_decodes(f);
    for (size_t i = 0; i < f->out.network->service_count; i++) { /* as core gives them out */
        struct sk_net_service *s = &f->out.network->services[i];
        if (s->visibility == SK_NET_PUBLIC && !s->has_endpoint)
            s->node_port = (uint16_t)(20000 + i);
    }
    struct sk_record record = {
        .id = ID, .template_id = "", .state = state, .state_reason = "", .spec = f->out};
    const SK_PB(Sandbox) *out = sk_encode_sandbox(&f->arena, &record, where, &f->node);
    size_t len;
    const uint8_t *packed = sk_pb_pack(&f->arena, &out->base, &len);
    const SK_PB(Sandbox) *back =
        sk_pb_unpack(&f->arena, &coreweave__sandbox__v1__sandbox__descriptor, packed, len);
    assert_non_null(back);
    return back->status;
}

/* --- rules --------------------------------------------------------------------------- */

static void the_default_is_said_by_a_rule(void **state)
{
    struct fixture *f = *state;
    const SK_PB(SandboxStatus) *status = shown(f, SK_STATE_RUNNING, &place);
    assert_int_equal(status->n_effective_egress, 1);
    assert_int_equal(status->effective_egress[0]->destination_case, SK_PBE(EGRESS_RULE, DESTINATION_ANY));
    assert_true(status->effective_egress[0]->any);
    assert_int_equal(status->n_effective_ingress, 0);
    assert_int_equal(status->effective_dns_egress, SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_ALLOW));
}

static void denied_is_no_rule(void **state)
{
    struct fixture *f = *state;
    SK_PB(NetworkOptions) *n = f->spec->network = SK_PB_NEW(&f->arena, network_options);
    n->_deny_egress_case = SK_PBE(NETWORK_OPTIONS, _DENY_EGRESS_DENY_EGRESS);
    n->deny_egress = true;
    const SK_PB(SandboxStatus) *status = shown(f, SK_STATE_RUNNING, &place);
    assert_int_equal(status->n_effective_egress, 0);
    assert_int_equal(status->effective_dns_egress, SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_ALLOW));
    n->dns_egress = SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_DENY);
    status = shown(f, SK_STATE_CREATING, NULL);
    assert_int_equal(status->effective_dns_egress, SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_DENY));
}

static void rules_are_the_callers_words(void **state)
{
    struct fixture *f = *state;
    SK_PB(NetworkOptions) *n = f->spec->network = SK_PB_NEW(&f->arena, network_options);
    char *names[] = {"PyPI.org", "*.pypi.org", "a.example"};
    n->egress = sk_arena_alloc(&f->arena, 3 * sizeof(void *));
    for (; n->n_egress < 3; n->n_egress++) {
        n->egress[n->n_egress] = SK_PB_NEW(&f->arena, egress_rule);
        n->egress[n->n_egress]->destination_case = SK_PBE(EGRESS_RULE, DESTINATION_HTTPS_HOSTNAME);
        n->egress[n->n_egress]->https_hostname = names[n->n_egress];
    }
    SK_PB(IngressRule) *from = SK_PB_NEW(&f->arena, ingress_rule);
    from->source_case = SK_PBE(INGRESS_RULE, SOURCE_ANY);
    from->any = true;
    n->ingress = one(f, from);
    n->n_ingress = 1;
    static const enum sk_state states[] = {SK_STATE_PENDING, SK_STATE_RUNNING, SK_STATE_TERMINATED};
    for (size_t s = 0; s < sk_array_len(states); s++) {
        const SK_PB(SandboxStatus) *status = shown(f, states[s], NULL);
        assert_int_equal(status->n_effective_egress, 3);
        for (size_t i = 0; i < 3; i++)
            assert_string_equal(status->effective_egress[i]->https_hostname, names[i]);
        assert_int_equal(status->n_effective_ingress, 1);
        assert_true(status->effective_ingress[0]->any);
    }
}

/* A daemon that knew no networks made it. */
static void an_old_record_has_no_way_out(void **state)
{
    struct fixture *f = *state;
    add_service(f, 80, SILENT, 0, false);
    assert_decodes(f);
    struct sk_record record = {.id = ID, .template_id = "", .state = SK_STATE_RUNNING, .state_reason = ""};
    record.spec = f->out;
    record.spec.network = NULL;
    const SK_PB(SandboxStatus) *status = sk_encode_sandbox(&f->arena, &record, NULL, &f->node)->status;
    assert_int_equal(status->n_effective_egress, 0);
    assert_int_equal(status->effective_dns_egress, SK_PBE(DNSEGRESS_MODE, DNS_EGRESS_MODE_DENY));
    assert_int_equal(status->n_services, 1);
    assert_string_equal(status->services[0]->url, "");
}

/* --- services -------------------------------------------------------------------------- */

static void public_ones_are_at_the_node(void **state)
{
    struct fixture *f = *state;
    add_service(f, 8080, PUBLIC, 0, false);
    add_service(f, 53, SILENT, 2, false);
    add_service(f, 9000, CUSTOM, 1, false);
    add_service(f, 8081, PUBLIC, 1, false);
    static const char *const urls[] = {"http://192.0.2.7:20000", "", "", "http://192.0.2.7:20003"};
    static const int ports[] = {8080, 53, 9000, 8081};
    const SK_PB(SandboxStatus) *status = shown(f, SK_STATE_RUNNING, &place);
    assert_int_equal(status->n_services, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(status->services[i]->url, urls[i]);
        assert_int_equal(status->services[i]->port, ports[i]);
        assert_string_equal(status->services[i]->name, "web");
        assert_null(status->services[i]->endpoint);
    }
    assert_int_equal(status->services[1]->protocol, SK_PBE(SERVICE_PROTOCOL, SERVICE_PROTOCOL_UDP));
    assert_int_equal(status->services[2]->visibility, SK_PBE(VISIBILITY, VISIBILITY_CUSTOM));
    f->node.network.address = "[2001:db8::7]";
    assert_string_equal(shown(f, SK_STATE_CREATING, NULL)->services[0]->url, "http://[2001:db8::7]:20000");
}

static void private_ones_are_where_the_sandbox_is(void **state)
{
    struct fixture *f = *state;
    const struct sk_network_place closed = {.is_closed = true};
    add_service(f, 8080, PRIVATE, 0, false);
    add_service(f, 53, PRIVATE, 2, false);
    const SK_PB(SandboxStatus) *status = shown(f, SK_STATE_RUNNING, &place);
    assert_string_equal(status->services[0]->url, "http://10.231.0.9:8080");
    assert_string_equal(status->services[1]->url, ""); /* which is not TCP */
    assert_string_equal(shown(f, SK_STATE_CREATING, NULL)->services[0]->url, "");
    assert_string_equal(shown(f, SK_STATE_RUNNING, &closed)->services[0]->url, "");
}

static void endpoints_have_a_name_each(void **state)
{
    struct fixture *f = *state;
    add_service(f, 8080, PUBLIC, 0, true);
    add_service(f, 8081, PUBLIC, 1, true);
    const SK_PB(SandboxStatus) *status = shown(f, SK_STATE_RUNNING, &place);
    assert_string_equal(status->services[0]->endpoint->url, "https://" ID "-8080.boxes.example.com");
    assert_string_equal(status->services[1]->endpoint->url, "https://" ID "-8081.boxes.example.com");
    assert_string_equal(status->services[0]->url, "");
    assert_int_equal(status->services[0]->endpoint->kind, SK_PBE(ENDPOINT_KIND, ENDPOINT_KIND_HTTPS));
    assert_int_equal(status->services[0]->endpoint->auth, SK_PBE(ENDPOINT_AUTH, ENDPOINT_AUTH_OPEN));
    assert_int_equal(status->services[0]->endpoint->request_timeout_seconds, 15); /* nothing was said */
    f->spec->services[1]->endpoint->request_timeout_seconds = 900;
    status = shown(f, SK_STATE_CREATING, NULL);
    assert_int_equal(status->services[0]->endpoint->request_timeout_seconds, 15);
    assert_int_equal(status->services[1]->endpoint->request_timeout_seconds, 900);
    f->node.network.https_port = 8443;
    assert_string_equal(shown(f, SK_STATE_RUNNING, &place)->services[0]->endpoint->url,
                        "https://" ID "-8080.boxes.example.com:8443");
}

static void what_ends_is_nowhere(void **state)
{
    struct fixture *f = *state;
    for (int kind = 0; kind < 3; kind++) {
        f->spec->n_services = 0;
        add_service(f, 8080, kind == 1 ? PRIVATE : PUBLIC, 0, kind == 2);
        for (int s = SK_STATE_TERMINATING; s <= SK_STATE_TERMINATED; s++) {
            const SK_PB(SandboxStatus) *status = shown(f, (enum sk_state)s, &place);
            assert_int_equal(status->n_services, 1);
            assert_string_equal(status->services[0]->url, "");
            assert_true(!!status->services[0]->endpoint == (kind == 2));
            if (kind != 2)
                continue;
            assert_string_equal(status->services[0]->endpoint->url, "");
            assert_int_equal(status->services[0]->endpoint->request_timeout_seconds, 15);
        }
    }
}

/* --- the report -------------------------------------------------------------------------- */

static struct sk_network_denial denial(const char *ip, uint8_t protocol, uint16_t port, const char *rule)
{
    struct sk_network_denial d = {.at = {1500000000000000000}, .protocol = protocol, .port = port};
    d.rule = rule;
    if (ip)
        assert_int_equal(sk_ip_parse(ip, &d.ip, NULL), SK_OK);
    return d;
}

static const SK_OWN_PB(Network) * report_of(struct fixture *f, const struct sk_network_report *report)
{
    const SK_PB(SandboxStatus) *status = shown(f, SK_STATE_RUNNING, &place);
    return sk_encode_network_report(&f->arena, ID, report, status);
}

static void a_report_tells_all(void **state)
{
    struct fixture *f = *state;
    struct sk_network_report report = {.has_place = true, .place = place, .denial_count = 4};
    report.counts = (struct sk_network_counts){1, UINT64_MAX, 3};
    report.names_asked = 4;
    report.names_denied = 5;
    report.denials[0] = denial("192.0.2.1", 6, 443, "egress");
    report.denials[1] = denial("2001:db8::1", 58, 0, "platform");
    report.denials[2] = denial("192.0.2.1", 47, 0, "egress");
    report.denials[3] = denial(NULL, 17, 0, "refused");
    (void)strcpy(report.denials[3].name, "evil.example");
    add_service(f, 8080, PRIVATE, 0, false);
    const SK_OWN_PB(Network) *out = report_of(f, &report);
    assert_string_equal(out->sandbox_id, ID);
    assert_int_equal(out->n_addresses, 1);
    assert_string_equal(out->addresses[0], "10.231.0.9");
    assert_true(out->received_bytes == UINT64_MAX);
    assert_int_equal(out->sent_bytes, 1);
    assert_int_equal(out->denied_packets, 3);
    assert_int_equal(out->names_asked, 4);
    assert_int_equal(out->names_denied, 5);
    assert_int_equal(out->n_effective_egress, 1);
    assert_string_equal(out->services[0]->url, "http://10.231.0.9:8080");
    assert_int_equal(out->n_denials, 4);
    assert_string_equal(out->denials[0]->destination, "192.0.2.1");
    assert_string_equal(out->denials[0]->protocol, "TCP");
    assert_int_equal(out->denials[0]->port, 443);
    assert_string_equal(out->denials[0]->rule, "egress");
    assert_int_equal(out->denials[0]->time->seconds, 1500000000);
    assert_string_equal(out->denials[1]->destination, "2001:db8::1");
    assert_string_equal(out->denials[1]->protocol, "ICMP");
    assert_string_equal(out->denials[2]->protocol, "47");
    assert_string_equal(out->denials[3]->destination, "");
    assert_string_equal(out->denials[3]->name, "evil.example");
}

static void addresses_are_those_it_has(void **state)
{
    struct fixture *f = *state;
    struct sk_network_report report = {.has_place = true, .place = place};
    report.place.has_ipv6 = true;
    assert_int_equal(sk_ip_parse("2001:db8::9", &report.place.ipv6, NULL), SK_OK);
    assert_int_equal(report_of(f, &report)->n_addresses, 2);
    assert_string_equal(report_of(f, &report)->addresses[1], "2001:db8::9");
    report.place.is_closed = true;
    assert_int_equal(report_of(f, &report)->n_addresses, 0);
    report = (struct sk_network_report){0};
    assert_int_equal(report_of(f, &report)->n_addresses, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(the_default_is_said_by_a_rule),
        SPEC_TEST(denied_is_no_rule),
        SPEC_TEST(rules_are_the_callers_words),
        SPEC_TEST(an_old_record_has_no_way_out),
        SPEC_TEST(public_ones_are_at_the_node),
        SPEC_TEST(private_ones_are_where_the_sandbox_is),
        SPEC_TEST(endpoints_have_a_name_each),
        SPEC_TEST(what_ends_is_nowhere),
        SPEC_TEST(a_report_tells_all),
        SPEC_TEST(addresses_are_those_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
