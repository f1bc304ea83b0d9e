/* Where requests may go: judged by address, whatever the name says. */
#include "http_rig.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>

/* --- a resolver that says what the tests want; curl's threads find it before libc's ------- */

typedef int resolver(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static const struct name {
    const char *name;
    int ms; /* the answer takes so long */
    const char *addresses[3];
} names[] = {
    {"metadata.invalid", 0, {"169.254.169.254", "fd00:ec2::254"}},
    {"inside.invalid", 0, {"127.0.0.1", "10.1.2.3"}},
    {"mixed.invalid", 0, {"169.254.169.254", "127.0.0.1"}},
    {"slow.invalid", 1000, {"127.0.0.1"}}, /* and not before it is let go */
    {"none.invalid", 0, {NULL}},
};

static atomic_bool held, waited_for;

static int resolve(const struct name *name, const char *service, const struct addrinfo *hints,
                   struct addrinfo **out)
{
    resolver *real = (resolver *)dlsym(RTLD_NEXT, "getaddrinfo");
    struct addrinfo **end = out;
    int failed = EAI_NONAME;
    (void)usleep((useconds_t)name->ms * 1000);
    for (int i = 0; name->ms && atomic_load(&held); i++) {
        (void)usleep(10000);
        if (i < 2000)
            continue;
        atomic_store(&waited_for, true);
        break;
    }
    for (const char *const *at = name->addresses; *at; at++) {
        failed = real(*at, service, hints, end);
        while (!failed && *end)
            end = &(*end)->ai_next;
    }
    return failed;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    for (size_t i = 0; host && i < sk_array_len(names); i++) {
        if (strcmp(host, names[i].name) == 0)
            return resolve(&names[i], service, hints, out);
    }
    return ((resolver *)dlsym(RTLD_NEXT, "getaddrinfo"))(host, service, hints, out);
}

/* --- the server --------------------------------------------------------------------------- */

static void answer_small(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    (void)send_pattern(exchange, 0, 3);
}

static const struct page pages[] = {
    {"/small", answer_small},
    {"http://192.0.2.1/small", answer_small}, /* as asked of a proxy */
    {"http://registry.invalid/small", answer_small},
    {NULL, NULL},
};

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_open(&rig, pages, "", 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void put_url(char url[64], const char *scheme, const char *host)
{
    (void)snprintf(url, 64, "%s://%s:%d/small", scheme, host, rig.server.port);
}

/* Refused with a sentence that names the address; nothing reaches a server. */
static void check_refused(const char *host, const char *address, bool internal)
{
    struct probe probe = {0};
    char url[64];
    put_url(url, "http", host);
    probe_run(&probe, &rig, NULL, (struct sk_http_request){.url = url, .internal = internal});
    if (probe.err.code != SK_PERMISSION_DENIED || !strstr(probe.err.text, address) ||
        !strstr(probe.err.text, host))
        fail_msg("%s: %s: %s", host, sk_code_name(probe.err.code), probe.err.text);
    assert_int_equal(probe.heads, 0);
    assert_int_equal(atomic_load(&rig.server.accepted), 0);
}

static void test_never(void **state)
{
    static const char *const hosts[][2] = {
        {"169.254.169.254", "169.254.169.254"},
        {"[::ffff:169.254.169.254]", "169.254.169.254"},
        {"[64:ff9b::169.254.169.254]", "64:ff9b::a9fe:a9fe"},
        {"[fd00:ec2::254]", "fd00:ec2::254"},
        {"[fe80::1]", "fe80::1"},
        {"0.0.0.0", "0.0.0.0"},
        {"0", "0.0.0.0"},
        {"[::]", "::"},
        {"224.0.0.1", "224.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"2852039166", "169.254.169.254"}, /* as one number */
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(hosts); i++) {
        struct probe probe = {0};
        char url[64];
        put_url(url, "http", hosts[i][0]);
        for (int internal = 0; internal < 2; internal++) {
            probe_run(&probe, &rig, NULL, (struct sk_http_request){.url = url, .internal = internal != 0});
            if (probe.err.code != SK_PERMISSION_DENIED || !strstr(probe.err.text, hosts[i][1]))
                fail_msg("%s: %s: %s", hosts[i][0], sk_code_name(probe.err.code), probe.err.text);
            probe = (struct probe){0};
        }
    }
    assert_int_equal(atomic_load(&rig.server.accepted), 0);
}

static void test_internal_only_when_said(void **state)
{
    struct probe probe = {0};
    (void)state;
    check_refused("127.0.0.1", "127.0.0.1", false);
    check_refused("127.1.2.3", "127.1.2.3", false);
    check_refused("10.0.0.1", "10.0.0.1", false);
    check_refused("[::1]", "::1", false);
    check_refused("[::ffff:127.0.0.1]", "127.0.0.1", false);
    probe_run(&probe, &rig, "/small", (struct sk_http_request){0});
    assert_int_equal(probe.err.code, SK_OK);
}

/* A name with two addresses: both are tried, both are refused, and the error says so. */
static void test_name(void **state)
{
    struct probe probe = {0};
    char url[64];
    (void)state;
    check_refused("localhost", "1", false);
    put_url(url, "http", "localhost"); /* nobody listens at ::1: the next one counts */
    probe_run(&probe, &rig, NULL, (struct sk_http_request){.url = url, .internal = true});
    assert_int_equal(probe.err.code, SK_OK);
}

/* What a stranger's name server says is judged like a number. */
static void test_names_that_lie(void **state)
{
    struct probe mixed = {0}, none = {0};
    char url[64];
    (void)state;
    check_refused("metadata.invalid", "254", true);
    check_refused("metadata.invalid", "254", false);
    check_refused("inside.invalid", "1", false);
    put_url(url, "http", "mixed.invalid"); /* the good one of two is taken */
    probe_run(&mixed, &rig, NULL, (struct sk_http_request){.url = url, .internal = true});
    assert_int_equal(mixed.err.code, SK_OK);
    put_url(url, "http", "none.invalid");
    probe_run(&none, &rig, NULL, (struct sk_http_request){.url = url, .internal = true});
    assert_int_equal(none.err.code, SK_UNAVAILABLE);
    assert_non_null(strstr(none.err.text, "none.invalid"));
}

/* Neither closing, nor giving up, nor ending it all waits for the resolver. */
static void test_slow_resolver(void **state)
{
    struct probe closed = {0}, stalled = {0};
    char url[64];
    (void)state;
    put_url(url, "http", "slow.invalid");
    atomic_store(&held, true);
    probe_start(&closed, &rig, NULL, (struct sk_http_request){.url = url, .internal = true});
    rig_run_for(&rig, 20);
    probe_close(&closed);
    probe_run(&stalled, &rig, NULL,
              (struct sk_http_request){.url = url, .internal = true, .stall = SK_MSEC(100)});
    assert_int_equal(stalled.err.code, SK_UNAVAILABLE);
    assert_int_equal(closed.ends, 0);
    atomic_store(&held, false);
    rig_run_for(&rig, 1200); /* the threads' answers find nobody */
    assert_false(atomic_load(&waited_for));
}

static void test_slow_name_is_found(void **state)
{
    struct probe probe = {0};
    char url[64];
    (void)state;
    put_url(url, "http", "slow.invalid");
    probe_run(&probe, &rig, NULL, (struct sk_http_request){.url = url, .internal = true});
    assert_int_equal(probe.err.code, SK_OK);
}

/* A connection that somebody else was allowed to make opens no door. */
static void test_no_reuse_across_trust(void **state)
{
    struct probe allowed = {0}, not_allowed = {0}, again = {0};
    (void)state;
    probe_run(&allowed, &rig, "/small", (struct sk_http_request){0});
    assert_int_equal(allowed.err.code, SK_OK);
    probe_run(&not_allowed, &rig, NULL, (struct sk_http_request){.url = allowed.url});
    assert_int_equal(not_allowed.err.code, SK_PERMISSION_DENIED);
    assert_int_equal(not_allowed.heads, 0);
    probe_run(&again, &rig, "/small", (struct sk_http_request){0});
    assert_int_equal(again.err.code, SK_OK);
    assert_int_equal(atomic_load(&rig.server.accepted), 1);
    assert_int_equal(atomic_load(&rig.server.requests), 2);
}

static void test_no_proxy_from_the_environment(void **state)
{
    static const char *const variables[] = {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"};
    struct probe probe = {0};
    (void)state;
    for (size_t i = 0; i < sk_array_len(variables); i++)
        assert_int_equal(setenv(variables[i], "http://127.0.0.1:1", 1), 0);
    probe_run(&probe, &rig, "/small", (struct sk_http_request){0});
    for (size_t i = 0; i < sk_array_len(variables); i++)
        assert_int_equal(unsetenv(variables[i]), 0);
    assert_int_equal(probe.err.code, SK_OK);
    assert_true(server_saw(&rig.server, "GET /small "));
}

/* The proxy may be internal, and resolves the names; a host that is a number is judged here all the same. */
static void test_proxy(void **state)
{
    struct probe probe = {0}, bad = {0}, number = {0}, inside = {0};
    struct rig behind;
    char proxy[64];
    (void)state;
    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", rig.server.port);
    assert_int_equal(setenv("no_proxy", "*", 1), 0);
    rig_open(&behind, pages, proxy, 2);
    probe_run(&probe, &behind, NULL, (struct sk_http_request){.url = "http://registry.invalid/small"});
    probe_run(&bad, &behind, NULL,
              (struct sk_http_request){.url = "http://169.254.169.254/small", .internal = true});
    probe_run(&number, &behind, NULL, (struct sk_http_request){.url = "http://192.0.2.1/small"});
    probe_run(&inside, &behind, NULL,
              (struct sk_http_request){.url = "http://192.0.2.1/small", .internal = true});
    rig_close(&behind);
    assert_int_equal(unsetenv("no_proxy"), 0);
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(bad.err.code, SK_PERMISSION_DENIED);
    assert_int_equal(number.err.code, SK_PERMISSION_DENIED);
    assert_int_equal(inside.err.code, SK_OK);
    assert_int_equal(atomic_load(&rig.server.requests), 2);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_never),
        CASE(test_internal_only_when_said),
        CASE(test_name),
        CASE(test_names_that_lie),
        CASE(test_slow_resolver),
        CASE(test_slow_name_is_found),
        CASE(test_no_reuse_across_trust),
        CASE(test_no_proxy_from_the_environment),
        CASE(test_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
