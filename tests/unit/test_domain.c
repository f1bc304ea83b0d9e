/* Host names and patterns of them: what is taken and how, what is refused, what matches what. */
#include "net/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define L61 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"

static const char longest[] = L63 "." L63 "." L63 "." L61; /* 253 bytes */

static void test_normalise(void **state)
{
    static const struct sample {
        const char *text, *name;
    } samples[] = {
        {"example.com", "example.com"},
        {"Example.COM.", "example.com"},
        {"localhost", "localhost"},
        {"_dmarc.a-b.example", "_dmarc.a-b.example"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"1.2.3.4.example", "1.2.3.4.example"},
        {"4.3.2.1.in-addr.arpa", "4.3.2.1.in-addr.arpa"},
        {"1e100.net", "1e100.net"},
        {"a.0xfg", "a.0xfg"},
        {"a.1a", "a.1a"},
        {L63 ".example", L63 ".example"},
        {longest, longest},
        {L63 "." L63 "." L63 "." L61 ".", longest},
    };
    (void)state;
    assert_int_equal(strlen(longest), SK_DOMAIN_MAX - 1);
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        char name[SK_DOMAIN_MAX];
        if (sk_domain_normalise(samples[i].text, name, NULL) != SK_OK)
            fail_msg("%s was refused", samples[i].text);
        assert_string_equal(name, samples[i].name);
    }
}

static const char *const refused[] = {
    "",
    ".",
    "..",
    "a..b",
    ".a",
    "a.b..",
    "a b",
    "a/b",
    "a:443",
    "https://a",
    "a@b",
    "b\xC3\xBC"
    "cher.example",
    "a\n.example",
    "*",
    "*.",
    "a.*.example.com",
    "a*.example.com",
    "**.example.com",
    "*.*.example.com",
    "1.2.3.4",
    "1.2.3.4.",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0X7F.0x1",
    "a.0x",
    "a.123",
    "::1",
    "[::1]",
    L63 "a.example",
    L63 "." L63 "." L63 "." L61 "a",
    L63 "." L63 "." L63 "." L61 "..",
    L63 "." L63 "." L63 "." L63 "." L63 ".",
};

static void test_refuses(void **state)
{
    char name[SK_DOMAIN_MAX] = "untouched";
    (void)state;
    for (size_t i = 0; i < sk_array_len(refused); i++) {
        struct sk_err err = {0};
        if (sk_domain_normalise(refused[i], name, &err) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\" was taken for a name", refused[i]);
        if (sk_domain_pattern(refused[i], name, NULL) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\" was taken for a pattern", refused[i]);
        assert_int_equal(err.code, SK_INVALID_ARGUMENT);
    }
    assert_int_equal(sk_domain_normalise("*.example.com", name, NULL), SK_INVALID_ARGUMENT);
    assert_string_equal(name, "untouched");
}

static void test_pattern(void **state)
{
    static const char *const wrong[] = {"*.com",          "*.com.", "*.1.2",
                                        "*..example.com", "*.a..b", "*." L63 "." L63 "." L63 "." L61};
    char pattern[SK_DOMAIN_MAX];
    (void)state;
    assert_int_equal(sk_domain_pattern("*.Example.COM.", pattern, NULL), SK_OK);
    assert_string_equal(pattern, "*.example.com");
    assert_int_equal(sk_domain_pattern("Example.COM", pattern, NULL), SK_OK);
    assert_string_equal(pattern, "example.com");
    for (size_t i = 0; i < sk_array_len(wrong); i++) {
        if (sk_domain_pattern(wrong[i], pattern, NULL) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

static void test_matches(void **state)
{
    (void)state;
    assert_true(sk_domain_matches("example.com", "example.com"));
    assert_false(sk_domain_matches("example.com", "a.example.com"));
    assert_false(sk_domain_matches("example.com", "example.co"));
    assert_false(sk_domain_matches("example.com", ""));
    assert_true(sk_domain_matches("*.example.com", "a.example.com"));
    assert_true(sk_domain_matches("*.example.com", "_a-1.example.com"));
    assert_false(sk_domain_matches("*.example.com", "example.com"));
    assert_false(sk_domain_matches("*.example.com", ".example.com"));
    assert_false(sk_domain_matches("*.example.com", "a.b.example.com"));
    assert_false(sk_domain_matches("*.example.com", "aexample.com"));
    assert_false(sk_domain_matches("*.example.com", "a.example.com.evil.test"));
    assert_false(sk_domain_matches("*.example.com", "localhost"));
    assert_false(sk_domain_matches("*.example.com", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalise),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_pattern),
        cmocka_unit_test(test_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
