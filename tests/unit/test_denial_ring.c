/* What did not pass: the newest are remembered, and few of them are logged. */
#include "core/denial_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct lines {
    struct sk_log log;
    int count;
    char last[1024];
};

static void keep(void *arg, const char *line, size_t len)
{
    struct lines *lines = arg;

    lines->count++;
    assert_true(len < sizeof(lines->last));
    memcpy(lines->last, line, len);
    lines->last[len] = '\0';
}

static struct sk_network_denial denial(unsigned number, const char *name)
{
    struct sk_network_denial d = {
        .at = {(int64_t)number + 1},
        .ip = {false, {192, 0, 2, 7}},
        .protocol = SK_NET_TCP,
        .port = (uint16_t)(number + 1),
        .rule = "egress",
    };
    (void)snprintf(d.name, sizeof(d.name), "%s", name);
    return d;
}

static void the_newest_are_remembered(void **state)
{
    struct sk_denial_ring ring = {0};
    struct sk_network_denial out[SK_NETWORK_DENIALS];

    (void)state;
    assert_int_equal(sk_denial_ring_copy(&ring, out), 0);
    for (unsigned i = 0; i < 100; i++) {
        struct sk_network_denial d = denial(i, i % 3 ? "evil.example" : "");
        sk_denial_ring_add(&ring, &d, NULL, (struct sk_instant){1});
        size_t count = sk_denial_ring_copy(&ring, out);
        assert_int_equal(count, i < SK_NETWORK_DENIALS ? i + 1 : SK_NETWORK_DENIALS);
        for (size_t j = 0; j < count; j++) {
            unsigned number = i - (unsigned)j;
            assert_int_equal(out[j].at.ns, number + 1);
            assert_int_equal(out[j].port, number + 1);
            assert_int_equal(out[j].ip.bytes[3], 7);
            assert_string_equal(out[j].rule, "egress");
            assert_string_equal(out[j].name, number % 3 ? "evil.example" : "");
        }
    }
    sk_denial_ring_fini(&ring);
    sk_denial_ring_fini(&ring);
    assert_int_equal(sk_denial_ring_copy(&ring, out), 0);
}

static void few_are_logged(void **state)
{
    struct sk_denial_ring ring = {0};
    struct lines lines = {.log = {.level = SK_INFO, .sink = keep}};
    struct sk_instant now = {1};

    (void)state;
    lines.log.arg = &lines;
    for (unsigned i = 0; i < 1000; i++) {
        struct sk_network_denial d = denial(i, "evil.example");
        sk_denial_ring_add(&ring, &d, &lines.log, now);
    }
    assert_int_equal(lines.count, 5);
    assert_non_null(strstr(lines.last, "\"event\":\"network.denied\""));
    assert_non_null(strstr(lines.last, "\"ip\":\"192.0.2.7\""));
    assert_non_null(strstr(lines.last, "\"name\":\"evil.example\""));
    assert_non_null(strstr(lines.last, "\"port\":5"));
    assert_non_null(strstr(lines.last, "\"unsaid\":0"));
    struct sk_network_denial d = denial(0, "");
    d.ip = (struct sk_ip){0};
    now = sk_instant_add(now, SK_MSEC(9999));
    sk_denial_ring_add(&ring, &d, &lines.log, now);
    assert_int_equal(lines.count, 5);
    now = sk_instant_add(now, SK_MSEC(1));
    sk_denial_ring_add(&ring, &d, &lines.log, now);
    assert_int_equal(lines.count, 6);
    assert_non_null(strstr(lines.last, "\"unsaid\":996"));
    assert_non_null(strstr(lines.last, "\"ip\":\"\""));
    sk_denial_ring_add(&ring, &d, &lines.log, now);
    assert_non_null(strstr(lines.last, "\"unsaid\":0"));
    sk_denial_ring_fini(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_are_remembered),
        cmocka_unit_test(few_are_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
