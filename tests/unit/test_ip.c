/* Addresses and blocks of them: what is taken, what is refused, and where blocks begin and end. */
#include "net/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct sk_ip ip(const char *text)
{
    struct sk_ip out;
    if (sk_ip_parse(text, &out, NULL) != SK_OK)
        fail_msg("%s is no address", text);
    return out;
}

static struct sk_cidr cidr(const char *text)
{
    struct sk_cidr out;
    if (sk_cidr_parse(text, &out, NULL) != SK_OK)
        fail_msg("%s is no block", text);
    return out;
}

static void assert_prints(const struct sk_ip *ip, const char *want)
{
    char text[SK_IP_TEXT_MAX];
    sk_ip_print(ip, text);
    assert_string_equal(text, want);
}

static void test_parse(void **state)
{
    static const struct sample {
        const char *text, *prints;
    } samples[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::FFFF:c000:201", "192.0.2.1"},
        {"0:0:0:0:0:ffff:0:0", "0.0.0.0"},
        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_ip out = ip(samples[i].text);
        assert_prints(&out, samples[i].prints);
        assert_int_equal(out.is_v6, strchr(samples[i].prints, ':') != NULL);
    }
}

static void test_parse_refuses(void **state)
{
    static const char *const samples[] = {
        "",           " ",
        "1",          "1.2.3",
        "1.2.3.4.5",  "1.2.3.256",
        "01.2.3.4",   "0x1.2.3.4",
        " 1.2.3.4",   "1.2.3.4 ",
        "1.2.3.4/32", "[::1]",
        "::1%eth0",   "1::2::3",
        ":::",        "12345::",
        "1:2:3:4:5",  "1:2:3:4:5:6:7:8:9",
        "::1.2.3",    "example.com",
        "1.2.3.4\n",  "::ffff:1.2.3.4.5",
    };
    struct sk_err err = {0};
    struct sk_ip out;
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        if (sk_ip_parse(samples[i], &out, &err) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\" was taken", samples[i]);
        assert_int_equal(err.code, SK_INVALID_ARGUMENT);
    }
}

static void test_from_bytes(void **state)
{
    static const uint8_t mapped[16] = {[10] = 0xFF, 0xFF, 192, 0, 2, 1};
    static const uint8_t longer[16] = {192, 0, 2, 1, 9, 9};
    struct sk_ip a = sk_ip_from_bytes(mapped, true), b = sk_ip_from_bytes(longer, false);
    struct sk_ip c = sk_ip_from_bytes(longer, true);
    (void)state;
    assert_true(sk_ip_equal(&a, &b)); /* what follows the four bytes is not looked at */
    assert_false(sk_ip_equal(&b, &c));
    assert_prints(&c, "c000:201:909::");
}

static void test_cidr_parse(void **state)
{
    static const struct sample {
        const char *text, *prints;
    } samples[] = {
        {"192.0.2.0/24", "192.0.2.0/24"},     {"192.0.2.1", "192.0.2.1/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},           {"192.0.2.128/25", "192.0.2.128/25"},
        {"2001:db8::/32", "2001:db8::/32"},   {"::/0", "::/0"},
        {"2001:db8::1", "2001:db8::1/128"},   {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {"::ffff:10.0.0.1", "10.0.0.1/32"},   {"::ffff:0:0/96", "0.0.0.0/0"},
        {"::fffe:0:0/95", "::fffe:0:0/95"},   {"fe80::/10", "fe80::/10"},
        {"192.0.2.254/31", "192.0.2.254/31"}, {"::ffff:10.0.0.0/128", "10.0.0.0/32"},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        char text[SK_CIDR_TEXT_MAX];
        struct sk_cidr out = cidr(samples[i].text);
        sk_cidr_print(&out, text);
        assert_string_equal(text, samples[i].prints);
    }
}

static void test_cidr_parse_refuses(void **state)
{
    static const char *const samples[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/ 8",
        "10.0.0.0/8 ",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0.0/4294967304",
        "10.0.0.0/255.0.0.0",
        "10.0.0.1/8",
        "192.0.2.129/25",
        "2001:db8::1/32",
        "::/129",
        "::ffff:10.0.0.1/104",
        "::ffff:10.0.0.0/95",
        "::ffff:0:0/64",
        "example.com/8",
        "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/128",
    };
    struct sk_cidr out;
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        if (sk_cidr_parse(samples[i], &out, NULL) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\" was taken", samples[i]);
    }
}

static void test_has(void **state)
{
    static const struct sample {
        const char *block, *address;
        bool has;
    } samples[] = {
        {"192.0.2.0/24", "192.0.2.0", true},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.0/24", "192.0.1.255", false},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"100.64.0.0/10", "100.127.255.255", true},
        {"100.64.0.0/10", "100.128.0.0", false},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "::1", false},
        {"0.0.0.0/0", "::ffff:8.8.8.8", true},
        {"::/0", "ffff::", true},
        {"::/0", "0.0.0.0", false},
        {"::/0", "::ffff:8.8.8.8", false},
        {"fc00::/7", "fdff::1", true},
        {"fc00::/7", "fe00::1", false},
        {"2001:db8::1/128", "2001:db8::1", true},
        {"2001:db8::1/128", "2001:db8::", false},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_cidr block = cidr(samples[i].block);
        struct sk_ip address = ip(samples[i].address);
        if (sk_cidr_has(&block, &address) != samples[i].has)
            fail_msg("%s, %s", samples[i].block, samples[i].address);
    }
}

