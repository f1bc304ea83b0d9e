/* Who asks: tokens, passwords, and to whom they go. */
#include "registry_rig.h"
#include "registry_tls.h"

#define TOKEN_1 "{\"token\":\"first\",\"expires_in\":300}"
#define TOKEN_2 "{\"access_token\":\"second\"}"
#define BASIC   "Authorization: Basic bWU6c2VjcmV0\r\n" /* me:secret */

static struct sk_image_login login_for(const char *registry)
{
    return (struct sk_image_login){registry, "me", "secret"};
}

static int setup(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));
    rig_init(rig);
    rig->trusted[0] = rig->servers[1].name; /* the token server */
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    rig_fini(*state);
    free(*state);
    return 0;
}

static void test_no_token_needed(void **state)
{
    struct rig *rig = *state;
    add(&rig->servers[0], 200, "Content-Type: a/b; c=d", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_true(manifest_is(rig, "{}"));
    assert_string_equal(rig->manifest.media_type, "a/b");
    assert_int_equal(rig->manifest.endpoint, 0);
    rig_stop(rig);
    assert_true(asked(&rig->servers[0], 0, "GET /v2/app/manifests/1 HTTP/1.1\r\n"));
    assert_true(asked(&rig->servers[0], 0, "Accept: " SK_OCI_ACCEPT "\r\n"));
    assert_false(asked(&rig->servers[0], 0, "Authorization"));
}

static void test_anonymous_token(void **state)
{
    struct rig *rig = *state;
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add(&rig->servers[1], 200, "", TOKEN_1);
    add(&rig->servers[0], 200, "", "{}");
    add(&rig->servers[0], 200, "", "blob");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_int_equal(get_blob(rig, 4, 0), SK_OK);
    assert_true(taken_is(rig, "blob", 4));
    rig_stop(rig);
    assert_true(
        asked(&rig->servers[1], 0, "GET /token?service=tests&scope=repository%3aapp%3apull HTTP/1.1\r\n"));
    assert_false(asked(&rig->servers[1], 0, "Authorization"));
    assert_true(asked(&rig->servers[0], 1, "Authorization: Bearer first\r\n"));
    /* The blob is asked for with what is known, and nobody is asked for a token anew. */
    assert_true(asked(&rig->servers[0], 2, "GET /v2/app/blobs/" BLOB_DIGEST " HTTP/1.1\r\n"));
    assert_true(asked(&rig->servers[0], 2, "Authorization: Bearer first\r\n"));
    assert_int_equal(rig->servers[1].asked_len, 1);
}

static void test_token_with_password(void **state)
{
    struct rig *rig = *state;
    struct sk_image_login login = login_for(rig->servers[0].name);
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add(&rig->servers[1], 200, "", TOKEN_1);
    add(&rig->servers[0], 200, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, &login), SK_OK);
    rig_stop(rig);
    assert_true(asked(&rig->servers[1], 0, BASIC));
    assert_false(asked(&rig->servers[0], 0, "Authorization"));
    assert_true(asked(&rig->servers[0], 1, "Authorization: Bearer first\r\n"));
}

/* A token of one asker is no one else's. */
static void test_tokens_are_not_shared(void **state)
{
    struct rig *rig = *state;
    struct sk_image_login login = login_for(rig->servers[0].name);
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add(&rig->servers[1], 200, "", TOKEN_1);
    add(&rig->servers[0], 200, "", "{}");
    add(&rig->servers[0], 401, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, &login), SK_OK);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_UNAUTHENTICATED);
    rig_stop(rig);
    assert_false(asked(&rig->servers[0], 2, "Authorization"));
}

static void test_basic(void **state)
{
    struct rig *rig = *state;
    rig->logins[rig->login_count++] = login_for(rig->servers[0].name);
    add(&rig->servers[0], 401, "WWW-Authenticate: Basic realm=\"x\"", "{}");
    add(&rig->servers[0], 200, "", "{}");
    add(&rig->servers[0], 200, "", "blob");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_int_equal(get_blob(rig, 4, 0), SK_OK);
    rig_stop(rig);
    assert_false(asked(&rig->servers[0], 0, "Authorization"));
    assert_true(asked(&rig->servers[0], 1, BASIC));
    assert_true(asked(&rig->servers[0], 2, BASIC));
}

