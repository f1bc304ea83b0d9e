/* Ports of a spec that others may reach: the table of who may, and what cannot be had. */
#include "api/service.h"
#include "support/spec_rig.h"

#define SERVICE "sandbox.spec.services[0]"

enum { SILENT, PUBLIC, PRIVATE, CUSTOM }; /* as on the wire */
enum { TCP = 1, UDP, SCTP };

static SK_PB(Service) * service(struct fixture *f, int32_t port, int visibility, int protocol)
{
    SK_PB(Service) *s = SK_PB_NEW(&f->arena, service);
    SK_PB(Service) **grown = sk_arena_alloc(&f->arena, (f->spec->n_services + 1) * sizeof(void *));
    for (size_t i = 0; i < f->spec->n_services; i++)
        grown[i] = f->spec->services[i];
    s->port = port;
    s->visibility = (SK_PB(Visibility))visibility;
    s->protocol = (SK_PB(ServiceProtocol))protocol;
    grown[f->spec->n_services++] = s;
    f->spec->services = grown;
    return s;
}

static SK_PB(Service) * alone(struct fixture *f, int32_t port, int visibility, int protocol)
{
    f->spec->n_services = 0;
    return service(f, port, visibility, protocol);
}

static SK_PB(Service) * open_endpoint(struct fixture *f, int32_t port)
{
    SK_PB(Service) *s = service(f, port, PUBLIC, 0);
    s->endpoint = SK_PB_NEW(&f->arena, endpoint_spec);
    s->endpoint->kind = SK_PBE(ENDPOINT_KIND, ENDPOINT_KIND_HTTPS);
    s->endpoint->auth = SK_PBE(ENDPOINT_AUTH, ENDPOINT_AUTH_OPEN);
    return s;
}

static const struct sk_net_service *services_of(struct fixture *f)
{
    assert_decodes(f);
    assert_int_equal(f->out.network->service_count, f->spec->n_services);
    return f->out.network->services;
}

static void each_visibility_and_protocol(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int visibility, protocol;
        int want_visibility;
        enum sk_net_protocol want_protocol;
    } cases[] = {
        {SILENT, 0, SK_NET_SILENT, SK_NET_TCP},     {SILENT, UDP, SK_NET_SILENT, SK_NET_UDP},
        {SILENT, SCTP, SK_NET_SILENT, SK_NET_SCTP}, {PUBLIC, 0, SK_NET_PUBLIC, SK_NET_TCP},
        {PUBLIC, TCP, SK_NET_PUBLIC, SK_NET_TCP},   {PRIVATE, TCP, SK_NET_PRIVATE, SK_NET_TCP},
        {PRIVATE, UDP, SK_NET_PRIVATE, SK_NET_UDP}, {CUSTOM, 0, SK_NET_CUSTOM, SK_NET_TCP},
        {CUSTOM, SCTP, SK_NET_CUSTOM, SK_NET_SCTP},
    };
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        alone(f, 8080, cases[i].visibility, cases[i].protocol);
        const struct sk_net_service *s = services_of(f);
        assert_int_equal(s->visibility, cases[i].want_visibility);
        assert_int_equal(s->protocol, cases[i].want_protocol);
        assert_int_equal(s->port, 8080);
        assert_int_equal(s->node_port, 0);
        assert_false(s->has_endpoint);
    }
}

static void numbers_that_are_none(void **state)
{
    struct fixture *f = *state;
    alone(f, 0, SILENT, 0);
    assert_violates(f, SERVICE ".port");
    alone(f, 65536, PUBLIC, 0);
    assert_violates(f, SERVICE ".port");
    alone(f, 80, 4, 0);
    assert_violates(f, SERVICE ".visibility");
    alone(f, 80, PUBLIC, 4);
    assert_violates(f, SERVICE ".protocol");
    alone(f, 80, SILENT, TCP);
    service(f, 80, SILENT, UDP);
    assert_violates(f, "sandbox.spec.services[1].port");
}

static void names_and_numbers_have_bounds(void **state)
{
    struct fixture *f = *state;
    char *name = sk_arena_alloc(&f->arena, 130);
    memset(name, 'n', 129);
    alone(f, 80, SILENT, 0)->name = name;
    assert_violates(f, SERVICE ".name");
    name[128] = '\0';
    assert_decodes(f);
    f->spec->n_services = 0;
    for (int i = 1; i <= 100; i++)
        service(f, i, PRIVATE, 0);
    assert_int_equal(services_of(f)[99].port, 100);
    service(f, 101, PRIVATE, 0);
    assert_violates(f, "sandbox.spec.services");
}

static void public_ports_need_a_node_that_has_some(void **state)
{
    struct fixture *f = *state;
    alone(f, 80, PUBLIC, UDP);
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", SERVICE ".protocol");
    alone(f, 80, PUBLIC, 0);
    f->node.network.first_port = f->node.network.last_port = 0;
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", SERVICE ".visibility");
    f->spec->n_services = 0;
    open_endpoint(f, 80);
    assert_true(services_of(f)->has_endpoint);
    f->node.network.domain = "";
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", SERVICE ".endpoint");
    alone(f, 80, PRIVATE, 0);
    assert_decodes(f);
}

