/* drivers/edge/haproxy_config.c: what HAProxy is told. That HAProxy understands it is tested with HAProxy:
 * tests/component/test_edge_*. */
#include "drivers/edge/haproxy_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct sk_haproxy_options options_of_all(void)
{
    return (struct sk_haproxy_options){
        .listen = "0.0.0.0",
        .first_port = 20000,
        .last_port = 20999,
        .domain = "boxes.test",
        .https_port = 443,
        .certificate = "/x",
        .gate_port = 7443,
        .gate_ipv4 = {.bytes = {10, 231, 0, 1}},
        .gate_ipv6 = {.is_v6 = true, .bytes = {0xfd, [15] = 1}},
        .gate_has_ipv6 = true,
    };
}

static char *write_for(const struct sk_haproxy_options *options, size_t descriptors)
{
    struct sk_haproxy_host host = {.uid = 104, .gid = 107, .descriptors = descriptors, .description = "word"};
    struct sk_buf out;
    sk_buf_init(&out, 65536);
    assert_int_equal(sk_haproxy_config_write(options, &host, &out, NULL), SK_OK);
    return sk_buf_take_text(&out);
}

static void expect(const char *text, const char *line)
{
    if (!strstr(text, line))
        fail_msg("\"%s\" is not in:\n%s", line, text);
}

static void expect_not(const char *text, const char *line)
{
    if (strstr(text, line))
        fail_msg("\"%s\" is in:\n%s", line, text);
}

static void test_all_of_it(void **state)
{
    struct sk_haproxy_options options = options_of_all();
    bool has[SK_MAP_COUNT];
    (void)state;
    SK_AUTO_FREE char *text = write_for(&options, 20000);
    expect(text, "\n  uid 104\n  gid 107\n");
    expect(text, "\n  description word\n");
    expect(text, "\n  stats socket unix@sock mode 600 level admin\n");
    expect(text, "\n  bind 0.0.0.0:20000-20999\n");
    expect(text, "\n  bind 0.0.0.0:443 ssl crt certificate.pem strict-sni alpn http/1.1\n");
    expect(text, "\n  bind 10.231.0.1:7443 transparent\n  bind [fd00::1]:7443 transparent\n");
    expect(text, "\n  tcp-request connection reject unless { dst_port 443 }\n");
    expect(text, "\n  tcp-request content reject if { var(sess.hidden) -m bool }\n");
    expect(text, "\n  http-request set-timeout server var(txn.door),field(4,|),mul(1000) "
                 "if { var(txn.door),field(4,|) -m int gt 0 }\n");
    expect(text, "\n  server origin 0.0.0.0:443\n");
    sk_haproxy_config_maps(&options, has);
    for (size_t i = 0; i < SK_MAP_COUNT; i++)
        assert_true(has[i]);
}

static void test_parts_that_are_not_wanted(void **state)
{
    struct sk_haproxy_options options = options_of_all();
    bool has[SK_MAP_COUNT];
    (void)state;
    options.first_port = options.last_port = 0;
    options.domain = "";
    options.listen = NULL;
    options.gate_has_ipv6 = false;
    options.let_hidden = true;
    SK_AUTO_FREE char *gate = write_for(&options, 20000);
    expect_not(gate, "frontend ports");
    expect_not(gate, "frontend https");
    expect_not(gate, "backend boxes");
    expect_not(gate, "fd00::1");
    expect_not(gate, "sess.hidden");
    sk_haproxy_config_maps(&options, has);
    assert_false(has[SK_MAP_HOSTS] || has[SK_MAP_PORTS]);
    assert_true(has[SK_MAP_NAMES] && has[SK_MAP_EXCEPTS]);
    options = options_of_all();
    options.gate_port = 0;
    SK_AUTO_FREE char *doors = write_for(&options, 20000);
    expect_not(doors, "gate");
    expect_not(doors, "lua");
    expect(doors, "backend boxes");
}

static void test_ipv6_is_bracketed(void **state)
{
    struct sk_haproxy_options options = options_of_all();
    (void)state;
    options.listen = "::";
    SK_AUTO_FREE char *all = write_for(&options, 20000);
    expect(all, "\n  bind [::]:20000-20999 v4v6\n");
    options.listen = "2001:db8::1";
    SK_AUTO_FREE char *one = write_for(&options, 20000);
    expect(one, "\n  bind [2001:db8::1]:20000-20999\n");
}

static void test_connections_fit_into_descriptors(void **state)
{
    struct sk_haproxy_options options = options_of_all();
    (void)state;
    SK_AUTO_FREE char *some = write_for(&options, 20000);
    expect(some, "\n  maxconn 7480\n"); /* (20000 - 1000 ports - 300) * 2 / 5 */
    expect(some, "\n  maxconn 2244\n");
    SK_AUTO_FREE char *many = write_for(&options, 1000000);
    expect(many, "\n  maxconn 20000\n");
}

static void refuse(const struct sk_haproxy_options *options, size_t descriptors, enum sk_code code)
{
    struct sk_haproxy_host host = {.descriptors = descriptors, .description = "word"};
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;
    sk_buf_init(&out, 65536);
    assert_int_equal(sk_haproxy_config_write(options, &host, &out, NULL), code);
    assert_int_equal(out.len, 0);
}

static void test_nonsense_is_refused(void **state)
{
    struct sk_haproxy_options options = options_of_all();
    (void)state;
    refuse(&options, 1024, SK_RESOURCE_EXHAUSTED);
    options.listen = "0.0.0.0\n  bind :1";
    refuse(&options, 20000, SK_INVALID_ARGUMENT);
    options = options_of_all();
    options.last_port = 19999;
    refuse(&options, 20000, SK_INVALID_ARGUMENT);
    options = options_of_all();
    options.certificate = "";
    refuse(&options, 20000, SK_INVALID_ARGUMENT);
    options = options_of_all();
    options.https_port = 0;
    refuse(&options, 20000, SK_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it),           cmocka_unit_test(test_parts_that_are_not_wanted),
        cmocka_unit_test(test_ipv6_is_bracketed),   cmocka_unit_test(test_connections_fit_into_descriptors),
        cmocka_unit_test(test_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
