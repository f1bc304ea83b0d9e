/* Networks over the API: what a create asks of core, GetNetwork, SetNetwork, and what they say when drivers
 * fail. */
#include "support/fake_call.h"

#include "core/network.h"

#define GET    "/sandkeep.v1.NetworkService/GetNetwork"
#define SET    "/sandkeep.v1.NetworkService/SetNetwork"
#define CREATE "/coreweave.sandbox.v1.SandboxService/CreateSandbox"
#define SHOW   "/coreweave.sandbox.v1.SandboxService/GetSandbox"

struct rig {
    struct world w;
    struct sk_server_call rpc;
    struct sk_arena arena; /* of requests */
    bool has_call;
    char id[64];
};

static int setup(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));
    world_init(&rig->w);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    if (rig->has_call)
        fake_fini(&rig->rpc);
    sk_arena_fini(&rig->arena);
    world_fini(&rig->w);
    free(rig);
    return 0;
}

/* Asks and waits for the answer; the last message of it, or NULL for an error. */
static const void *ask(struct rig *rig, const char *path, const ProtobufCMessage *request)
{
    if (rig->has_call)
        fake_fini(&rig->rpc);
    rig->has_call = true;
    fake_ask(&rig->rpc, &rig->w, path, request);
    world_settle(&rig->w);
    world_advance(&rig->w, SK_SEC(2));
    assert_true(rig->rpc.over);
    return rig->rpc.code == SK_OK ? rig->rpc.sent[rig->rpc.sent_count - 1] : NULL;
}

static const SK_OWN_PB(Network) * get(struct rig *rig)
{
    SK_OWN_PB(GetNetworkRequest) request = SANDKEEP__V1__GET_NETWORK_REQUEST__INIT;
    request.sandbox_id = rig->id;
    return ask(rig, GET, &request.base);
}

static const SK_OWN_PB(Network) * set(struct rig *rig, SK_PB(NetworkOptions) * options)
{
    SK_OWN_PB(SetNetworkRequest) request = SANDKEEP__V1__SET_NETWORK_REQUEST__INIT;
    request.sandbox_id = rig->id;
    request.network = options;
    return ask(rig, SET, &request.base);
}

static const SK_PB(Sandbox) * show(struct rig *rig)
{
    SK_PB(GetSandboxRequest) request = COREWEAVE__SANDBOX__V1__GET_SANDBOX_REQUEST__INIT;
    request.sandbox_id = rig->id;
    return ask(rig, SHOW, &request.base);
}

static SK_PB(NetworkOptions) * options_to(struct rig *rig, const char *cidr)
{
    SK_PB(NetworkOptions) *options = SK_PB_NEW(&rig->arena, network_options);
    SK_PB(EgressRule) *rule = SK_PB_NEW(&rig->arena, egress_rule);
    rule->destination_case = SK_PBE(EGRESS_RULE, DESTINATION_CIDR);
    rule->cidr = SK_PB_NEW(&rig->arena, cidr_block);
    rule->cidr->cidr = (char *)cidr;
    options->egress = sk_arena_memdup(&rig->arena, &rule, sizeof(rule));
    options->n_egress = 1;
    return options;
}

static void add_service(struct rig *rig, SK_PB(SandboxSpec) * spec, int32_t port, SK_PB(Visibility) who)
{
    SK_PB(Service) *service = SK_PB_NEW(&rig->arena, service);
    SK_PB(Service) **grown = sk_arena_alloc(&rig->arena, (spec->n_services + 1) * sizeof(void *));
    for (size_t i = 0; i < spec->n_services; i++)
        grown[i] = spec->services[i];
    service->port = port;
    service->visibility = who;
    grown[spec->n_services++] = service;
    spec->services = grown;
}

/* A create of that network and services; its answer, or NULL. */
static const SK_PB(Sandbox) * create(struct rig *rig, SK_PB(SandboxSpec) * spec)
{
    SK_PB(CreateSandboxRequest) request = COREWEAVE__SANDBOX__V1__CREATE_SANDBOX_REQUEST__INIT;
    SK_PB(Sandbox) sandbox = COREWEAVE__SANDBOX__V1__SANDBOX__INIT;
    SK_PB(Container) *main = SK_PB_NEW(&rig->arena, container);
    SK_PB(ResourceRequirements) *both = SK_PB_NEW(&rig->arena, resource_requirements);
    both->requests = both->limits = SK_PB_NEW(&rig->arena, resources);
    both->limits->cpu = "1";
    both->limits->memory = "64Mi";
    main->name = "main";
    main->image = "python:3.11";
    main->command = "sleep";
    main->args = (char *[]){"infinity"};
    main->n_args = 1;
    main->resource_requirements = both;
    spec->containers = &main;
    spec->n_containers = 1;
    sandbox.spec = spec;
    request.sandbox = &sandbox;
    request.request_id = "r1";
    const SK_PB(Sandbox) *made = ask(rig, CREATE, &request.base);
    if (made)
        (void)snprintf(rig->id, sizeof(rig->id), "%s", made->sandbox_id);
    return made;
}

