/* Files as `docker login` and its kin write them. */
#include "config/logins.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct sk_logins logins;
    struct sk_faults faults, warnings;
};

static void reset(struct fixture *f)
{
    sk_logins_fini(&f->logins);
    sk_faults_fini(&f->faults);
    sk_faults_fini(&f->warnings);
    sk_faults_init(&f->faults, "c");
    sk_faults_init(&f->warnings, "c");
}

static int set_up(void **state)
{
    struct fixture *f = sk_alloc(sizeof(*f));

    reset(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    sk_logins_fini(&f->logins);
    sk_faults_fini(&f->faults);
    sk_faults_fini(&f->warnings);
    free(f);
    return 0;
}

static bool parse(struct fixture *f, const char *text)
{
    reset(f);
    return sk_logins_parse(&f->logins, text, strlen(text), &f->faults, &f->warnings);
}

static const char *said(const struct sk_faults *faults)
{
    return faults->count ? (const char *)faults->text.data : "";
}

static void takes_what_docker_writes(void **state)
{
    struct fixture *f = *state;
    const struct sk_login *l;

    assert_true(
        parse(f, "{\"auths\": {"
                 "\"https://index.docker.io/v1/\": {\"auth\": \"bWU6cGFzczp3b3Jk\"},"
                 "\"ghcr.io\": {\"username\": \"you\", \"password\": \"secret\"},"
                 "\"http://Registry.Corp:5000\": {\"auth\": \"\", \"identitytoken\": \"tok\"},"
                 "\"quay.io:443/v2/\": {\"auth\": \"bWU6eA==\", \"email\": \"me@x\"}},"
                 "\"HttpHeaders\": {\"User-Agent\": \"Docker-Client/20\"}, \"detachKeys\": \"ctrl-x\"}"));
    assert_int_equal(f->warnings.count, 0);
    assert_int_equal(f->logins.len, 4);
    l = f->logins.items;
    assert_string_equal(l[0].registry, "docker.io");
    assert_string_equal(l[0].username, "me");
    assert_string_equal(l[0].password, "pass:word");
    assert_string_equal(l[1].registry, "ghcr.io");
    assert_string_equal(l[1].username, "you");
    assert_string_equal(l[1].password, "secret");
    assert_string_equal(l[2].registry, "registry.corp:5000");
    assert_string_equal(l[2].username, SK_LOGIN_TOKEN);
    assert_string_equal(l[2].password, "tok");
    assert_string_equal(l[3].registry, "quay.io");
}

static void knows_spellings_of_the_hub(void **state)
{
    static const char *const keys[] = {
        "docker.io",
        "index.docker.io",
        "https://index.docker.io/v1/",
        "https://registry-1.docker.io/v2/",
        "Docker.IO",
        "https://docker.io:443",
    };
    struct fixture *f = *state;
    char text[256];

    for (size_t i = 0; i < sk_array_len(keys); i++) {
        (void)snprintf(text, sizeof(text), "{\"auths\": {\"%s\": {\"auth\": \"bWU6eA==\"}}}", keys[i]);
        assert_true(parse(f, text));
        assert_int_equal(f->logins.len, 1);
        assert_string_equal(f->logins.items[0].registry, "docker.io");
    }
}

static void says_what_is_left_out(void **state)
{
    struct fixture *f = *state;

    assert_true(parse(f, "{\"credsStore\": \"desktop\",\n\"credHelpers\": {\"gcr.io\": \"gcloud\"},\n"
                         "\"auths\": {\"ghcr.io\": {},\n"
                         "\"https://index.docker.io/v1/access-token\": {\"auth\": \"bWU6eA==\"},\n"
                         "\"docker.io\": {\"auth\": \"bWU6Zmlyc3Q=\"},\n"
                         "\"index.docker.io\": {\"auth\": \"bWU6c2Vjb25k\"}}}"));
    assert_int_equal(f->logins.len, 1);
    assert_string_equal(f->logins.items[0].password, "first");
    assert_string_equal(
        said(&f->warnings),
        "c:1: credsStore: names programs that keep logins; they are not run, so what they know is left out\n"
        "c:2: credHelpers: names programs that keep logins; they are not run, so what they know is left out\n"
        "c:3: auths.\"ghcr.io\": has no login of its own and is left out\n"
        "c:4: auths.\"https://index.docker.io/v1/access-token\": names no whole registry and is left out\n"
        "c:6: auths.\"index.docker.io\": means docker.io, which has a login above, and is left out\n");
}

static void refuses_damage_without_showing_it(void **state)
{
    static const char *const rows[] = {
        "{\"auths\": {\"a.b\": {\"auth\": \"hunter2\"}}}",
        "{\"auths\": {\"a.b\": {\"auth\": \"aHVudGVyMg==\"}}}",     /* no colon */
        "{\"auths\": {\"a.b\": {\"auth\": \"Omh1bnRlcjI=\"}}}",     /* no user */
        "{\"auths\": {\"a.b\": {\"auth\": \"bWU6\"}}}",             /* no password */
        "{\"auths\": {\"a.b\": {\"auth\": \"bWU6aHVudGVyMgA=\"}}}", /* a NUL */
        "{\"auths\": {\"a.b\": {\"username\": \"a:b\", \"password\": \"hunter2\"}}}",
        "{\"auths\": {\"a.b\": {\"password\": \"hunter2\"}}}",
        "{\"auths\": {\"a.b\": {\"username\": \"a\", \"password\": [\"hunter2\"]}}}",
        "{\"auths\": {\"a.b\": \"hunter2\"}}",
        "{\"auths\": [\"hunter2\"]}",
        "{\"auths\": {}, \"auths\": {\"a.b\": {\"auth\": \"hunter2\"}}}",
        "{\"auths\": {\"a.b\": {\"auth\": \"hunter2",
        "[\"hunter2\"]",
        "hunter2",
        "",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(rows); i++) {
        if (parse(f, rows[i]))
            fail_msg("taken: %s", rows[i]);
        assert_true(f->faults.count > 0);
        assert_int_equal(f->logins.len, 0);
        if (strstr(said(&f->faults), "hunter2") || strstr(said(&f->warnings), "hunter2"))
            fail_msg("shown: %s", said(&f->faults));
    }
}

static void reads_private_files_alone(void **state)
{
    static const char text[] = "{\"auths\": {\"a.b\": {\"auth\": \"bWU6eA==\"}}}";
    struct fixture *f = *state;
    struct sk_err err = {0};
    char path[] = "/tmp/sk-logins.XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    assert_int_equal(fchmod(fd, 0644), 0);
    enum sk_code open_one = sk_logins_load(&f->logins, path, &f->faults, &f->warnings, &err);
    assert_int_equal(fchmod(fd, 0600), 0);
    enum sk_code private_one = sk_logins_load(&f->logins, path, &f->faults, &f->warnings, NULL);
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(open_one, SK_PERMISSION_DENIED);
    assert_non_null(strstr(err.text, "give it mode 0600"));
    assert_int_equal(private_one, SK_OK);
    assert_int_equal(f->logins.len, 1);
    sk_logins_fini(&f->logins);
    assert_int_equal(sk_logins_load(&f->logins, path, &f->faults, &f->warnings, &err), SK_NOT_FOUND);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(takes_what_docker_writes),  TEST(knows_spellings_of_the_hub),
        TEST(says_what_is_left_out),     TEST(refuses_damage_without_showing_it),
        TEST(reads_private_files_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
