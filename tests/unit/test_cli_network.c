/* sandkeep network: what options and files ask for, what is printed of an answer. */
#include "cli/network_output.h"
#include "cli/networks.h"
#include "cli/rules.h"
#include "cli/verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

struct asked {
    struct sk_arena arena;
    struct sk_args args;
    sk_rules *rules;
    struct sk_err err;
};

static enum sk_code ask(struct asked *asked, int argc, char **argv)
{
    *asked = (struct asked){0};
    enum sk_code code = sk_args_parse(&sk_verb_network_set, argc, argv, &asked->args, &asked->err);
    return code ? code : sk_networks_ask(&asked->args, &asked->arena, &asked->rules, &asked->err);
}

static void asked_fini(struct asked *asked)
{
    sk_arena_fini(&asked->arena);
    sk_args_fini(&asked->args);
}

#define ASK(asked, ...) ask((asked), (int)sk_array_len(((char *[]){__VA_ARGS__})), (char *[]){__VA_ARGS__})

/* --- options ---------------------------------------------------------------------------- */

static void test_options(void **state)
{
    struct asked a;

    (void)state;
    assert_int_equal(ASK(&a, "id", "--egress", "any,tcp=443", "--egress=host:pypi.org", "--ingress", "tenant",
                         "--dns", "deny"),
                     SK_OK);
    assert_int_equal(a.rules->n_egress, 2);
    assert_true(a.rules->egress[0]->any);
    assert_string_equal(a.rules->egress[1]->https_hostname, "pypi.org");
    assert_int_equal(a.rules->n_ingress, 1);
    assert_int_equal(a.rules->dns_egress, COREWEAVE__SANDBOX__V1__DNSEGRESS_MODE__DNS_EGRESS_MODE_DENY);
    assert_int_equal(a.rules->_deny_egress_case, 0);
    asked_fini(&a);
    assert_int_equal(ASK(&a, "id", "--deny-egress"), SK_OK);
    assert_true(a.rules->_deny_egress_case && a.rules->deny_egress);
    assert_int_equal(a.rules->n_egress, 0);
    asked_fini(&a);
    assert_int_equal(ASK(&a, "--allow-all", "id", "--dns=allow"), SK_OK);
    assert_int_equal(a.rules->_deny_egress_case, 0);
    assert_int_equal(a.rules->dns_egress, COREWEAVE__SANDBOX__V1__DNSEGRESS_MODE__DNS_EGRESS_MODE_ALLOW);
    asked_fini(&a);
}

static void refused(struct asked *asked, enum sk_code code, const char *why)
{
    assert_int_equal(code, SK_INVALID_ARGUMENT);
    if (!strstr(asked->err.text, why))
        fail_msg("no %s in %s", why, asked->err.text);
    asked_fini(asked);
}

static void test_options_that_cannot_be(void **state)
{
    struct asked a;

    (void)state;
    refused(&a, ASK(&a, "id"), "what may it reach?");
    refused(&a, ASK(&a, "id", "--ingress", "any"), "what may it reach?");
    refused(&a, ASK(&a, "id", "--egress", "any", "--deny-egress"), "contradict");
    refused(&a, ASK(&a, "id", "--allow-all", "--deny-egress"), "contradict");
    refused(&a, ASK(&a, "id", "--file", "f", "--egress", "any"), "contradict");
    refused(&a, ASK(&a, "id", "--file", "f", "--dns", "allow"), "--file says all");
    refused(&a, ASK(&a, "id", "--egress", "nonsense"), "nonsense");
    refused(&a, ASK(&a, "id", "--deny-egress", "--ingress", "host:a.example"), "callers");
    refused(&a, ASK(&a, "id", "--deny-egress", "--dns", "maybe"), "want allow or deny");
    refused(&a, ASK(&a, "--deny-egress"), "which sandbox?");
    refused(&a, ASK(&a, "--deny-egress", "a", "b"), "one too many");
}

/* A sandbox that is to be made needs no word of it. */
static enum sk_code ask_of_run(struct asked *asked, int argc, char **argv)
{
    *asked = (struct asked){0};
    enum sk_code code = sk_args_parse(&sk_verb_run, argc, argv, &asked->args, &asked->err);
    return code ? code : sk_networks_ask_if_said(&asked->args, &asked->arena, &asked->rules, &asked->err);
}

#define ASK_OF_RUN(asked, ...)                                                                               \
    ask_of_run((asked), (int)sk_array_len(((char *[]){__VA_ARGS__})), (char *[]){__VA_ARGS__})