static void endpoints_are_https_and_open(void **state)
{
    struct fixture *f = *state;
    SK_PB(Service) *s = open_endpoint(f, 80);
    s->endpoint->kind = SK_PBE(ENDPOINT_KIND, ENDPOINT_KIND_TLS_PASSTHROUGH);
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", SERVICE ".endpoint.kind");
    s->endpoint->auth = SK_PBE(ENDPOINT_AUTH, ENDPOINT_AUTH_UNSPECIFIED);
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", SERVICE ".endpoint.kind");
    s->endpoint->kind = SK_PBE(ENDPOINT_KIND, ENDPOINT_KIND_HTTPS);
    assert_violates(f, SERVICE ".endpoint.auth");
    s->endpoint->auth = SK_PBE(ENDPOINT_AUTH, ENDPOINT_AUTH_SHARE_TOKEN);
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", SERVICE ".endpoint.auth");
    s->endpoint->auth = (SK_PB(EndpointAuth))3;
    assert_violates(f, SERVICE ".endpoint.auth");
    s->endpoint->auth = SK_PBE(ENDPOINT_AUTH, ENDPOINT_AUTH_OPEN);
    s->endpoint->kind = SK_PBE(ENDPOINT_KIND, ENDPOINT_KIND_UNSPECIFIED);
    assert_violates(f, SERVICE ".endpoint.kind");
    s->endpoint->kind = (SK_PB(EndpointKind))3;
    assert_violates(f, SERVICE ".endpoint.kind");
    s->endpoint->kind = SK_PBE(ENDPOINT_KIND, ENDPOINT_KIND_HTTPS);
}

static void requests_have_a_limit(void **state)
{
    struct fixture *f = *state;
    SK_PB(Service) *s = open_endpoint(f, 80);
    static const int outside[] = {INT32_MIN, -1, 1, 14, 901, 65536 + 15, INT32_MAX};
    for (size_t i = 0; i < sk_array_len(outside); i++) {
        s->endpoint->request_timeout_seconds = outside[i];
        assert_violates(f, SERVICE ".endpoint.request_timeout_seconds");
    }
    static const int inside[][2] = {{0, 15}, {15, 15}, {16, 16}, {900, 900}};
    for (size_t i = 0; i < sk_array_len(inside); i++) {
        s->endpoint->request_timeout_seconds = inside[i][0];
        assert_int_equal(services_of(f)->timeout_s, inside[i][1]);
    }
    alone(f, 80, PUBLIC, 0);
    assert_int_equal(services_of(f)->timeout_s, 0);
}

static void endpoints_are_of_public_tcp(void **state)
{
    struct fixture *f = *state;
    SK_PB(Service) *s = open_endpoint(f, 80);
    static const int others[] = {SILENT, PRIVATE, CUSTOM};
    for (size_t i = 0; i < sk_array_len(others); i++) {
        s->visibility = (SK_PB(Visibility))others[i];
        assert_violates(f, SERVICE ".endpoint");
    }
    s->visibility = SK_PBE(VISIBILITY, VISIBILITY_PUBLIC);
    s->protocol = SK_PBE(SERVICE_PROTOCOL, SERVICE_PROTOCOL_UDP);
    assert_violates(f, SERVICE ".endpoint");
    s->protocol = SK_PBE(SERVICE_PROTOCOL, SERVICE_PROTOCOL_SCTP);
    assert_violates(f, SERVICE ".endpoint");
    s->protocol = SK_PBE(SERVICE_PROTOCOL, SERVICE_PROTOCOL_TCP);
    assert_decodes(f);
}

static void what_cannot_be_had_together(void **state)
{
    struct fixture *f = *state;
    alone(f, 80, PUBLIC, 0);
    service(f, 81, PRIVATE, 0);
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", "sandbox.spec.services");
    alone(f, 80, PUBLIC, 0);
    open_endpoint(f, 81);
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", "sandbox.spec.services");
    alone(f, 80, PRIVATE, 0);
    open_endpoint(f, 81);
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", "sandbox.spec.services");
    f->node.network.domain = ""; /* nor where one of them could not be had alone */
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", "sandbox.spec.services");
    f->node.network.domain = "boxes.example.com";
    f->spec->n_services = 0;
    open_endpoint(f, 80);
    open_endpoint(f, 81);
    service(f, 82, CUSTOM, UDP);
    service(f, 83, SILENT, 0);
    assert_int_equal(services_of(f)[1].has_endpoint, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(each_visibility_and_protocol),  SPEC_TEST(numbers_that_are_none),
        SPEC_TEST(names_and_numbers_have_bounds), SPEC_TEST(public_ports_need_a_node_that_has_some),
        SPEC_TEST(endpoints_are_https_and_open),  SPEC_TEST(endpoints_are_of_public_tcp),
        SPEC_TEST(what_cannot_be_had_together),   SPEC_TEST(requests_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