static void test_basic_with_wrong_password(void **state)
{
    struct rig *rig = *state;
    rig->logins[rig->login_count++] = login_for(rig->servers[0].name);
    add(&rig->servers[0], 401, "WWW-Authenticate: Basic realm=\"x\"", "{}");
    add(&rig->servers[0], 401, "WWW-Authenticate: Basic realm=\"x\"",
        "{\"errors\":[{\"message\":\"me:secret is wrong\"}]}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_UNAUTHENTICATED);
    assert_non_null(strstr(rig->err.text, rig->servers[0].name));
    assert_non_null(strstr(rig->err.text, "answered 401 (authentication required)"));
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 2);
}

static void test_basic_without_a_login(void **state)
{
    struct rig *rig = *state;
    add(&rig->servers[0], 401, "WWW-Authenticate: Basic realm=\"x\"", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_UNAUTHENTICATED);
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 1);
}

static void test_token_server_refuses(void **state)
{
    struct rig *rig = *state;
    struct sk_image_login login = login_for(rig->servers[0].name);
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add(&rig->servers[1], 401, "", "{\"details\":\"incorrect username or password\"}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, &login), SK_UNAUTHENTICATED);
    assert_non_null(strstr(rig->err.text, rig->servers[1].name));
    assert_non_null(strstr(rig->err.text, "401 (authentication required: incorrect username or password)"));
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 1);
    assert_int_equal(rig->servers[1].asked_len, 1);
}

static void test_token_server_is_tried_again(void **state)
{
    struct rig *rig = *state;
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add(&rig->servers[1], 503, "", "");
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add(&rig->servers[1], 200, "", TOKEN_1);
    add(&rig->servers[0], 200, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_int_equal(rig->retries, 1);
}

static void test_token_server_talks_nonsense(void **state)
{
    struct rig *rig = *state;
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add(&rig->servers[1], 200, "", "{\"token\":\"a\\r\\nb\"}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(rig->err.text, rig->servers[1].name));
}

static void test_token_server_has_no_end(void **state)
{
    struct rig *rig = *state;
    char page[1024];
    memset(page, ' ', sizeof(page));
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add_bytes(&rig->servers[1], page, sizeof(page), sk_strdup("HTTP/1.1 200 OK"))->end = REPLY_ENDLESS;
    rig_start(rig);
    assert_int_not_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_int_equal(rig->retries, 0);
}

/* Between manifest and blob the token ends. */
static void test_token_ends_midway(void **state)
{
    struct rig *rig = *state;
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add(&rig->servers[1], 200, "", TOKEN_1);
    add(&rig->servers[0], 200, "", "{}");
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add(&rig->servers[1], 200, "", TOKEN_2);
    add(&rig->servers[0], 200, "", "blob");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    assert_int_equal(get_blob(rig, 4, 0), SK_OK);
    assert_int_equal(rig->retries, 0);
    rig_stop(rig);
    assert_true(asked(&rig->servers[0], 2, "Authorization: Bearer first\r\n"));
    assert_true(asked(&rig->servers[0], 3, "Authorization: Bearer second\r\n"));
    assert_int_equal(rig->servers[1].asked_len, 2);
}

static void test_fresh_token_refused(void **state)
{
    struct rig *rig = *state;
    add_challenge(&rig->servers[0], &rig->servers[1]);
    add(&rig->servers[1], 200, "", TOKEN_1);
    add_challenge(&rig->servers[0], &rig->servers[1]);
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_UNAUTHENTICATED);
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 2);
    assert_int_equal(rig->servers[1].asked_len, 1);
}

