/* Where answers lead: with which credentials, to which places, how often. */
#include "registry_rig.h"
#include "registry_tls.h"

#define BASIC "Authorization: Basic bWU6c2VjcmV0\r\n" /* me:secret */

static int setup(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));
    rig_init(rig);
    rig->trusted[0] = rig->servers[1].name;
    rig->logins[rig->login_count++] = (struct sk_image_login){rig->servers[0].name, "me", "secret"};
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    rig_fini(*state);
    free(*state);
    return 0;
}

static void add_basic(struct server *server)
{
    add(server, 401, "WWW-Authenticate: Basic realm=\"x\"", "{}");
}

static void test_to_another_host(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *to = sk_printf("%s/storage?signed=1", rig->servers[1].name);
    add_basic(&rig->servers[0]);
    add_redirect(&rig->servers[0], "http://", to);
    add(&rig->servers[1], 200, "", "blob");
    rig_start(rig);
    assert_int_equal(get_blob(rig, 4, 0), SK_OK);
    assert_true(taken_is(rig, "blob", 4));
    rig_stop(rig);
    assert_true(asked(&rig->servers[0], 1, BASIC));
    assert_true(asked(&rig->servers[1], 0, "GET /storage?signed=1 HTTP/1.1\r\n"));
    assert_false(asked(&rig->servers[1], 0, "Authorization"));
}

static void test_within_the_host(void **state)
{
    struct rig *rig = *state;
    add_basic(&rig->servers[0]);
    add_redirect(&rig->servers[0], "", "/elsewhere");
    add(&rig->servers[0], 200, "", "blob");
    rig_start(rig);
    assert_int_equal(get_blob(rig, 4, 0), SK_OK);
    rig_stop(rig);
    assert_true(asked(&rig->servers[0], 2, "GET /elsewhere HTTP/1.1\r\n"));
    assert_true(asked(&rig->servers[0], 2, BASIC));
}

/* Whoever else had a hand in it does not choose what is asked for with our password. */
static void test_there_and_back(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *to = sk_printf("%s/x", rig->servers[1].name);
    SK_AUTO_FREE char *back = sk_printf("%s/v2/other/blobs/y", rig->servers[0].name);
    add_basic(&rig->servers[0]);
    add_redirect(&rig->servers[0], "http://", to);
    add_redirect(&rig->servers[1], "http://", back);
    add_basic(&rig->servers[0]);
    rig_start(rig);
    assert_int_equal(get_blob(rig, 4, 0), SK_UNAUTHENTICATED);
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 3);
    assert_false(asked(&rig->servers[0], 2, "Authorization"));
}

static void test_challenge_of_another_host(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *to = sk_printf("%s/x", rig->servers[1].name);
    add_redirect(&rig->servers[0], "http://", to);
    add_challenge(&rig->servers[1], &rig->servers[1]);
    rig_start(rig);
    assert_int_equal(get_blob(rig, 4, 0), SK_UNAUTHENTICATED);
    assert_non_null(strstr(rig->err.text, rig->servers[1].name));
    rig_stop(rig);
    assert_int_equal(rig->servers[1].asked_len, 1);
}

static void test_forbidden_addresses(void **state)
{
    static const char *const rows[] = {
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0.0.0.0/",
        "http://127.0.0.1:1/",
    };
    struct rig *rig = *state;
    for (size_t i = 0; i < sk_array_len(rows); i++)
        add_redirect(&rig->servers[0], "", rows[i]);
    rig_start(rig);
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        if (get_blob(rig, 4, 0) != SK_PERMISSION_DENIED)
            fail_msg("%s: %s", rows[i], rig->err.text);
        assert_int_equal(rig->taken.len, 0);
    }
    assert_int_equal(rig->retries, 0);
}

/* Another port of a host that is named is another place. */
static void test_place_that_nobody_named(void **state)
{
    struct rig *rig = *state;
    add_redirect(&rig->servers[0], "http://", rig->servers[2].name);
    rig_start(rig);
    assert_int_equal(get_blob(rig, 4, 0), SK_PERMISSION_DENIED);
    rig_stop(rig);
    assert_int_equal(rig->servers[2].asked_len, 0);
}

static void test_loop(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 8; i++)
        add_redirect(&rig->servers[0], "", "/again");
    rig_start(rig);
    assert_int_equal(get_blob(rig, 4, 0), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(rig->err.text, "more than 5"));
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 6);
}

static void test_nowhere(void **state)
{
    static const char *const rows[] = {"file:///etc/passwd", "ftp://a/", "http://me:secret@a/", "http://"};
    struct rig *rig = *state;
    for (size_t i = 0; i < sk_array_len(rows); i++)
        add_redirect(&rig->servers[0], "", rows[i]);
    add(&rig->servers[0], 302, "", "");
    rig_start(rig);
    for (size_t i = 0; i <= sk_array_len(rows); i++) {
        assert_int_equal(get_blob(rig, 4, 0), SK_FAILED_PRECONDITION);
        assert_non_null(strstr(rig->err.text, "answered 30"));
    }
}

/* --- from https to http ---------------------------------------------------------- */

static enum sk_code downgrade(struct rig *rig, const struct server *to)
{
    struct tls tls;
    SK_AUTO_FREE char *head = sk_printf("302 X\\r\\nLocation: http://%s/x", to->name);
    open_tls(&tls, rig, head);
    rig_start(rig);
    enum sk_code code = get_manifest(rig, NULL, NULL);
    rig_stop(rig);
    close_tls(&tls);
    return code;
}

static void test_https_to_http(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(downgrade(rig, &rig->servers[2]), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(rig->err.text, "from https to plain http"));
    assert_int_equal(rig->servers[2].asked_len, 0);
}

static void test_https_to_http_that_is_named(void **state)
{
    struct rig *rig = *state;
    add(&rig->servers[1], 200, "", "{}");
    assert_int_equal(downgrade(rig, &rig->servers[1]), SK_OK);
    assert_int_equal(rig->servers[1].asked_len, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_to_another_host),
        TEST(test_within_the_host),
        TEST(test_there_and_back),
        TEST(test_challenge_of_another_host),
        TEST(test_forbidden_addresses),
        TEST(test_place_that_nobody_named),
        TEST(test_loop),
        TEST(test_nowhere),
        TEST(test_https_to_http),
        TEST(test_https_to_http_that_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
