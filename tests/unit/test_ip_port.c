#include "net/ip_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void good(const char *text, const char *ip, int port)
{
    struct sk_ip_port found;
    struct sk_err err = {0};
    char printed[SK_IP_TEXT_MAX];

    assert_int_equal(sk_ip_port_parse(text, &found, &err), SK_OK);
    sk_ip_print(&found.ip, printed);
    assert_string_equal(printed, ip);
    assert_int_equal(found.port, port);
}

static void test_good(void **state)
{
    (void)state;
    good("127.0.0.1:7464", "127.0.0.1", 7464);
    good("0.0.0.0:0", "0.0.0.0", 0);
    good("[::1]:65535", "::1", 65535);
    good("[2001:db8::7]:80", "2001:db8::7", 80);
    good("[::ffff:127.0.0.1]:80", "127.0.0.1", 80);
}

static void test_bad(void **state)
{
    static const char *const texts[] = {"",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        ":80",
                                        "localhost:80",
                                        "[::1]",
                                        "[::1]80",
                                        "::1:80",
                                        "[127.0.0.1]:8",
                                        "127.0.0.1:65536",
                                        "127.1:80",
                                        "1.2.3.4:+8",
                                        "1.2.3.4:8 ",
                                        "1.2.3.4:000080",
                                        "[::1]:8]:8"};
    struct sk_ip_port found;
    struct sk_err err;

    (void)state;
    for (size_t i = 0; i < sk_array_len(texts); i++) {
        if (sk_ip_port_parse(texts[i], &found, &err) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\" was taken", texts[i]);
    }
}

static void test_loopback(void **state)
{
    static const struct {
        const char *text;
        bool is_loopback;
    } table[] = {{"127.0.0.1", true},  {"127.255.255.255", true},
                 {"::1", true},        {"::ffff:127.0.0.1", true},
                 {"126.0.0.1", false}, {"::", false},
                 {"0.0.0.0", false},   {"::2", false},
                 {"fe80::1", false}};
    struct sk_ip ip;
    struct sk_err err;

    (void)state;
    for (size_t i = 0; i < sk_array_len(table); i++) {
        assert_int_equal(sk_ip_parse(table[i].text, &ip, &err), SK_OK);
        assert_int_equal(sk_ip_is_loopback(&ip), table[i].is_loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