static void test_options_of_run(void **state)
{
    struct asked a;

    (void)state;
    assert_int_equal(ASK_OF_RUN(&a, "true", "--deny-egress"), SK_OK); /* which is the command's */
    assert_null(a.rules);
    asked_fini(&a);
    assert_int_equal(ASK_OF_RUN(&a, "--deny-egress", "true"), SK_OK);
    assert_true(a.rules->_deny_egress_case && a.rules->deny_egress);
    asked_fini(&a);
    assert_int_equal(ASK_OF_RUN(&a, "--egress", "any,tcp=443", "--egress=host:pypi.org", "--", "true"),
                     SK_OK);
    assert_int_equal(a.rules->n_egress, 2);
    assert_string_equal(a.rules->egress[1]->https_hostname, "pypi.org");
    assert_int_equal(a.rules->_deny_egress_case, 0);
    asked_fini(&a);
    refused(&a, ASK_OF_RUN(&a, "--egress", "any", "--deny-egress", "true"), "contradict");
    refused(&a, ASK_OF_RUN(&a, "--egress", "nonsense", "true"), "nonsense");
}

/* --- files ------------------------------------------------------------------------------ */

static enum sk_code read_text(const char *json, struct asked *asked)
{
    *asked = (struct asked){0};
    return sk_rules_read((const uint8_t *)json, strlen(json), &asked->arena, &asked->rules, &asked->err);
}

static void test_files(void **state)
{
    struct asked a;

    (void)state;
    assert_int_equal(read_text("{\"egress\": [\"any,tcp=443\", \"host:*.example.com\"],"
                               " \"ingress\": [\"cidr:192.0.2.0/24\"], \"dns\": \"allow\"}",
                               &a),
                     SK_OK);
    assert_int_equal(a.rules->n_egress, 2);
    assert_string_equal(a.rules->egress[1]->https_hostname, "*.example.com");
    assert_string_equal(a.rules->ingress[0]->cidr->cidr, "192.0.2.0/24");
    assert_int_equal(a.rules->dns_egress, COREWEAVE__SANDBOX__V1__DNSEGRESS_MODE__DNS_EGRESS_MODE_ALLOW);
    asked_fini(&a);
    assert_int_equal(read_text("{\"egress\": []}", &a), SK_OK);
    assert_true(a.rules->_deny_egress_case && a.rules->deny_egress);
    asked_fini(&a);
    assert_int_equal(read_text("{\"egress\": \"default\"}", &a), SK_OK);
    assert_int_equal(a.rules->_deny_egress_case, 0);
    assert_int_equal(a.rules->n_egress, 0);
    asked_fini(&a);
}

static void test_files_that_say_nothing(void **state)
{
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "\"any\"",
                                      "{\"egress\": {}}",
                                      "{\"egress\": \"any\"}",
                                      "{\"egress\": [[\"any\"]]}",
                                      "{\"egress\": [1]}",
                                      "{\"egress\": null}",
                                      "{\"egress\": [], \"egres\": [\"any\"]}",
                                      "{\"egress\": [], \"deny\": true}",
                                      "{\"egress\": [], \"dns\": \"maybe\"}",
                                      "{\"egress\": [], \"dns\": [\"allow\"]}",
                                      "{\"egress\": [\"nonsense\"]}",
                                      "{\"ingress\": [\"any\"]}",
                                      "{\"rules\": {\"egress\": []}}",
                                      "{\"egress\": []} x"};
    struct asked a;

    (void)state;
    for (size_t i = 0; i < sk_array_len(bad); i++) {
        assert_int_equal(read_text(bad[i], &a), SK_INVALID_ARGUMENT);
        assert_null(a.rules);
        assert_string_not_equal(a.err.text, "");
        asked_fini(&a);
    }
}

static void test_a_file_on_disk(void **state)
{
    struct asked a;
    char path[] = "/tmp/sandkeep-rules-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0 && dprintf(fd, "{\"egress\": [\"tenant\"]}") > 0);
    (void)close(fd);
    assert_int_equal(ASK(&a, "id", "--file", path), SK_OK);
    assert_int_equal(a.rules->n_egress, 1);
    asked_fini(&a);
    assert_int_equal(truncate(path, 3), 0);
    refused(&a, ASK(&a, "id", "--file", path), path);
    (void)unlink(path);
    assert_int_equal(ASK(&a, "id", "--file", path), SK_NOT_FOUND);
    asked_fini(&a);
}

static void test_there_are_not_too_many(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    sk_rules *rules = sk_rules_new(&arena);

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sk_rules_add_egress(rules, "any", &arena, NULL), SK_OK);
    assert_int_equal(sk_rules_add_egress(rules, "any", &arena, NULL), SK_INVALID_ARGUMENT);
}

/* --- answers ------------------------------------------------------------------------------ */

struct answer {
    Sandkeep__V1__Network network;
    Coreweave__Sandbox__V1__EgressRule *egress[2];
    Coreweave__Sandbox__V1__ServiceStatus service, *services[1];
    Coreweave__Sandbox__V1__EndpointStatus endpoint;
    Sandkeep__V1__Denial denial, *denials[1];
    Google__Protobuf__Timestamp at;
    char *addresses[2];
};

