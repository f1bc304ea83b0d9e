#include "drivers/http/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_taken_apart(void **state)
{
    static const struct {
        const char *text;
        bool plain;
        const char *authority, *host;
    } rows[] = {
        {"https://Registry.Corp/v2/", false, "registry.corp:443", "registry.corp"},
        {"https://registry.corp:443/", false, "registry.corp:443", "registry.corp"},
        {"http://registry.corp:5000/a?b=c", true, "registry.corp:5000", "registry.corp:5000"},
        {"http://[::1]:80/", true, "[::1]:80", "[::1]"},
        /* The clothes that addresses come in. */
        {"http://2130706433/", true, "127.0.0.1:80", "127.0.0.1"},
        {"http://0x7f.1/", true, "127.0.0.1:80", "127.0.0.1"},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        struct sk_url url = {0};
        assert_int_equal(sk_url_parse(rows[i].text, &url, NULL), SK_OK);
        assert_int_equal(url.plain, rows[i].plain);
        assert_string_equal(url.authority, rows[i].authority);
        assert_string_equal(url.host, rows[i].host);
        sk_url_fini(&url);
    }
}

static void test_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "registry.corp",
        "ftp://a/",
        "file:///etc/passwd",
        "https://user@a/",
        "https://u:p@a/",

        "https://a b/",
        "https://a:x/",
        "https://a:99999/",
        "//a/b",
        "gopher://a",
        "https://",
        "https://a\r\nb: c/",
        "https://a/\x01",
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        struct sk_url url = {0};
        struct sk_err err = {0};
        if (sk_url_parse(rows[i], &url, &err) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\" was taken for \"%s\"", rows[i], url.text);
        assert_true(*err.text);
    }
}

static void test_resolved(void **state)
{
    static const struct {
        const char *location, *is; /* NULL: refused */
    } rows[] = {
        {"/x?y", "https://r.corp:5000/x?y"},
        {"c", "https://r.corp:5000/v2/a/c"},
        {"../c", "https://r.corp:5000/v2/c"},
        {"?q=1", "https://r.corp:5000/v2/a/b?q=1"},
        {"//other/x", "https://other/x"},
        {"http://other/x#part", "http://other/x"},
        {"https://other/a b", "https://other/a%20b"},
        {"file:///etc/passwd", NULL},
        {"https://me:secret@other/", NULL},
        {"http://", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        struct sk_url url = {0};
        enum sk_code code = sk_url_resolve("https://r.corp:5000/v2/a/b", rows[i].location, &url, NULL);
        assert_int_equal(code, rows[i].is ? SK_OK : SK_INVALID_ARGUMENT);
        if (rows[i].is)
            assert_string_equal(url.text, rows[i].is);
        sk_url_fini(&url);
    }
}

static void test_query(void **state)
{
    struct sk_url url = {0};
    (void)state;
    assert_int_equal(sk_url_parse("https://a/token?x=1", &url, NULL), SK_OK);
    assert_int_equal(sk_url_add_query(&url, "service", "a&b c", NULL), SK_OK);
    assert_string_equal(url.text, "https://a/token?x=1&service=a%26b+c");
    sk_url_fini(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken_apart),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_resolved),
        cmocka_unit_test(test_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
