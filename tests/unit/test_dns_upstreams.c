/* Which resolver is asked next, and where they come from. */
#include "drivers/dns/upstreams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const char *const three[] = {"192.0.2.1", "192.0.2.2:5353", "[2001:db8::3]:53"};

static struct sk_instant at_ms(int64_t ms)
{
    return (struct sk_instant){1000000000 + ms * 1000000};
}

static void open_three(struct sk_dns_upstreams *upstreams)
{
    struct sk_dns_options options = {.upstreams = three, .upstream_count = 3};
    assert_int_equal(sk_dns_upstreams_init(upstreams, &options, NULL, NULL), SK_OK);
}

/* The order of all of them, by the last byte of each. */
static void assert_order(struct sk_dns_upstreams *upstreams, int64_t ms, const char *order)
{
    char found[8] = "";
    unsigned tried = 0;
    struct sk_dns_peer peer;
    for (size_t i = 0; i < 7 && sk_dns_upstreams_pick(upstreams, at_ms(ms), &tried, &peer); i++)
        found[i] = (char)('0' + peer.ip.bytes[peer.ip.is_v6 ? 15 : 3]);
    assert_string_equal(found, order);
}

static void note(struct sk_dns_upstreams *upstreams, int64_t ms, size_t which, bool answered)
{
    struct sk_dns_peer peer = upstreams->all[which].peer;
    sk_dns_upstreams_note(upstreams, &peer, at_ms(ms), answered);
}

static void test_order(void **state)
{
    struct sk_dns_upstreams upstreams;
    (void)state;
    open_three(&upstreams);
    assert_int_equal(upstreams.all[1].peer.port, 5353);
    assert_order(&upstreams, 0, "123");
    note(&upstreams, 0, 0, false);
    note(&upstreams, 0, 0, false);
    assert_order(&upstreams, 0, "123"); /* once or twice happens */
    note(&upstreams, 0, 0, true);
    note(&upstreams, 0, 0, false);
    note(&upstreams, 0, 0, false);
    assert_order(&upstreams, 0, "123");
    note(&upstreams, 0, 0, false);
    assert_order(&upstreams, 0, "231");
    assert_order(&upstreams, 29999, "231");
    assert_order(&upstreams, 30000, "123");
    note(&upstreams, 30000, 0, false); /* still not: it rests again, after one try */
    assert_order(&upstreams, 30000, "231");
    note(&upstreams, 30000, 0, true);
    assert_order(&upstreams, 30000, "123");
    sk_dns_upstreams_fini(&upstreams);
}

static void test_all_rest(void **state)
{
    struct sk_dns_upstreams upstreams;
    (void)state;
    open_three(&upstreams);
    for (size_t i = 0; i < 9; i++)
        note(&upstreams, 0, i % 3, false);
    assert_order(&upstreams, 0, "123");
    sk_dns_upstreams_fini(&upstreams);
}

static void test_stranger(void **state)
{
    struct sk_dns_upstreams upstreams;
    struct sk_dns_peer stranger = {{.bytes = {192, 0, 2, 2}}, 53}; /* the same, but for the port */
    (void)state;
    open_three(&upstreams);
    for (size_t i = 0; i < 9; i++)
        sk_dns_upstreams_note(&upstreams, &stranger, at_ms(0), false);
    assert_order(&upstreams, 0, "123");
    sk_dns_upstreams_fini(&upstreams);
}

/* --- resolv.conf ----------------------------------------------------------------------------- */

static char path[64];

static void write_conf(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_resolv_conf(void **state)
{
    struct sk_dns_upstreams upstreams;
    struct sk_dns_options options = {.resolv_conf = path};
    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/sk-upstreams-%d.conf", (int)getpid());
    write_conf(
        "# a comment\nsearch a.test\nnameserver 192.0.2.7\noptions timeout:1\nnameserver 2001:db8::8\n");
    assert_int_equal(sk_dns_upstreams_init(&upstreams, &options, NULL, NULL), SK_OK);
    assert_order(&upstreams, 0, "78");
    assert_int_equal(upstreams.all[0].peer.port, 53);
    write_conf("nameserver 192.0.2.9\nnameserver nonsense\n");
    assert_order(&upstreams, 999, "78"); /* looked at once a second */
    assert_order(&upstreams, 1000, "9");
    assert_int_equal(unlink(path), 0);
    assert_order(&upstreams, 3000, "1"); /* the machine itself, 127.0.0.1 */
    write_conf("nameserver 192.0.2.7\nnameserver 192.0.2.8\nnameserver 192.0.2.9\n");
    assert_order(&upstreams, 5000, "789");
    assert_int_equal(unlink(path), 0);
    sk_dns_upstreams_fini(&upstreams);
    sk_dns_upstreams_fini(&upstreams);
}

static void test_too_many_in_it(void **state)
{
    struct sk_dns_upstreams upstreams;
    struct sk_dns_options options = {.resolv_conf = path};
    char text[1024] = "";
    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/sk-upstreams-%d.conf", (int)getpid());
    for (unsigned i = 1; i <= 12; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "nameserver 192.0.2.%u\n", i);
    write_conf(text);
    assert_int_equal(sk_dns_upstreams_init(&upstreams, &options, NULL, NULL), SK_OK);
    assert_in_range(upstreams.count, 3, SK_DNS_UPSTREAMS_MAX);
    assert_int_equal(unlink(path), 0);
    sk_dns_upstreams_fini(&upstreams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),          cmocka_unit_test(test_all_rest),
        cmocka_unit_test(test_stranger),       cmocka_unit_test(test_resolv_conf),
        cmocka_unit_test(test_too_many_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