static void test_covers(void **state)
{
    static const struct sample {
        const char *outer, *inner;
        bool covers;
    } samples[] = {
        {"10.0.0.0/8", "10.0.0.0/8", true},   {"10.0.0.0/8", "10.255.0.0/16", true},
        {"10.0.0.0/16", "10.0.0.0/8", false}, {"10.0.0.0/8", "11.0.0.0/16", false},
        {"0.0.0.0/0", "::/0", false},         {"::/0", "2001:db8::/32", true},
        {"::/0", "10.0.0.0/8", false},        {"0.0.0.0/0", "255.255.255.255", true},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_cidr outer = cidr(samples[i].outer), inner = cidr(samples[i].inner);
        if (sk_cidr_covers(&outer, &inner) != samples[i].covers)
            fail_msg("%s, %s", samples[i].outer, samples[i].inner);
    }
}

static void test_nth(void **state)
{
    static const struct sample {
        const char *block;
        uint64_t index;
        const char *prints; /* NULL = outside */
    } samples[] = {
        {"192.0.2.0/24", 0, "192.0.2.0"},
        {"192.0.2.0/24", 255, "192.0.2.255"},
        {"192.0.2.0/24", 256, NULL},
        {"192.0.2.128/25", 5, "192.0.2.133"},
        {"192.0.2.1/32", 0, "192.0.2.1"},
        {"192.0.2.1/32", 1, NULL},
        {"0.0.0.0/0", UINT32_MAX, "255.255.255.255"},
        {"0.0.0.0/0", (uint64_t)UINT32_MAX + 1, NULL},
        {"0.0.0.0/0", UINT64_MAX, NULL},
        {"10.64.0.0/10", 0x3FFFFF, "10.127.255.255"},
        {"2001:db8::/64", UINT64_MAX, "2001:db8::ffff:ffff:ffff:ffff"},
        {"2001:db8::/63", UINT64_MAX, "2001:db8::ffff:ffff:ffff:ffff"},
        {"2001:db8::/65", UINT64_MAX, NULL},
        {"2001:db8::/65", INT64_MAX, "2001:db8::7fff:ffff:ffff:ffff"},
        {"1::/16", 0x10000, "1::1:0"},
        {"2001:db8::1/128", 1, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_cidr block = cidr(samples[i].block);
        struct sk_ip out = {0};
        assert_int_equal(sk_cidr_nth(&block, samples[i].index, &out), samples[i].prints != NULL);
        if (samples[i].prints)
            assert_prints(&out, samples[i].prints);
    }
}

static void test_bounds(void **state)
{
    static const struct sample {
        const char *block, *first, *last;
    } samples[] = {
        {"192.0.2.0/24", "192.0.2.0", "192.0.2.255"},
        {"10.64.0.0/10", "10.64.0.0", "10.127.255.255"},
        {"0.0.0.0/0", "0.0.0.0", "255.255.255.255"},
        {"192.0.2.7/32", "192.0.2.7", "192.0.2.7"},
        {"fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_cidr block = cidr(samples[i].block);
        struct sk_ip first, last;
        sk_cidr_bounds(&block, &first, &last);
        assert_prints(&first, samples[i].first);
        assert_prints(&last, samples[i].last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),      cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_from_bytes), cmocka_unit_test(test_cidr_parse),
        cmocka_unit_test(test_has),        cmocka_unit_test(test_cidr_parse_refuses),
        cmocka_unit_test(test_covers),     cmocka_unit_test(test_nth),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
