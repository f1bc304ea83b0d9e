/* Addresses: the ends of each range, and IPv4 in IPv6 clothes. */
#include "drivers/http/vet.h"

#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

enum { P = SK_VET_PUBLIC, I = SK_VET_INTERNAL, F = SK_VET_FORBIDDEN };

static socklen_t parse(const char *text, struct sockaddr_storage *out)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
        in4->sin_family = AF_INET;
        return sizeof(*in4);
    }
    if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
        fail_msg("%s is no address", text);
    in6->sin6_family = AF_INET6;
    return sizeof(*in6);
}

static void test_ranges(void **state)
{
    static const struct sample {
        const char *text;
        int want;
    } samples[] = {
        {"0.0.0.0", F},
        {"0.255.255.255", F},
        {"1.0.0.0", P},
        {"9.255.255.255", P},
        {"10.0.0.0", I},
        {"10.255.255.255", I},
        {"11.0.0.0", P},
        {"100.63.255.255", P},
        {"100.64.0.0", I},
        {"100.127.255.255", I},
        {"100.128.0.0", P},
        {"100.100.100.200", F},
        {"100.100.100.201", I},
        {"127.0.0.1", I},
        {"127.255.255.255", I},
        {"128.0.0.0", P},
        {"168.63.129.16", F},
        {"168.63.129.17", P},
        {"169.253.255.255", P},
        {"169.254.0.0", F},
        {"169.254.169.254", F},
        {"169.254.255.255", F},
        {"169.255.0.0", P},
        {"172.15.255.255", P},
        {"172.16.0.0", I},
        {"172.31.255.255", I},
        {"172.32.0.0", P},
        {"192.0.0.192", F},
        {"192.0.1.0", P},
        {"192.0.2.1", I},
        {"192.0.3.0", P},
        {"192.88.99.1", F},
        {"192.167.255.255", P},
        {"192.168.0.0", I},
        {"192.168.255.255", I},
        {"192.169.0.0", P},
        {"198.17.255.255", P},
        {"198.18.0.0", I},
        {"198.19.255.255", I},
        {"198.20.0.0", P},
        {"198.51.100.7", I},
        {"203.0.113.7", I},
        {"203.0.114.0", P},
        {"223.255.255.255", P},
        {"224.0.0.1", F},
        {"239.255.255.255", F},
        {"240.0.0.0", F},
        {"255.255.255.255", F},
        {"8.8.8.8", P},
        {"::", F},
        {"::1", I},
        {"::2", F},
        {"::127.0.0.1", F}, /* "compatible" with IPv4, of old */
        {"::ffff:127.0.0.1", I},
        {"::ffff:169.254.169.254", F},
        {"::ffff:10.1.2.3", I},
        {"::ffff:8.8.8.8", P},
        {"::ffff:0.0.0.0", F},
        {"::fffe:8.8.8.8", F},
        {"64:ff9b::8.8.8.8", P},
        {"64:ff9b::10.0.0.1", I},
        {"64:ff9b::169.254.169.254", F},
        {"64:ff9b:1::8.8.8.8", I},
        {"64:ff9b:1::169.254.169.254", F},
        {"64:ff9b:2::8.8.8.8", F},
        {"100::1", F},
        {"2001::1", F},
        {"2001:1ff::1", F},
        {"2001:200::1", P},
        {"2001:4860:4860::8888", P},
        {"2001:db8::1", I},
        {"2001:db9::1", P},
        {"2002:0808:0808::1", P},
        {"2002:7f00:0001::1", I},
        {"2002:a9fe:a9fe::1", F},
        {"2002:0a00:0001::1", I},
        {"2606:4700::1111", P},
        {"3fff::1", I},
        {"3fff:fff:ffff::1", I},
        {"3fff:1000::1", P},
        {"4000::1", F},
        {"5f00::1", F},
        {"fbff::1", F},
        {"fc00::1", I},
        {"fd00::1", I},
        {"fdff:ffff::1", I},
        {"fd00:ec2::254", F},
        {"fd00:ec2::253", I},
        {"fd20:ce::254", F},
        {"fe00::1", F},
        {"fe80::1", F},
        {"febf::1", F},
        {"fec0::1", I},
        {"ff02::1", F},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", F},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sockaddr_storage address;
        socklen_t len = parse(samples[i].text, &address);
        int got = (int)sk_vet_address((struct sockaddr *)&address, len);
        if (got != samples[i].want)
            fail_msg("%s: %d", samples[i].text, got);
    }
}

static void test_others(void **state)
{
    struct sockaddr_storage address;
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    (void)state;
    assert_int_equal(sk_vet_address((struct sockaddr *)&local, sizeof(local)), F);
    assert_false(sk_vet_is_own((struct sockaddr *)&local, sizeof(local)));
    assert_int_equal(parse("8.8.8.8", &address), sizeof(struct sockaddr_in));
    assert_int_equal(sk_vet_address((struct sockaddr *)&address, 4), F); /* cut short */
    assert_int_equal(parse("2606:4700::1111", &address), sizeof(struct sockaddr_in6));
    assert_int_equal(sk_vet_address((struct sockaddr *)&address, sizeof(struct sockaddr_in)), F);
}

static void test_own(void **state)
{
    static const char *const own[] = {"127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"};
    static const char *const others[] = {"127.0.0.2", "192.0.2.77", "2001:db8::77"};
    struct sockaddr_storage address;
    (void)state;
    for (size_t i = 0; i < sk_array_len(own); i++) {
        socklen_t len = parse(own[i], &address);
        assert_true(sk_vet_is_own((struct sockaddr *)&address, len));
        len = parse(others[i], &address);
        assert_false(sk_vet_is_own((struct sockaddr *)&address, len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
