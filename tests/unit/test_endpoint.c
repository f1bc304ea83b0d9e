#include "drivers/registry/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const struct sk_registry_host *config, const char *registry, const char *const *urls)
{
    struct sk_endpoints found = {0};
    size_t count = 0;
    assert_int_equal(sk_endpoints_of(config, registry, &found, NULL), SK_OK);
    for (; urls[count]; count++) {
        assert_true(count < found.len);
        assert_string_equal(found.items[count].url.text, urls[count]);
        assert_int_equal(found.items[count].mirror, urls[count + 1] != NULL);
    }
    assert_int_equal(found.len, count);
    assert_string_equal(found.items[count - 1].login_name, registry);
    sk_endpoints_fini(&found);
}

#define URLS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_registries(void **state)
{
    const struct sk_registry_host plain = {.name = "r:5000", .plain_http = true};
    (void)state;
    check(NULL, "docker.io", URLS("https://registry-1.docker.io/v2"));
    check(NULL, "ghcr.io", URLS("https://ghcr.io/v2"));
    check(NULL, "r:5000", URLS("https://r:5000/v2"));
    check(NULL, "[::1]:5000", URLS("https://[::1]:5000/v2"));
    check(&plain, "r:5000", URLS("http://r:5000/v2"));
}

static void test_mirrors_come_first(void **state)
{
    const struct sk_registry_host config = {
        .name = "docker.io",
        .mirrors = URLS("http://cache:5000", "https://a.corp/docker/", "https://h.corp/v2/hub",
                        "https://v.corp/v2/", "https://w.corp/v22"),
    };
    (void)state;
    check(&config, "docker.io",
          URLS("http://cache:5000/v2", "https://a.corp/docker/v2", "https://h.corp/v2/hub",
               "https://v.corp/v2", "https://w.corp/v22/v2", "https://registry-1.docker.io/v2"));
}

static void test_mirrors_have_their_own_logins(void **state)
{
    const struct sk_registry_host config = {.name = "docker.io",
                                            .mirrors = URLS("http://Cache:5000/x", "https://m:443")};
    struct sk_endpoints found = {0};
    (void)state;
    assert_int_equal(sk_endpoints_of(&config, "docker.io", &found, NULL), SK_OK);
    assert_string_equal(found.items[0].login_name, "cache:5000");
    assert_string_equal(found.items[1].login_name, "m");
    sk_endpoints_fini(&found);
}

static void test_faults(void **state)
{
    static const char *const rows[] = {"cache:5000",     "ftp://a", "https://u:p@a",
                                       "https://a/?x=1", "",        "https://"};
    struct sk_endpoints found = {0};
    struct sk_err err = {0};
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        const struct sk_registry_host config = {.name = "r", .mirrors = URLS(rows[i])};
        assert_int_equal(sk_endpoints_of(&config, "r", &found, &err), SK_INVALID_ARGUMENT);
        assert_non_null(strstr(err.text, "mirror"));
    }
    assert_int_equal(sk_endpoints_of(NULL, "a/b", &found, &err), SK_INVALID_ARGUMENT);
    assert_int_equal(sk_endpoints_of(NULL, "u@b", &found, &err), SK_INVALID_ARGUMENT);
    assert_null(found.items);
}

static bool is_named(const struct sk_registry_host *config, const char *registry, const char *text)
{
    struct sk_endpoints endpoints = {0};
    struct sk_url url = {0};
    assert_int_equal(sk_endpoints_of(config, registry, &endpoints, NULL), SK_OK);
    assert_int_equal(sk_url_parse(text, &url, NULL), SK_OK);
    bool named = sk_endpoint_is_named(config, &endpoints, &url);
    sk_url_fini(&url);
    sk_endpoints_fini(&endpoints);
    return named;
}

static void test_who_is_named(void **state)
{
    const struct sk_registry_host config = {
        .name = "r.corp:5000",
        .mirrors = URLS("http://cache.corp"),
        .trusted_hosts = URLS("auth.corp", "s3.corp:9000", "not/a host"),
    };
    (void)state;
    assert_true(is_named(&config, "r.corp:5000", "https://R.corp:5000/v2/x"));
    assert_true(is_named(&config, "r.corp:5000", "http://cache.corp:80/"));
    assert_true(is_named(&config, "r.corp:5000", "https://auth.corp/token"));
    assert_true(is_named(&config, "r.corp:5000", "http://auth.corp/token"));
    assert_true(is_named(&config, "r.corp:5000", "http://s3.corp:9000/b"));
    /* Other ports, other schemes of what speaks but one, other names. */
    assert_false(is_named(&config, "r.corp:5000", "https://r.corp/"));
    assert_false(is_named(&config, "r.corp:5000", "http://r.corp:5000/"));
    assert_false(is_named(&config, "r.corp:5000", "https://cache.corp:80/"));
    assert_false(is_named(&config, "r.corp:5000", "https://auth.corp:8443/"));
    assert_false(is_named(&config, "r.corp:5000", "https://s3.corp/"));
    assert_false(is_named(&config, "r.corp:5000", "https://r.corp.evil:5000/"));
    assert_false(is_named(NULL, "r.corp:5000", "https://r.corp:5000/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registries),
        cmocka_unit_test(test_mirrors_come_first),
        cmocka_unit_test(test_mirrors_have_their_own_logins),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_who_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
