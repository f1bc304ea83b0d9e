/* The node's secrets: found by store, path and field, and never shown. */
#include "config/secrets.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char file[] =
    "// what the node knows\n"
    "{\"corp\": {"
    "\"plain\": {\"username\": \"robot\", \"password\": \"hunter2\"},"
    "\"nested\": {\"pull\": {\"username\": \"n\", \"password\": \"p\"}, \"text\": \"hunter2\","
    "             \"json\": \"{\\\"username\\\": \\\"j\\\", \\\"password\\\": \\\"q\\\"}\"},"
    "\"text\": \"{\\\"username\\\": \\\"t\\\", \\\"password\\\": \\\"r\\\"}\","
    "\"half\": {\"username\": \"u\"}, \"empty\": {\"username\": \"u\", \"password\": \"\"},"
    "\"colon\": {\"username\": \"a:b\", \"password\": \"hunter2\"},"
    "\"token\": \"hunter2\", \"list\": \"[1]\"},"
    "\"tied\": {"
    "\"hub\": {\"username\": \"h\", \"password\": \"hunter2\", \"registry\": "
    "\"https://index.docker.io/v1/\"},"
    "\"blue\": {\"username\": \"b\", \"password\": \"hunter2\", \"registry\": \"ghcr.io\", \"tenant\": "
    "\"blue\"},"
    "\"nowhere\": {\"username\": \"b\", \"password\": \"hunter2\", \"tenant\": \"blue\"},"
    "\"blank\": {\"username\": \"b\", \"password\": \"hunter2\", \"registry\": \"\"},"
    "\"whole\": {\"registry\": \"ghcr.io\", \"tenant\": \"blue\","
    "            \"pull\": {\"username\": \"w\", \"password\": \"hunter2\"}},"
    "\"parts\": {\"blue\": {\"username\": \"p\", \"password\": \"hunter2\", \"registry\": \"ghcr.io\","
    "                     \"tenant\": \"blue\"}},"
    "\"text\": \"{\\\"username\\\": \\\"t\\\", \\\"password\\\": \\\"hunter2\\\", \\\"registry\\\":"
    " \\\"ghcr.io\\\", \\\"tenant\\\": \\\"blue\\\"}\","
    "\"field\": {\"registry\": {\"username\": \"f\", \"password\": \"hunter2\"}}},"
    "\"other\": {}}";

struct fixture {
    struct sk_secrets secrets;
    struct sk_faults faults;
    struct sk_arena arena;
    struct sk_secret_login login;
    struct sk_err err;
};

static int set_up(void **state)
{
    struct fixture *f = sk_alloc(sizeof(*f));

    sk_faults_init(&f->faults, "s");
    *state = f;
    return sk_secrets_parse(&f->secrets, file, sizeof(file) - 1, &f->faults) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    sk_secrets_fini(&f->secrets);
    sk_secrets_fini(&f->secrets);
    sk_faults_fini(&f->faults);
    sk_arena_fini(&f->arena);
    free(f);
    return 0;
}

static enum sk_code find_for(struct fixture *f, const struct sk_secret_ask *ask)
{
    f->err = (struct sk_err){0};
    f->login = (struct sk_secret_login){0};
    return sk_secrets_find_login(&f->secrets, ask, &f->arena, &f->login, &f->err);
}

static enum sk_code find(struct fixture *f, const char *store, const char *path, const char *field)
{
    return find_for(f, &(struct sk_secret_ask){store, path, field, "registry.test", "default"});
}

