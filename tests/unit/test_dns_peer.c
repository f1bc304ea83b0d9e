/* Addresses with ports: as text and as sockets know them. */
#include "drivers/dns/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

static void test_parse(void **state)
{
    static const struct sample {
        const char *text, *ip;
        unsigned port;
    } samples[] = {
        {"192.0.2.1", "192.0.2.1", 53},
        {"192.0.2.1:5353", "192.0.2.1", 5353},
        {"192.0.2.1:65535", "192.0.2.1", 65535},
        {"2001:db8::1", "2001:db8::1", 53},
        {"::1", "::1", 53},
        {"[2001:db8::1]:1", "2001:db8::1", 1},
        {"[2001:db8::1]", "2001:db8::1", 53},
        {"[::ffff:192.0.2.1]:7", "192.0.2.1", 7},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_dns_peer peer;
        struct sk_err err;
        char ip[SK_IP_TEXT_MAX];
        if (sk_dns_peer_parse(samples[i].text, 53, &peer, &err) != SK_OK)
            fail_msg("%s", err.text);
        sk_ip_print(&peer.ip, ip);
        assert_string_equal(ip, samples[i].ip);
        assert_int_equal(peer.port, samples[i].port);
    }
}

static void test_parse_nonsense(void **state)
{
    static const char *const samples[] = {
        "",
        ":",
        ":53",
        "localhost",
        "localhost:53",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:123456",
        "192.0.2.1:99999999999999999999",
        "192.0.2.1:+5",
        "192.0.2.1: 5",
        "192.0.2.1:5x",
        "192.0.2.1 ",
        "192.0.2.300",
        "[192.0.2.1]:53",
        "[]",
        "[]:53",
        "[",
        "]",
        "[::1",
        "::1]",
        "::1]:53",
        "[::1]53",
        "[::1]:",
        "[::1]:x",
        "[::1]]:53",
        "[[::1]]:53",
        "fe80::1%eth0",
        "[2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:53",
        "::1::",
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_dns_peer peer = {.port = 9};
        struct sk_err err;
        if (sk_dns_peer_parse(samples[i], 53, &peer, &err) != SK_INVALID_ARGUMENT)
            fail_msg("%s", samples[i]);
        assert_int_equal(peer.port, 9);
    }
}

static void test_addresses(void **state)
{
    static const char *const samples[] = {"192.0.2.1:5353", "[2001:db8::1]:53"};
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_dns_peer peer, again;
        struct sockaddr_storage address;
        assert_int_equal(sk_dns_peer_parse(samples[i], 1, &peer, NULL), SK_OK);
        socklen_t len = sk_dns_peer_address(&peer, &address);
        assert_int_equal(len, i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        assert_int_equal(address.ss_family, i ? AF_INET6 : AF_INET);
        again = sk_dns_peer_of(&address);
        assert_int_equal(again.port, peer.port);
        assert_true(sk_ip_equal(&again.ip, &peer.ip));
    }
}

static void test_other_family(void **state)
{
    struct sockaddr_storage address;
    (void)state;
    memset(&address, 0xFF, sizeof(address));
    address.ss_family = AF_UNIX;
    struct sk_dns_peer peer = sk_dns_peer_of(&address);
    assert_int_equal(peer.port, 0);
    assert_int_equal(peer.ip.bytes[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_nonsense),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_other_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
