/* What the forwarder is told to do, and by the machine's resolv.conf. */
#include "tests/unit/loop_real/dns_rig.h"

static const struct page pages[] = {{NULL, say_truth}};

static char conf_path[64];

static void write_conf(const char *ip)
{
    FILE *file = fopen(conf_path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "search example.com\noptions ndots:5\nnameserver %s\n", ip) > 0);
    assert_int_equal(fclose(file), 0);
}

static void adapt_conf(struct sk_dns_options *options)
{
    options->upstream_count = 0;
    options->resolv_conf = conf_path;
}

/* resolv.conf names no ports; so this needs the right to port 53. Read again when it changes. */
static void test_resolv_conf(void **state)
{
    struct rig rig;
    struct far far;
    (void)state;
    (void)snprintf(conf_path, sizeof(conf_path), "/tmp/sk-dns-%d.conf", (int)getpid());
    write_conf("127.0.0.98");
    rig_open(&rig, pages, adapt_conf);
    bool may = far_open_at(&far, rig.loop, "127.0.0.99", 53, pages);
    if (may) {
        assert_failure(&rig, "a.test"); /* nobody is there */
        write_conf("127.0.0.99");
        rig_run_for(&rig, 1100);
        assert_truth(&rig, "a.test");
        assert_string_equal(rig.asked_name, "a.test"); /* nothing was added to it */
        far_close(&far);
    }
    assert_int_equal(unlink(conf_path), 0);
    rig_close(&rig);
    if (!may)
        skip();
}

static void assert_no_options(void (*adapt)(struct sk_dns_options *options), enum sk_code code)
{
    struct rig rig = {0};
    struct sk_ip listen[2] = {ip_of("127.0.0.1"), ip_of("::1")};
    const char *upstreams[2];
    struct sk_err err = {0};
    struct sk_dns_options options = rig_options(&rig, listen, upstreams);
    adapt(&options);
    assert_int_equal(sk_loop_new(&rig.loop, &err), SK_OK);
    assert_int_equal(sk_dns_open(rig.loop, NULL, &options, &rig.dns, &err), code);
    assert_int_equal(err.code, code);
    assert_null(rig.dns);
    sk_loop_free(rig.loop);
}

static const char *const nonsense[9] = {"127.0.0.1:0", "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1",
                                        "1.1.1.1",     "1.1.1.1", "1.1.1.1", "1.1.1.1"};

static void adapt_upstream(struct sk_dns_options *options)
{
    options->upstreams = nonsense;
    options->upstream_count = 1;
}

static void adapt_upstreams(struct sk_dns_options *options)
{
    options->upstreams = nonsense + 1;
    options->upstream_count = 9;
}

static void adapt_internal(struct sk_dns_options *options)
{
    static const char *const names[] = {"*.*.test"};
    options->internal_names = names;
}

static void adapt_everywhere(struct sk_dns_options *options)
{
    static const struct sk_ip everywhere[2];
    options->upstreams = nonsense + 1;
    options->listen = everywhere;
}

static int taken_udp, taken_tcp;

static void adapt_taken(struct sk_dns_options *options)
{
    options->upstreams = nonsense + 1;
    options->port = bound_port(taken_udp);
}

static void test_bad_options(void **state)
{
    struct sk_ip ip = ip_of("::1"); /* the second: what was opened before is closed */
    (void)state;
    assert_no_options(adapt_upstream, SK_INVALID_ARGUMENT);
    assert_no_options(adapt_upstreams, SK_RESOURCE_EXHAUSTED);
    assert_no_options(adapt_internal, SK_INVALID_ARGUMENT);
    assert_no_options(adapt_everywhere, SK_INVALID_ARGUMENT);
    bound_pair(&ip, &taken_udp, &taken_tcp);
    assert_no_options(adapt_taken, sk_code_from_errno(EADDRINUSE));
    (void)close(taken_udp);
    (void)close(taken_tcp);
}

/* An address that the machine does not have yet. */
static void adapt_absent(struct sk_dns_options *options)
{
    static const struct sk_ip absent[2] = {{false, {192, 0, 2, 77}}, {true, {0x20, 1, 0xD, 0xB8, [15] = 7}}};
    options->listen = absent;
}

static void test_absent_address(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, adapt_absent);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolv_conf),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_absent_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
