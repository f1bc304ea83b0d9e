#include "cli/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

static void accepted(const char *address, const char *target, bool tls)
{
    struct sk_target out;
    struct sk_err err;

    assert_int_equal(sk_target_parse(address, &out, &err), SK_OK);
    assert_string_equal(out.text, target);
    assert_int_equal(out.tls, tls);
}

static void refused(const char *address)
{
    struct sk_target out = {"untouched", false};
    struct sk_err err = {0};

    assert_int_equal(sk_target_parse(address, &out, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "address "));
    assert_string_equal(out.text, "untouched");
}

static void test_accepted(void **state)
{
    (void)state;
    accepted(SK_TARGET_DEFAULT, "127.0.0.1:7463", false);
    accepted("http://host", "host:80", false);
    accepted("http://host/", "host:80", false);
    accepted("https://host", "host:443", true);
    accepted("https://host:8443/", "host:8443", true);
    accepted("http://[::1]:7350", "[::1]:7350", false);
    accepted("https://[::1]", "[::1]:443", true);
    accepted("host:1", "host:1", false);
    accepted("unix:/run/sandkeep/api.sock", "unix:/run/sandkeep/api.sock", false);
}

static void test_refused(void **state)
{
    char too_long[400];

    (void)state;
    refused("");
    refused("host");
    refused("http://");
    refused("http://:80");
    refused("http://host:");
    refused("http://host:0");
    refused("http://host:65536");
    refused("http://host:8a");
    refused("http://host:123456789");
    refused("http://host/v1");
    refused("http://host?x=1");
    refused("http://user@host:1");
    refused("http://two words:1");
    refused("ftp://host:21");
    refused("unix:");
    memset(too_long, 'a', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = 0;
    refused(too_long);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