/* The node's login goes to the registry, not to its mirror; the mirror's own does. */
static void test_mirror_gets_its_own_login(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *mirror = sk_printf("http://%s", rig->servers[2].name);
    rig->mirrors[0] = mirror;
    rig->logins[rig->login_count++] = login_for(rig->servers[0].name);
    rig->logins[rig->login_count++] = (struct sk_image_login){rig->servers[2].name, "mirror", "own"};
    add(&rig->servers[2], 401, "WWW-Authenticate: Basic realm=\"x\"", "{}");
    add(&rig->servers[2], 403, "", "{}");
    add(&rig->servers[0], 401, "WWW-Authenticate: Basic realm=\"x\"", "{}");
    add(&rig->servers[0], 200, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    rig_stop(rig);
    assert_true(asked(&rig->servers[2], 1, "Authorization: Basic bWlycm9yOm93bg==\r\n"));
    assert_true(asked(&rig->servers[0], 1, BASIC));
}

static void test_mirror_without_a_login(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *mirror = sk_printf("http://%s", rig->servers[2].name);
    rig->mirrors[0] = mirror;
    rig->logins[rig->login_count++] = login_for(rig->servers[0].name);
    add(&rig->servers[2], 401, "WWW-Authenticate: Basic realm=\"x\"", "{}");
    add(&rig->servers[0], 200, "", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_OK);
    rig_stop(rig);
    assert_int_equal(rig->servers[2].asked_len, 1);
}

/* A login that names another registry is sent nowhere, and the node's does not stand in for it. */
static void test_login_for_another_registry(void **state)
{
    struct rig *rig = *state;
    struct sk_image_login login = login_for("elsewhere.example");
    rig->logins[rig->login_count++] = login_for(rig->servers[0].name);
    add(&rig->servers[0], 401, "WWW-Authenticate: Basic realm=\"x\"", "{}");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, &login), SK_UNAUTHENTICATED);
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 1);
}

static void test_identity_token(void **state)
{
    struct rig *rig = *state;
    struct sk_image_login login = {rig->servers[0].name, "<token>", "secret"};
    add_challenge(&rig->servers[0], &rig->servers[1]);
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, &login), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(rig->err.text, "identity token"));
    rig_stop(rig);
    assert_int_equal(rig->servers[1].asked_len, 0);
}

/* A token server that the config does not name must be at a public address. */
static void test_token_server_within(void **state)
{
    struct rig *rig = *state;
    struct sk_image_login login = login_for(rig->servers[0].name);
    add_challenge(&rig->servers[0], &rig->servers[2]);
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, &login), SK_PERMISSION_DENIED);
    rig_stop(rig);
    assert_int_equal(rig->servers[2].asked_len, 0);
}

/* A password that would have come over https does not leave without. */
static void test_token_server_without_https(void **state)
{
    struct rig *rig = *state;
    struct tls tls;
    SK_AUTO_FREE char *head =
        sk_printf("401 X\\r\\nWWW-Authenticate: Bearer realm=\"http://%s/token\"", rig->servers[1].name);
    open_tls(&tls, rig, head);
    rig->logins[rig->login_count++] = login_for(rig->host.name);
    rig_start(rig);
    enum sk_code code = get_manifest(rig, NULL, NULL);
    rig_stop(rig);
    close_tls(&tls);
    assert_int_equal(code, SK_FAILED_PRECONDITION);
    assert_non_null(strstr(rig->err.text, "without https"));
    assert_int_equal(rig->servers[1].asked_len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_token_needed),
        TEST(test_anonymous_token),
        TEST(test_token_with_password),
        TEST(test_tokens_are_not_shared),
        TEST(test_basic),
        TEST(test_basic_with_wrong_password),
        TEST(test_basic_without_a_login),
        TEST(test_token_server_refuses),
        TEST(test_token_server_is_tried_again),
        TEST(test_token_server_talks_nonsense),
        TEST(test_token_server_has_no_end),
        TEST(test_token_ends_midway),
        TEST(test_fresh_token_refused),
        TEST(test_mirror_gets_its_own_login),
        TEST(test_mirror_without_a_login),
        TEST(test_login_for_another_registry),
        TEST(test_identity_token),
        TEST(test_token_server_within),
        TEST(test_token_server_without_https),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
