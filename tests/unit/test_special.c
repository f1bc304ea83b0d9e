/* What addresses are for: the ends of each range, and IPv4 that stands in IPv6. */
#include "net/special.h"

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

static void test_kinds(void **state)
{
    static const struct sample {
        const char *text, *name;
    } samples[] = {
        {"0.0.0.0", "unspecified"},
        {"0.255.255.255", "unspecified"},
        {"1.0.0.0", "global"},
        {"10.0.0.0", "private"},
        {"10.255.255.255", "private"},
        {"11.0.0.0", "global"},
        {"100.63.255.255", "global"},
        {"100.64.0.0", "shared"},
        {"100.100.100.200", "metadata"},
        {"100.100.100.201", "shared"},
        {"100.127.255.255", "shared"},
        {"100.128.0.0", "global"},
        {"127.0.0.1", "loopback"},
        {"127.255.255.255", "loopback"},
        {"128.0.0.0", "global"},
        {"168.63.129.16", "metadata"},
        {"168.63.129.17", "global"},
        {"169.254.0.0", "link-local"},
        {"169.254.169.253", "link-local"},
        {"169.254.169.254", "metadata"},
        {"169.254.170.2", "metadata"},
        {"169.254.170.23", "metadata"},
        {"169.254.255.255", "link-local"},
        {"169.255.0.0", "global"},
        {"172.15.255.255", "global"},
        {"172.16.0.0", "private"},
        {"172.31.255.255", "private"},
        {"172.32.0.0", "global"},
        {"192.0.0.1", "reserved"},
        {"192.0.0.192", "metadata"},
        {"192.0.2.1", "documentation"},
        {"192.88.99.1", "tunnel"},
        {"192.168.0.0", "private"},
        {"192.169.0.0", "global"},
        {"198.18.0.0", "documentation"},
        {"198.19.255.255", "documentation"},
        {"198.20.0.0", "global"},
        {"198.51.100.1", "documentation"},
        {"203.0.113.1", "documentation"},
        {"223.255.255.255", "global"},
        {"224.0.0.1", "multicast"},
        {"239.255.255.255", "multicast"},
        {"240.0.0.0", "reserved"},
        {"255.255.255.254", "reserved"},
        {"255.255.255.255", "broadcast"},
        {"::", "unspecified"},
        {"::1", "loopback"},
        {"::2", "reserved"},
        {"::127.0.0.1", "reserved"},
        {"::ffff:169.254.169.254", "metadata"},
        {"::ffff:127.0.0.1", "loopback"},
        {"::ffff:10.0.0.1", "private"},
        {"::ffff:8.8.8.8", "global"},
        {"64:ff9b::8.8.8.8", "global"},
        {"64:ff9b::10.0.0.1", "private"},
        {"64:ff9b::127.0.0.1", "loopback"},
        {"64:ff9b::169.254.169.254", "metadata"},
        {"64:ff9b::1:0:0", "reserved"},
        {"64:ff9b:1::8.8.8.8", "private"},
        {"64:ff9b:1::169.254.169.254", "metadata"},
        {"64:ff9b:1:ffff::10.0.0.1", "private"},
        {"64:ff9b:2::8.8.8.8", "reserved"},
        {"100::1", "reserved"},
        {"2001::1", "tunnel"},
        {"2001:0:ffff::1", "tunnel"},
        {"2001:1::1", "reserved"},
        {"2001:1ff::1", "reserved"},
        {"2001:200::1", "global"},
        {"2001:4860:4860::8888", "global"},
        {"2001:db8::1", "documentation"},
        {"2001:db9::1", "global"},
        {"2002:0808:0808::1", "global"},
        {"2002:7f00:0001::1", "loopback"},
        {"2002:a9fe:a9fe::1", "metadata"},
        {"2002:0a00:0001::1", "private"},
        {"2003::1", "global"},
        {"3ffe:ffff::1", "global"},
        {"3fff::1", "documentation"},
        {"3fff:1000::1", "global"},
        {"4000::1", "reserved"},
        {"fbff::1", "reserved"},
        {"fc00::1", "private"},
        {"fdff:ffff::1", "private"},
        {"fd00:ec2::254", "metadata"},
        {"fd00:ec2::23", "metadata"},
        {"fd00:ec2::253", "private"},
        {"fd20:ce::254", "metadata"},
        {"fd00:c1::a9fe:a9fe", "metadata"},
        {"fd00:42::42", "metadata"},
        {"fe00::1", "reserved"},
        {"fe80::1", "link-local"},
        {"fe80::a9fe:a9fe", "metadata"},
        {"febf:ffff::1", "link-local"},
        {"fec0::1", "private"},
        {"ff00::", "multicast"},
        {"ff02::1", "multicast"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_ip address = ip(samples[i].text);
        const char *got = sk_ip_kind_name(sk_ip_kind_of(&address)), *name = "global";
        bool special = sk_ip_is_special(&address, &name);
        if (strcmp(got, samples[i].name) != 0)
            fail_msg("%s: %s", samples[i].text, got);
        assert_string_equal(name, samples[i].name);
        assert_int_equal(special, strcmp(name, "global") != 0);
        assert_int_equal(sk_ip_is_special(&address, NULL), special);
    }
}

static void test_closed(void **state)
{
    static const enum sk_ip_kind open[] = {SK_IP_GLOBAL, SK_IP_PRIVATE, SK_IP_SHARED, SK_IP_EXAMPLE};
    static const enum sk_ip_kind closed[] = {SK_IP_LOOPBACK, SK_IP_UNSPECIFIED, SK_IP_LINK_LOCAL,
                                             SK_IP_METADATA, SK_IP_MULTICAST,   SK_IP_BROADCAST,
                                             SK_IP_TUNNEL,   SK_IP_RESERVED};
    (void)state;
    for (size_t i = 0; i < sk_array_len(open); i++)
        assert_false(sk_ip_kind_is_closed(open[i]));
    for (size_t i = 0; i < sk_array_len(closed); i++)
        assert_true(sk_ip_kind_is_closed(closed[i]));
}

static void test_inner(void **state)
{
    static const struct sample {
        const char *text, *inner;
    } samples[] = {
        {"64:ff9b::192.0.2.1", "192.0.2.1"},        {"64:ff9b:1:2:3:4:192.0.2.1", "192.0.2.1"},
        {"2002:c000:201::5", "192.0.2.1"},          {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:0:c000:201::", "2001:0:c000:201::"}, {"192.0.2.1", "192.0.2.1"},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_ip address = ip(samples[i].text), want = ip(samples[i].inner);
        struct sk_ip got = sk_ip_inner(&address);
        assert_true(sk_ip_equal(&got, &want));
    }
}

/* Wherever a byte is changed, there is an answer. */
static void test_every_address_has_a_kind(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 0x10000; first++) {
        uint8_t bytes[16] = {(uint8_t)(first >> 8), (uint8_t)first};
        struct sk_ip v4 = sk_ip_from_bytes(bytes, false), v6 = sk_ip_from_bytes(bytes, true);
        assert_non_null(sk_ip_kind_name(sk_ip_kind_of(&v4)));
        assert_non_null(sk_ip_kind_name(sk_ip_kind_of(&v6)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_inner),
        cmocka_unit_test(test_every_address_has_a_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
