/* Who sees which page. */
#include "web/judge.h"

#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct sk_entry near = {.is_loopback = true};
static const struct sk_entry plain = {0};
static const struct sk_entry plain_metrics = {.has_public_metrics = true};
static const struct sk_entry tls = {.is_encrypted = true};
static const struct sk_entry tls_metrics = {.is_encrypted = true, .has_public_metrics = true};

static int judge(const struct sk_entry *entry, const char *host, const char *path, bool has_key)
{
    const struct sk_request request = {.method = "GET", .path = path, .host = host, .has_key = has_key};
    struct sk_verdict verdict = sk_web_judge(entry, &request);

    assert_int_equal(verdict.status == 200, verdict.page != SK_PAGE_NONE);
    assert_int_equal(verdict.status != 200, verdict.why != NULL);
    return verdict.status;
}

static void test_own_names(void **state)
{
    static const char *const own[] = {"localhost",   "LOCALHOST:7464", "127.0.0.1",  "127.0.0.1:7464",
                                      "127.9.9.9:1", "[::1]",          "[::1]:7464", "localhost:"};
    static const char *const others[] = {"evil.example",
                                         "127.0.0.1.evil.example",
                                         "localhost.evil.example",
                                         "evil.example:7464",
                                         "",
                                         "10.0.0.1",
                                         "192.0.2.1:7464",
                                         "[2001:db8::1]",
                                         "[::1].evil.example",
                                         "[::1",
                                         "127.0.0.1:80evil",
                                         "localhost:80@evil",
                                         "localhost evil",
                                         "127.0.0.1@evil",
                                         "[::]",
                                         "0.0.0.0:7464",
                                         "2130706433",
                                         "0x7f.1",
                                         "127.1",
                                         "::1",
                                         "[127.0.0.1]:1:evil"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(own); i++)
        if (judge(&near, own[i], "/status.json", false) != 200)
            fail_msg("%s was refused", own[i]);
    for (size_t i = 0; i < sk_array_len(others); i++)
        if (judge(&near, others[i], "/status.json", true) != 403)
            fail_msg("%s was taken", others[i]);
    assert_int_equal(judge(&near, NULL, "/healthz", false), 403);
}

static void test_long_host(void **state)
{
    char host[4096];

    (void)state;
    memset(host, '1', sizeof(host));
    host[sizeof(host) - 1] = '\0';
    assert_int_equal(judge(&near, host, "/", false), 403);
    host[0] = '[';
    assert_int_equal(judge(&near, host, "/", false), 403);
}

static void test_near_needs_nothing(void **state)
{
    static const char *const paths[] = {"/", "/status.json", "/metrics", "/healthz", "/readyz"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(paths); i++)
        assert_int_equal(judge(&near, "localhost:7464", paths[i], false), 200);
}

/* Rows: the path; then what each listener says without a key, and with one. */
static void test_far(void **state)
{
    static const struct {
        const char *path;
        int plain[2], plain_metrics[2], tls[2], tls_metrics[2];
    } table[] = {
        {"/healthz", {200, 200}, {200, 200}, {200, 200}, {200, 200}},
        {"/readyz", {200, 200}, {200, 200}, {200, 200}, {200, 200}},
        {"/metrics", {403, 403}, {200, 200}, {401, 200}, {200, 200}},
        {"/", {403, 403}, {403, 403}, {401, 200}, {401, 200}},
        {"/status.json", {403, 403}, {403, 403}, {401, 200}, {401, 200}},
        {"/nothing", {404, 404}, {404, 404}, {404, 404}, {404, 404}},
    };

    (void)state;
    for (size_t i = 0; i < sk_array_len(table); i++)
        for (int key = 0; key < 2; key++) {
            assert_int_equal(judge(&plain, "node7", table[i].path, key), table[i].plain[key]);
            assert_int_equal(judge(&plain_metrics, "node7", table[i].path, key), table[i].plain_metrics[key]);
            assert_int_equal(judge(&tls, NULL, table[i].path, key), table[i].tls[key]);
            assert_int_equal(judge(&tls_metrics, "x", table[i].path, key), table[i].tls_metrics[key]);
        }
}

static void test_paths_are_exact(void **state)
{
    static const char *const paths[] = {
        "", "//", "/metrics/", "/METRICS", "/../metrics", "/metrics\n", "http://x/metrics", "*"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(paths); i++)
        assert_int_equal(judge(&near, "localhost", paths[i], false), 404);
}

static void test_methods(void **state)
{
    static const struct {
        const char *method;
        int status;
    } table[] = {{"GET", 200}, {"HEAD", 200},    {"POST", 405}, {"get", 405},
                 {"PUT", 405}, {"OPTIONS", 405}, {"", 405}};

    (void)state;
    for (size_t i = 0; i < sk_array_len(table); i++) {
        const struct sk_request request = {
            .method = table[i].method, .path = "/metrics", .host = "localhost"};
        assert_int_equal(sk_web_judge(&near, &request).status, table[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_names),          cmocka_unit_test(test_long_host),
        cmocka_unit_test(test_near_needs_nothing), cmocka_unit_test(test_far),
        cmocka_unit_test(test_paths_are_exact),    cmocka_unit_test(test_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
