/* What is tried again, where, and what is said when nothing helps. */
#include "registry_rig.h"

static int setup(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));
    rig_init(rig);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    free((char *)rig->mirrors[0]);
    rig_fini(rig);
    free(rig);
    return 0;
}

static void add_mirror(struct rig *rig, const char *name)
{
    rig->mirrors[0] = sk_printf("http://%s", name);
}

static void test_503_then_fine(void **state)
{
    struct rig *rig = *state;
    add(&rig->servers[0], 503, "", "<html>");
    add(&rig->servers[0], 500, "", "");
    add(&rig->servers[0], 200, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_int_equal(rig->retries, 2);
}

static void test_429_says_when(void **state)
{
    struct rig *rig = *state;
    add(&rig->servers[0], 429, "Retry-After: 0", "");
    add(&rig->servers[0], 429, "Retry-After: 1", "");
    add(&rig->servers[0], 200, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_int_equal(rig->retries, 2);
}

static void test_429_says_much_later(void **state)
{
    struct rig *rig = *state;
    add(&rig->servers[0], 429, "Retry-After: 3600",
        "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"pull rate limit\"}]}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(rig->retries, 0);
    assert_non_null(strstr(rig->err.text, rig->servers[0].name));
    assert_non_null(strstr(rig->err.text, "429 (too many requests, asks to wait 3600 s: pull rate limit)"));
}

static void test_429_for_ever(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 8; i++)
        add(&rig->servers[0], 429, "", "");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(rig->retries, 5);
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 6);
}

static void test_what_is_final(void **state)
{
    static const struct {
        int status;
        enum sk_code code;
    } rows[] = {{404, SK_NOT_FOUND},       {403, SK_PERMISSION_DENIED}, {400, SK_FAILED_PRECONDITION},
                {401, SK_UNAUTHENTICATED}, {501, SK_UNAVAILABLE},       {204, SK_FAILED_PRECONDITION},
                {206, SK_DATA_LOSS}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sk_array_len(rows); i++)
        add(&rig->servers[0], rows[i].status, "", "");
    rig_start(rig);
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        SK_AUTO_FREE char *said = sk_printf("%s answered %d", rig->servers[0].name, rows[i].status);
        assert_int_equal(get_manifest(rig, NULL, NULL), rows[i].code);
        assert_non_null(strstr(rig->err.text, said));
    }
    assert_int_equal(rig->retries, 0);
}

static void test_manifest_without_end(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *page = sk_alloc(65536);
    add_bytes(&rig->servers[0], page, 65536, sk_strdup("HTTP/1.1 200 OK"))->end = REPLY_ENDLESS;
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_FAILED_PRECONDITION);
    assert_int_equal(rig->retries, 0);
    assert_null(rig->manifest.bytes.data);
}

static void test_refusal_without_end(void **state)
{
    struct rig *rig = *state;
    char page[1024];
    memset(page, 'x', sizeof(page));
    add_bytes(&rig->servers[0], page, sizeof(page), sk_strdup("HTTP/1.1 404 X"))->end = REPLY_ENDLESS;
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_NOT_FOUND);
}