static void fill(struct answer *a, struct sk_arena *arena)
{
    sandkeep__v1__network__init(&a->network);
    coreweave__sandbox__v1__service_status__init(&a->service);
    coreweave__sandbox__v1__endpoint_status__init(&a->endpoint);
    sandkeep__v1__denial__init(&a->denial);
    google__protobuf__timestamp__init(&a->at);
    assert_int_equal(sk_rule_parse_egress("any,tcp=443", arena, &a->egress[0], NULL), SK_OK);
    assert_int_equal(sk_rule_parse_egress("host:pypi.org", arena, &a->egress[1], NULL), SK_OK);
    a->network.sandbox_id = "n1-x";
    a->network.addresses = a->addresses;
    a->network.n_addresses = 2;
    a->addresses[0] = "10.231.0.9";
    a->addresses[1] = "fd00::9";
    a->network.effective_egress = a->egress;
    a->network.n_effective_egress = 2;
    a->network.effective_dns_egress = COREWEAVE__SANDBOX__V1__DNSEGRESS_MODE__DNS_EGRESS_MODE_ALLOW;
    a->service.port = 8080;
    a->service.name = "web";
    a->service.visibility = COREWEAVE__SANDBOX__V1__VISIBILITY__VISIBILITY_PUBLIC;
    a->service.endpoint = &a->endpoint;
    a->endpoint.url = "https://n1-x-8080.boxes.example.com";
    a->services[0] = &a->service;
    a->network.services = a->services;
    a->network.n_services = 1;
    a->network.sent_bytes = 2048;
    a->network.denied_packets = 7;
    a->network.names_asked = 5;
    a->network.names_denied = 2;
    a->at.seconds = 1000;
    a->denial.time = &a->at;
    a->denial.destination = "192.0.2.1";
    a->denial.protocol = "TCP";
    a->denial.port = 25;
    a->denial.name = "evil\x1b[2J";
    a->denial.rule = "egress";
    a->denials[0] = &a->denial;
    a->network.denials = a->denials;
    a->network.n_denials = 1;
}

static void test_a_table_of_all(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct answer a = {0};
    struct sk_buf out;

    (void)state;
    fill(&a, &arena);
    sk_buf_init(&out, 64 * 1024);
    assert_int_equal(sk_network_print(&a.network, 1190, &out), SK_OK);
    char *text = sk_buf_take_text(&out);
    assert_string_equal(text, "id:              n1-x\n"
                              "addresses:       10.231.0.9,fd00::9\n"
                              "egress:          any,tcp=443\n"
                              "egress:          host:pypi.org\n"
                              "dns:             allow\n"
                              "sent:            2.0 KiB\n"
                              "received:        0 B\n"
                              "denied packets:  7\n"
                              "names asked:     5, denied 2\n"
                              "\n"
                              "PORT  PROTOCOL  VISIBILITY  NAME  URL\n"
                              "8080  tcp       public      web   https://n1-x-8080.boxes.example.com\n"
                              "\n"
                              "DENIED  DESTINATION  PROTOCOL  PORT  NAME      RULE\n"
                              "3m ago  192.0.2.1    TCP       25    evil?[2J  egress\n");
    free(text);
}

static void test_a_table_of_nothing(void **state)
{
    Sandkeep__V1__Network network = SANDKEEP__V1__NETWORK__INIT;
    struct sk_buf out;

    (void)state;
    network.sandbox_id = "n1-x";
    sk_buf_init(&out, 64 * 1024);
    assert_int_equal(sk_network_print(&network, 1090, &out), SK_OK);
    char *text = sk_buf_take_text(&out);
    assert_string_equal(text, "id:              n1-x\n"
                              "egress:          none\n"
                              "dns:             deny\n"
                              "sent:            0 B\n"
                              "received:        0 B\n"
                              "denied packets:  0\n"
                              "names asked:     0, denied 0\n");
    free(text);
}

static void contains(const char *json, const char *part)
{
    if (!strstr(json, part))
        fail_msg("no %s in %s", part, json);
}

static void test_json(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct answer a = {0};
    struct sk_buf out;
    struct sk_err err = {0};

    (void)state;
    fill(&a, &arena);
    sk_buf_init(&out, 64 * 1024);
    assert_int_equal(sk_network_print_json(&a.network, &out, &err), SK_OK);
    char *json = sk_buf_take_text(&out);
    contains(json, "\"id\": \"n1-x\"");
    contains(json, "\"any,tcp=443\",\n      \"host:pypi.org\"");
    contains(json, "\"ingress\": [");
    contains(json, "\"dns\": \"allow\"");
    contains(json, "\"url\": \"https://n1-x-8080.boxes.example.com\"");
    contains(json, "\"denied_packets\": 7");
    contains(json, "\"time\": \"1970-01-01T00:16:40");
    contains(json, "\"rule\": \"egress\"");
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_options_that_cannot_be),
        cmocka_unit_test(test_options_of_run),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_files_that_say_nothing),
        cmocka_unit_test(test_a_file_on_disk),
        cmocka_unit_test(test_there_are_not_too_many),
        cmocka_unit_test(test_a_table_of_all),
        cmocka_unit_test(test_a_table_of_nothing),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