static SK_PB(SandboxSpec) * new_spec(struct rig *rig)
{
    return SK_PB_NEW(&rig->arena, sandbox_spec);
}

static const struct sk_fake_attached *attached(struct rig *rig)
{
    const struct sk_fake_attached *found = sk_fake_network_find(rig->w.network, rig->id);
    assert_non_null(found);
    return found;
}

/* --- create ---------------------------------------------------------------------------- */

static void a_create_puts_its_rules_in_force(void **state)
{
    struct rig *rig = *state;
    SK_PB(SandboxSpec) *spec = new_spec(rig);
    spec->network = options_to(rig, "192.0.2.0/24");
    add_service(rig, spec, 8080, SK_PBE(VISIBILITY, VISIBILITY_PUBLIC));
    const SK_PB(Sandbox) *made = create(rig, spec);
    assert_int_equal(rig->rpc.code, SK_OK);
    assert_int_equal(made->status->state, SK_PBE(STATE, STATE_RUNNING));
    assert_string_equal(made->status->effective_egress[0]->cidr->cidr, "192.0.2.0/24");
    assert_string_equal(made->status->services[0]->url, "http://192.0.2.7:20000");
    const struct sk_net_policy *policy = attached(rig)->policy;
    assert_int_equal(policy->egress_count, 1);
    assert_int_equal(policy->egress[0].cidr.prefix, 24);
    assert_int_equal(sk_fake_edge_find(rig->w.edge, rig->id)->doors[0].node_port, 20000);
    assert_string_equal(show(rig)->status->services[0]->url, "http://192.0.2.7:20000");
}

static void the_same_request_gives_the_same_address(void **state)
{
    struct rig *rig = *state;
    SK_PB(SandboxSpec) *spec = new_spec(rig);
    add_service(rig, spec, 8080, SK_PBE(VISIBILITY, VISIBILITY_PUBLIC));
    assert_non_null(create(rig, spec));
    char first[64];
    (void)snprintf(first, sizeof(first), "%s", rig->id);
    const SK_PB(Sandbox) *again = create(rig, spec);
    assert_string_equal(again->sandbox_id, first);
    assert_string_equal(again->status->services[0]->url, "http://192.0.2.7:20000");
}

/* --- get ----------------------------------------------------------------------------------- */

static void a_network_can_be_looked_at(void **state)
{
    struct rig *rig = *state;
    assert_non_null(create(rig, new_spec(rig)));
    const struct sk_network_counts counts = {10, 20, 30};
    const struct sk_network_event event = {.kind = SK_NETWORK_DENIED,
                                           .id = rig->id,
                                           .destination = {false, {192, 0, 2, 1}},
                                           .protocol = 6,
                                           .port = 25,
                                           .rule = "egress"};
    sk_fake_network_set_counts(rig->w.network, rig->id, &counts);
    sk_fake_network_tell(rig->w.network, &event);
    const SK_OWN_PB(Network) *seen = get(rig);
    assert_string_equal(seen->sandbox_id, rig->id);
    char address[SK_IP_TEXT_MAX];
    sk_ip_print(&attached(rig)->place.ipv4, address);
    assert_true(seen->n_addresses > 0);
    assert_string_equal(seen->addresses[0], address);
    assert_int_equal(seen->sent_bytes, 10);
    assert_int_equal(seen->received_bytes, 20);
    assert_int_equal(seen->denied_packets, 30);
    assert_int_equal(seen->n_denials, 1);
    assert_string_equal(seen->denials[0]->destination, "192.0.2.1");
    assert_string_equal(seen->denials[0]->rule, "egress");
    assert_true(seen->effective_egress[0]->any);
}

static void nobody_has_no_network(void **state)
{
    struct rig *rig = *state;
    (void)snprintf(rig->id, sizeof(rig->id), "n1-nobody");
    assert_null(get(rig));
    assert_int_equal(rig->rpc.code, SK_NOT_FOUND);
    assert_null(set(rig, NULL));
    assert_int_equal(rig->rpc.code, SK_NOT_FOUND);
}

