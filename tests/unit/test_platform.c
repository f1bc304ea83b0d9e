#include "drivers/nftables/platform.h"
#include "drivers/nftables/reachable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct sk_ip ip(const char *text)
{
    struct sk_ip out;
    assert_int_equal(sk_ip_parse(text, &out, NULL), SK_OK);
    return out;
}

static struct sk_cidr block(const char *text)
{
    struct sk_cidr out;
    assert_int_equal(sk_cidr_parse(text, &out, NULL), SK_OK);
    return out;
}

static void test_what_is_closed(void **state)
{
    static const struct {
        const char *ip;
        bool is_closed;
    } rows[] = {
        {"8.8.8.8", false},          {"10.1.2.3", false},         {"192.0.2.1", false},
        {"192.0.2.65", true},        {"169.254.169.254", true},   {"127.0.0.1", true},
        {"0.0.0.0", true},           {"224.0.0.1", true},         {"255.255.255.255", true},
        {"::ffff:127.0.0.1", true},  {"::ffff:8.8.8.8", false},   {"2a00::1", false},
        {"fd12::1", false},          {"fe80::1", true},           {"::1", true},
        {"ff02::1", true},           {"fd00:ec2::254", true},     {"64:ff9b::808:808", false},
        {"64:ff9b::7f00:1", true},   {"64:ff9b::c000:241", true}, {"64:ff9b:1::808:808", true},
        {"2002:808:808::1", false},  {"2002:a9fe:a9fe::1", true}, {"2002:c000:241::1", true},
        {"64:ff9b::ad5:7", true},    {"2002:ad5:7::1", true},     {"10.213.0.7", false},
        {"64:ff9b::a01:203", false}, {"2a00:bad::1", true},       {"2001::1", true},
        {"2001:db8::1", false},      {"4000::1", true},           {"::7f00:1", true},
    };
    struct sk_cidr forbidden[] = {block("192.0.2.64/26"), block("2a00:bad::/32")},
                   pool = block("10.213.0.0/24");
    struct sk_platform platform;
    (void)state;
    sk_platform_init(&platform, forbidden, 2, &pool);
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        struct sk_ip one = ip(rows[i].ip);
        if (sk_platform_has(&platform, &one) != rows[i].is_closed)
            fail_msg("%s: %d", rows[i].ip, !rows[i].is_closed);
    }
    sk_platform_fini(&platform);
    sk_platform_fini(&platform);
}

/* Twice the same, or one within another, would be refused by nft. */
static void test_blocks_do_not_overlap(void **state)
{
    static const char *const texts[] = {"10.1.0.0/16", "10.1.2.0/24", "10.2.0.0/16",
                                        "10.0.0.0/8",  "10.1.0.0/16", "11.0.0.0/8"};
    struct sk_blocks blocks = {0};
    struct sk_ip in = ip("10.200.0.1"), out = ip("12.0.0.1");
    (void)state;
    for (size_t i = 0; i < sk_array_len(texts); i++) {
        struct sk_cidr one = block(texts[i]);
        sk_blocks_add(&blocks, &one);
    }
    assert_int_equal(blocks.count, 2);
    assert_true(sk_blocks_have(&blocks, &in));
    assert_false(sk_blocks_have(&blocks, &out));
    sk_blocks_fini(&blocks);
}

static void test_exceptions(void **state)
{
    struct sk_nftables_exception items[] = {{block("10.0.0.5/32"), 6, 5000},
                                            {block("10.0.0.0/24"), 6, 5000},
                                            {block("10.0.0.6/32"), 17, 0},
                                            {block("fd00::/64"), 0, 0}};
    struct sk_reachable reachable = {items, 4};
    struct sk_ip five = ip("10.0.0.5"), six = ip("10.0.0.6"), other = ip("10.0.1.5"), v6 = ip("fd00::1");
    struct sk_buf out;
    (void)state;
    assert_true(sk_reachable_has(&reachable, &five, 6, 5000) && sk_reachable_has(&reachable, &six, 17, 9));
    assert_false(sk_reachable_has(&reachable, &five, 6, 5001) ||
                 sk_reachable_has(&reachable, &five, 17, 5000));
    assert_false(sk_reachable_has(&reachable, &other, 6, 5000));
    assert_true(sk_reachable_has(&reachable, &v6, 58, 0) && sk_reachable_has(&reachable, &v6, 6, 1));
    sk_buf_init(&out, 4096);
    sk_reachable_write(&reachable, "goto own", &out);
    SK_AUTO_FREE char *text = sk_buf_take_text(&out);
    assert_string_equal(text, "  ip daddr { 10.0.0.0/24 } meta l4proto 6 th dport 5000 goto own\n"
                              "  ip daddr { 10.0.0.6/32 } meta l4proto 17 goto own\n"
                              "  ip6 daddr { fd00::/64 } goto own\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_closed),
        cmocka_unit_test(test_blocks_do_not_overlap),
        cmocka_unit_test(test_exceptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