static void test_wrong_bytes(void **state)
{
    char digest[SK_DIGEST_SIZE];
    struct rig *rig = *state;
    sk_digest_of("{}", 2, digest);
    add(&rig->servers[0], 200, "", "{ }");
    add(&rig->servers[0], 200, "Docker-Content-Digest: " BLOB_DIGEST, "{}");
    add(&rig->servers[0], 200, "Docker-Content-Digest: " BLOB_DIGEST, "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, digest, NULL), SK_DATA_LOSS);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_DATA_LOSS);
    /* By digest only what was asked for counts. */
    assert_int_equal(get_manifest(rig, digest, NULL), SK_OK);
    assert_string_equal(rig->manifest.digest, digest);
    rig_stop(rig);
    SK_AUTO_FREE char *line = sk_printf("GET /v2/app/manifests/%s HTTP/1.1\r\n", digest);
    assert_true(asked(&rig->servers[0], 0, line));
}

/* --- mirrors ------------------------------------------------------------------------ */

static void test_mirror_answers(void **state)
{
    struct rig *rig = *state;
    add_mirror(rig, rig->servers[1].name);
    add(&rig->servers[1], 200, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_int_equal(rig->manifest.endpoint, 0);
    rig_stop(rig);
    assert_true(asked(&rig->servers[1], 0, "GET /v2/app/manifests/1 HTTP/1.1\r\n"));
    assert_int_equal(rig->servers[0].asked_len, 0);
}

static void test_mirror_is_down(void **state)
{
    struct rig *rig = *state;
    add_mirror(rig, rig->servers[1].name);
    sk_close_fd(&rig->servers[1].listener);
    rig->servers[1].listener = socket(AF_INET, SOCK_STREAM, 0); /* nobody's */
    assert_int_equal(listen(rig->servers[1].listener, 1), 0);
    add(&rig->servers[0], 200, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_int_equal(rig->manifest.endpoint, 1);
    assert_int_equal(rig->retries, 2);
    assert_int_equal(rig->moves, 1);
}

static void test_mirror_has_it_not(void **state)
{
    struct rig *rig = *state;
    add_mirror(rig, rig->servers[1].name);
    add(&rig->servers[1], 404, "", "");
    add(&rig->servers[0], 200, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_int_equal(rig->retries, 0);
    assert_int_equal(rig->moves, 1);
}

static void test_mirror_lies(void **state)
{
    char digest[SK_DIGEST_SIZE];
    struct rig *rig = *state;
    sk_digest_of("{}", 2, digest);
    add_mirror(rig, rig->servers[1].name);
    add(&rig->servers[1], 200, "", "{\"evil\":1}");
    add(&rig->servers[0], 200, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, digest, NULL), SK_OK);
    assert_true(manifest_is(rig, "{}"));
    assert_int_equal(rig->manifest.endpoint, 1);
}

/* Of a tag too, as far as can be seen. */
static void test_mirror_talks_nonsense(void **state)
{
    static const char *const nonsense[] = {"<html>{}</html>", "", " \n", "{\"schemaVersion\":2,\"man", "}{"};
    struct rig *rig = *state;
    add_mirror(rig, rig->servers[1].name);
    add(&rig->servers[1], 200, "Docker-Content-Digest: " BLOB_DIGEST, "{\"evil\":1}");
    for (size_t i = 0; i < sk_array_len(nonsense); i++)
        add(&rig->servers[1], 200, "", nonsense[i]);
    for (size_t i = 0; i <= sk_array_len(nonsense); i++)
        add(&rig->servers[0], 200, "", "\n{} ");
    rig_start(rig);
    for (size_t i = 0; i <= sk_array_len(nonsense); i++) {
        assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
        assert_true(manifest_is(rig, "\n{} "));
        assert_int_equal(rig->manifest.endpoint, 1);
    }
    assert_int_equal(rig->retries, 0);
    assert_int_equal(rig->moves, 1 + sk_array_len(nonsense));
}

static void test_nobody_has_it(void **state)
{
    struct rig *rig = *state;
    add_mirror(rig, rig->servers[1].name);
    add(&rig->servers[1], 503, "Retry-After: 999", "");
    add(&rig->servers[0], 404, "", "");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_NOT_FOUND);
    assert_non_null(strstr(rig->err.text, rig->servers[0].name));
    assert_int_equal(rig->retries, 0);
}

/* --- the configuration --------------------------------------------------------------- */

static void test_bad_mirror(void **state)
{
    struct rig *rig = *state;
    const struct sk_registry_host host = {.name = "r.corp",
                                          .mirrors = (const char *const[]){"cache:5000", NULL}};
    const struct sk_registry_options options = {
        .loop = rig->loop, .hosts = &host, .host_count = 1, .max_connections = 1};
    struct sk_registry *registry = NULL;
    struct sk_err err = {0};
    assert_int_equal(sk_registry_new(&options, &registry, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "r.corp"));
    assert_non_null(strstr(err.text, "cache:5000"));
    assert_null(registry);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_503_then_fine),         TEST(test_429_says_when),     TEST(test_429_says_much_later),
        TEST(test_429_for_ever),          TEST(test_what_is_final),     TEST(test_manifest_without_end),
        TEST(test_refusal_without_end),   TEST(test_wrong_bytes),       TEST(test_mirror_answers),
        TEST(test_mirror_is_down),        TEST(test_mirror_has_it_not), TEST(test_mirror_lies),
        TEST(test_mirror_talks_nonsense), TEST(test_nobody_has_it),     TEST(test_bad_mirror),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