/* --- set ------------------------------------------------------------------------------------ */

static void other_rules_take_the_place_of_those(void **state)
{
    struct rig *rig = *state;
    SK_PB(SandboxSpec) *spec = new_spec(rig);
    add_service(rig, spec, 8080, SK_PBE(VISIBILITY, VISIBILITY_PRIVATE));
    assert_non_null(create(rig, spec));
    const SK_OWN_PB(Network) *after = set(rig, options_to(rig, "198.51.100.0/24"));
    assert_int_equal(after->n_effective_egress, 1);
    assert_string_equal(after->effective_egress[0]->cidr->cidr, "198.51.100.0/24");
    assert_int_equal(after->n_services, 1);
    assert_int_equal(attached(rig)->policy->egress_count, 1);
    assert_int_equal(attached(rig)->policy->service_count, 1);
    assert_string_equal(show(rig)->spec->network->egress[0]->cidr->cidr, "198.51.100.0/24");
    world_stop(&rig->w);
    world_start(&rig->w);
    assert_string_equal(show(rig)->status->effective_egress[0]->cidr->cidr, "198.51.100.0/24");
    assert_int_equal(attached(rig)->policy->egress[0].cidr.prefix, 24);
    assert_non_null(set(rig, NULL));
    assert_null(show(rig)->spec->network);
    assert_int_equal(attached(rig)->policy->egress_count, 2);
}

static void wrong_rules_change_nothing(void **state)
{
    struct rig *rig = *state;
    assert_non_null(create(rig, new_spec(rig)));
    assert_null(set(rig, options_to(rig, "nonsense")));
    assert_int_equal(rig->rpc.code, SK_INVALID_ARGUMENT);
    assert_non_null(strstr(rig->rpc.text, "network.egress[0].cidr.cidr"));
    assert_int_equal(attached(rig)->policy->egress_count, 2);
}

/* Rules of a megabyte beside a spec of nearly as much. */
static void a_spec_does_not_grow_beyond_its_ceiling(void **state)
{
    struct rig *rig = *state;
    SK_PB(SandboxSpec) *spec = new_spec(rig);
    SK_PB(SandboxSpec__AnnotationsEntry) *big = SK_PB_NEW(&rig->arena, sandbox_spec__annotations_entry);
    big->key = "big";
    big->value = sk_arena_alloc(&rig->arena, 980 * 1024 + 1);
    memset(big->value, 'v', 980 * 1024);
    spec->annotations = &big;
    spec->n_annotations = 1;
    assert_non_null(create(rig, spec));
    SK_PB(NetworkOptions) *options = options_to(rig, "10.0.0.0/8");
    SK_PB(EgressRule) *rule = options->egress[0];
    char *excepts[32];
    for (size_t i = 0; i < sk_array_len(excepts); i++)
        excepts[i] = "10.255.255.255/32";
    rule->cidr->except = excepts;
    rule->cidr->n_except = sk_array_len(excepts);
    options->egress = sk_arena_alloc(&rig->arena, 256 * sizeof(void *));
    for (options->n_egress = 0; options->n_egress < 256; options->n_egress++)
        options->egress[options->n_egress] = rule;
    assert_null(set(rig, options));
    assert_int_equal(rig->rpc.code, SK_INVALID_ARGUMENT);
    assert_non_null(strstr(rig->rpc.text, "larger"));
}

static int break_apply(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "network.apply") == 0 ? SK_FAKE_FAIL : SK_FAKE_OK;
}

static void what_cannot_be_applied_is_not_told(void **state)
{
    struct rig *rig = *state;
    assert_non_null(create(rig, new_spec(rig)));
    struct sk_fake_calls *calls = sk_fake_network_calls(rig->w.network);
    calls->hook = break_apply;
    assert_null(set(rig, options_to(rig, "192.0.2.0/24")));
    assert_int_equal(rig->rpc.code, SK_UNAVAILABLE);
    calls->hook = NULL;
    assert_null(show(rig)->spec->network);
    assert_true(show(rig)->status->effective_egress[0]->any);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_create_puts_its_rules_in_force),
        TEST(the_same_request_gives_the_same_address),
        TEST(a_network_can_be_looked_at),
        TEST(nobody_has_no_network),
        TEST(other_rules_take_the_place_of_those),
        TEST(wrong_rules_change_nothing),
        TEST(a_spec_does_not_grow_beyond_its_ceiling),
        TEST(what_cannot_be_applied_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
