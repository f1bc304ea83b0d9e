/* Addresses that no public name should stand for. */
#include "drivers/dns/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const internal[] = {"*.Lan.example.com", "repo.example.com.", "*.internal"};

static struct sk_dns_screen screen_of(const char *const *names, size_t count)
{
    struct sk_dns_screen screen = {0};
    assert_int_equal(sk_dns_screen_init(&screen, names, count, NULL), SK_OK);
    return screen;
}

static void test_internal(void **state)
{
    static const struct sample {
        const char *name;
        bool is_internal;
    } samples[] = {
        {"a.lan.example.com", true},
        {"a.b.c.lan.example.com", true},
        {"lan.example.com", false},
        {"xlan.example.com", false},
        {"a.xlan.example.com", false},
        {"repo.example.com", true},
        {"a.repo.example.com", false},
        {"repo.example.com.evil.test", false},
        {"a.internal", true},
        {"internal", false},
        {"", false},
        {"a.lan.example.com.evil.test", false},
    };
    struct sk_dns_screen screen = screen_of(internal, sk_array_len(internal)), none = screen_of(NULL, 0);
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        if (sk_dns_screen_is_internal(&screen, samples[i].name) != samples[i].is_internal)
            fail_msg("%s", samples[i].name);
        assert_false(sk_dns_screen_is_internal(&none, samples[i].name));
    }
    sk_dns_screen_fini(&screen);
    sk_dns_screen_fini(&none);
    sk_dns_screen_fini(&none);
}

static void test_nonsense(void **state)
{
    static const char *const samples[] = {"", "*", "*.", "a.*.test", "*.*.test", "a..b", "1.2.3.4", "a b"};
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        const char *const names[] = {"fine.test", samples[i]};
        struct sk_dns_screen screen = {0};
        if (sk_dns_screen_init(&screen, names, 2, NULL) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\"", samples[i]);
        assert_int_equal(screen.count, 0);
    }
}

/* 'p' = told for public names, 'i' = for internal ones alone, '-' = for none. */
static const struct sample {
    const char *ip;
    char who;
} addresses[] = {
    {"1.2.3.4", 'p'},
    {"2600::1", 'p'},
    {"10.0.0.1", 'i'},
    {"172.16.0.1", 'i'},
    {"172.31.255.255", 'i'},
    {"172.32.0.1", 'p'},
    {"192.168.0.1", 'i'},
    {"100.64.0.1", 'i'},
    {"fd00::1", 'i'},
    {"192.0.2.1", 'i'},
    {"2001:db8::1", 'i'},
    {"127.0.0.1", '-'},
    {"::1", '-'},
    {"0.0.0.0", '-'},
    {"::", '-'},
    {"169.254.1.1", '-'},
    {"169.254.169.254", '-'},
    {"fe80::1", '-'},
    {"fd00:ec2::254", '-'},
    {"224.0.0.1", '-'},
    {"ff02::1", '-'},
    {"255.255.255.255", '-'},
    {"240.0.0.1", '-'},
    {"64:ff9b::7f00:1", '-'},
    {"64:ff9b::a00:1", 'i'},
    {"2002:7f00:1::", '-'},
    {"2001::1", '-'},
};

static void test_addresses(void **state)
{
    struct sk_dns_screen screen = screen_of(internal, sk_array_len(internal));
    (void)state;
    for (size_t i = 0; i < sk_array_len(addresses); i++) {
        struct sk_dns_answer answer = {.address_count = 1};
        assert_int_equal(sk_ip_parse(addresses[i].ip, &answer.addresses[0].ip, NULL), SK_OK);
        struct sk_dns_answer again = answer;
        bool public = sk_dns_screen_sift(&screen, "evil.test", &answer) == 0;
        bool inside = sk_dns_screen_sift(&screen, "a.internal", &again) == 0;
        if (public != (addresses[i].who == 'p') || inside != (addresses[i].who != '-'))
            fail_msg("%s", addresses[i].ip);
        assert_int_equal(answer.address_count, public);
        assert_int_equal(again.address_count, inside);
    }
    sk_dns_screen_fini(&screen);
}

static void test_some(void **state)
{
    struct sk_dns_screen screen = screen_of(NULL, 0);
    struct sk_dns_answer answer = {.address_count = 64};
    (void)state;
    for (unsigned i = 0; i < 64; i++)
        answer.addresses[i] = (struct sk_dns_address){{.bytes = {i % 3 ? 10 : 1, 2, 3, (uint8_t)i}}, i};
    assert_int_equal(sk_dns_screen_sift(&screen, "a.test", &answer), 42);
    assert_int_equal(answer.address_count, 22);
    for (unsigned i = 0; i < 22; i++)
        assert_int_equal(answer.addresses[i].ttl_s, i * 3); /* in their order */
    sk_dns_screen_fini(&screen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_internal),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
