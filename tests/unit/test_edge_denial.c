/* drivers/edge/denial.c: HAProxy's lines about what it cut. */
#include "drivers/edge/denial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_lines(void **state)
{
    struct sk_edge_denial denial;
    char text[SK_IP_TEXT_MAX];
    (void)state;
    assert_true(sk_denial_read("gate|10.231.0.2|203.0.113.7|443|evil.example.com|name|0", &denial));
    sk_ip_print(&denial.source, text);
    assert_string_equal(text, "10.231.0.2");
    sk_ip_print(&denial.destination, text);
    assert_string_equal(text, "203.0.113.7");
    assert_int_equal(denial.port, 443);
    assert_string_equal(denial.name, "evil.example.com");
    assert_string_equal(denial.why, "name");
    assert_true(sk_denial_read("gate|fd5a::2|2a00::7|443|-|unreadable|0", &denial));
    assert_true(denial.source.is_v6 && denial.destination.is_v6);
    assert_string_equal(denial.name, "");
    assert_string_equal(denial.why, "no name");
    assert_true(sk_denial_read("gate|10.0.0.1|10.0.0.2|443|a.b|hidden|0", &denial));
    assert_string_equal(denial.why, "hidden name");
}

static void test_other_lines(void **state)
{
    static const char *const lines[] = {"",
                                        "[NOTICE]   (1) : haproxy version is 2.6.12",
                                        "gate|10.0.0.1|10.0.0.2|443|a.b|0",
                                        "gate|10.0.0.1|10.0.0.2|443|a.b|name|0|0",
                                        "gate|10.0.0.1|10.0.0.2|443|a.b|name",
                                        "gate|10.0.0.1|10.0.0.2|443|a.b|name|x",
                                        "gate|10.0.0.1|10.0.0.2|443|a.b|other|0",
                                        "gate|10.0.0.1|10.0.0.2|443|a b|name|0",
                                        "gate|10.0.0.1|10.0.0.2|443|A.b|name|0",
                                        "gate|10.0.0.1|10.0.0.2|443||name|0",
                                        "gate|10.0.0.1|10.0.0.2|65536|a.b|name|0",
                                        "gate|10.0.0.1|10.0.0.2|0|a.b|name|0",
                                        "gate|10.0.0.1|10.0.0.2||a.b|name|0",
                                        "gate|10.0.0.1|10.0.0.2|99999999999999999999|a.b|name|0",
                                        "gate|10.0.0.1|x|443|a.b|name|0",
                                        "gate|-|10.0.0.2|443|a.b|name|0",
                                        "door|10.0.0.1|10.0.0.2|443|a.b|name|0"};
    struct sk_edge_denial denial = {.port = 7};
    char long_line[1024];
    (void)state;
    for (size_t i = 0; i < sk_array_len(lines); i++)
        assert_false(sk_denial_read(lines[i], &denial));
    (void)snprintf(long_line, sizeof(long_line), "gate|10.0.0.1|10.0.0.2|443|%0300d|name|0", 0);
    assert_false(sk_denial_read(long_line, &denial));
    (void)snprintf(long_line, sizeof(long_line), "gate|10.0.0.1|10.0.0.2|443|%0800d|name|0", 0);
    assert_false(sk_denial_read(long_line, &denial));
    assert_int_equal(denial.port, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_other_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