static void finds_logins(void **state)
{
    static const struct {
        const char *path, *field, *username, *password;
    } rows[] = {
        {"plain", "", "robot", "hunter2"}, {"plain", NULL, "robot", "hunter2"},
        {"nested", "pull", "n", "p"},      {"nested", "json", "j", "q"},
        {"text", NULL, "t", "r"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(rows); i++) {
        assert_int_equal(find(f, "corp", rows[i].path, rows[i].field), SK_OK);
        assert_string_equal(f->login.username, rows[i].username);
        assert_string_equal(f->login.password, rows[i].password);
    }
    find(f, "corp", "plain", "");
    sk_secrets_fini(&f->secrets); /* what was found stays */
    assert_string_equal(f->login.password, "hunter2");
}

static void refuses_what_is_no_login(void **state)
{
    static const struct {
        const char *store, *path, *field;
    } rows[] = {
        {"corp", "nothing", ""},   {"other", "plain", ""},       {"corp", "plain", "pull"},
        {"corp", "nested", ""},    {"corp", "nested", "text"},   {"corp", "half", ""},
        {"corp", "empty", ""},     {"corp", "colon", ""},        {"corp", "token", ""},
        {"corp", "token", "user"}, {"corp", "list", ""},         {"corp", "plain", "username"},
        {"corp", "", ""},          {"corp", "text", "password"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(rows); i++) {
        if (find(f, rows[i].store, rows[i].path, rows[i].field) != SK_FAILED_PRECONDITION)
            fail_msg("%s %s %s", rows[i].store, rows[i].path, rows[i].field);
        assert_null(f->err.reason);
        assert_null(strstr(f->err.text, "hunter2"));
        assert_null(f->login.username);
    }
}

static void names_stores_that_are_not_there(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(find(f, "wandb", "plain", ""), SK_FAILED_PRECONDITION);
    assert_string_equal(f->err.reason, "SECRET_STORE_NOT_PROVISIONED");
    assert_non_null(strstr(f->err.text, "wandb"));
    const struct sk_secret_ask ask = {"wandb", "x", "", "registry.test", "default"};
    assert_int_equal(sk_secrets_find_login(&f->secrets, &ask, &f->arena, &f->login, NULL),
                     SK_FAILED_PRECONDITION);
    sk_secrets_fini(&f->secrets);
    assert_int_equal(find(f, "corp", "plain", ""), SK_FAILED_PRECONDITION);
    assert_string_equal(f->err.reason, "SECRET_STORE_NOT_PROVISIONED");
}

/* Whoever asks chooses the registry: the secret says where it may go, and for whom. */
static void goes_where_it_says_and_nowhere_else(void **state)
{
    static const struct {
        struct sk_secret_ask ask;
        const char *says; /* NULL: it is found */
    } rows[] = {
        {{"tied", "hub", "", "docker.io", "blue"}, NULL},
        {{"tied", "hub", "", "docker.io", "default"}, NULL},
        {{"tied", "hub", "", "evil.example", "blue"}, "is not for the registry evil.example"},
        {{"tied", "hub", "", "evil.example", "default"}, "is not for the registry evil.example"},
        {{"tied", "blue", "", "ghcr.io", "blue"}, NULL},
        {{"tied", "blue", "", "GHCR.io", "blue"}, NULL},
        {{"tied", "blue", "", "ghcr.io:5000", "blue"}, "is not for the registry"},
        {{"tied", "whole", "pull", "ghcr.io", "blue"}, NULL},
        {{"tied", "whole", "pull", "evil.example", "blue"}, "is not for the registry"},
        {{"tied", "parts", "blue", "ghcr.io", "blue"}, NULL},
        {{"tied", "parts", "blue", "evil.example", "blue"}, "is not for the registry"},
        {{"tied", "text", "", "ghcr.io", "blue"}, NULL},
        {{"tied", "text", "", "evil.example", "blue"}, "is not for the registry"},
        {{"tied", "blank", "", "", "default"}, "is not for the registry"},
        {{"tied", "nowhere", "", "ghcr.io", "blue"}, "must name its registry"},
        {{"tied", "field", "registry", "ghcr.io", "default"}, NULL},
        {{"tied", "field", "registry", "ghcr.io", "blue"}, "must name its registry"},
        {{"corp", "plain", "", "ghcr.io", "default"}, NULL},
        {{"corp", "plain", "", "ghcr.io", "blue"}, "must name its registry"},
        {{"corp", "nested", "pull", "ghcr.io", "blue"}, "must name its registry"},
        {{"corp", "text", "", "ghcr.io", "blue"}, "must name its registry"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(rows); i++) {
        enum sk_code code = find_for(f, &rows[i].ask);
        if (code != (rows[i].says ? SK_FAILED_PRECONDITION : SK_OK) ||
            (rows[i].says && !strstr(f->err.text, rows[i].says)))
            fail_msg("%zu: %s", i, f->err.text);
        assert_int_equal(f->login.username != NULL, rows[i].says == NULL);
        assert_null(strstr(f->err.text, "hunter2"));
    }
}

/* In the very words of what is not there. */
static void what_is_another_tenants_is_not_there(void **state)
{
    static const struct {
        const char *path, *field, *says;
    } rows[] = {
        {"blue", "", "there is no secret \"blue\" in the secret store \"tied\""},
        {"nowhere", "", "there is no secret \"nowhere\" in the secret store \"tied\""},
        {"whole", "pull", "there is no secret \"whole\" in the secret store \"tied\""},
        {"text", "", "there is no secret \"text\" in the secret store \"tied\""},
        {"parts", "blue", "the secret \"parts\" of the secret store \"tied\" has no field \"blue\""},
        {"none", "", "there is no secret \"none\" in the secret store \"tied\""},
        {"parts", "none", "the secret \"parts\" of the secret store \"tied\" has no field \"none\""},
    };
    static const char *const tenants[] = {"red", "default", ""};
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(rows) * sk_array_len(tenants); i++) {
        size_t row = i / sk_array_len(tenants);
        const struct sk_secret_ask ask = {"tied", rows[row].path, rows[row].field, "ghcr.io",
                                          tenants[i % sk_array_len(tenants)]};
        assert_int_equal(find_for(f, &ask), SK_FAILED_PRECONDITION);
        assert_string_equal(f->err.text, rows[row].says);
        assert_null(f->login.username);
    }
}

static void tells_every_fault_without_a_value(void **state)
{
    static const char text[] = "{\"a\": \"hunter2\",\n\"b\": {\"p\": [\"hunter2\"], \"q\": {\"f\": 7}},\n"
                               "\"c\": {\"p\": \"hunter2\", \"p\": \"hunter2\"}, \"b\": {}}";
    struct fixture *f = *state;

    sk_secrets_fini(&f->secrets);
    assert_false(sk_secrets_parse(&f->secrets, text, sizeof(text) - 1, &f->faults));
    assert_string_equal((const char *)f->faults.text.data,
                        "s:1: \"a\": is a string, give an object in { }\n"
                        "s:2: \"b\".\"p\": is a list, give a string or an object in { }\n"
                        "s:2: \"b\".\"q\".\"f\": is a number, give a string or an object in { }\n"
                        "s:3: \"c\".\"p\": stands there already, give it once\n"
                        "s:3: \"b\": stands there already, give it once\n");
    assert_null(f->secrets.root);
    assert_false(sk_secrets_parse(&f->secrets, "[]", 2, &f->faults));
    assert_false(sk_secrets_parse(&f->secrets, "{\"a\": {\"b\": \"hunter2", 21, &f->faults));
    assert_null(strstr((const char *)f->faults.text.data, "hunter2"));
}

static void reads_private_files_alone(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/sk-secrets.XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    sk_secrets_fini(&f->secrets);
    assert_int_equal(write(fd, file, sizeof(file) - 1), sizeof(file) - 1);
    assert_int_equal(fchmod(fd, 0640), 0);
    enum sk_code open_one = sk_secrets_load(&f->secrets, path, &f->faults, &f->err);
    assert_int_equal(fchmod(fd, 0600), 0);
    enum sk_code private_one = sk_secrets_load(&f->secrets, path, &f->faults, NULL);
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(open_one, SK_PERMISSION_DENIED);
    assert_int_equal(private_one, SK_OK);
    assert_int_equal(find(f, "corp", "plain", ""), SK_OK);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(finds_logins),
        TEST(refuses_what_is_no_login),
        TEST(names_stores_that_are_not_there),
        TEST(goes_where_it_says_and_nowhere_else),
        TEST(what_is_another_tenants_is_not_there),
        TEST(tells_every_fault_without_a_value),
        TEST(reads_private_files_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
