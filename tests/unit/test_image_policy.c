/* Which image names patterns match, and what allow and deny make of them. */
#include "core/image_policy.h"
#include "oci/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool matches(const char *pattern, const char *name)
{
    return sk_image_patterns_find(LIST(pattern), name) != NULL;
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } rows[] = {
        {"docker.io/library/python:3.11", "docker.io/library/python:3.11", true},
        {"docker.io/library/python:3.11", "docker.io/library/python:3.110", false},
        {"docker.io/library/python:3.11", "docker.io/library/python:3.1", false},
        {"docker.io/library/*", "docker.io/library/python:3.11", true},
        {"docker.io/library/*", "docker.io/libraries/python:3.11", false},
        {"docker.io/*", "docker.io/a/b/c:1", true},
        {"*", "anything:1", true},
        {"**", "anything:1", true},
        {"*:latest", "ghcr.io/a/b:latest", true},
        {"*:latest", "ghcr.io/latest/b:1", false},
        {"ghcr.io/*/tool:*", "ghcr.io/me/tool:1", true},
        {"ghcr.io/*/tool:*", "ghcr.io/me/tools:1", false},
        {"*ab*ab", "xababab", true},
        {"*ab*ab", "xab", false},
        {"", "a", false},
        {"*", "", true},
        {"a?c", "abc", false}, /* only the star is special */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(matches(rows[i].pattern, rows[i].name), rows[i].matches);
}

/* A pattern made to be slow is not. */
static void test_many_stars(void **state)
{
    char pattern[256], name[SK_REFERENCE_MAX];

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(pattern); i += 2)
        memcpy(pattern + i, "*a", 2);
    memcpy(pattern + sizeof(pattern) - 2, "b", 2);
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_false(matches(pattern, name));
}

static enum sk_code check(const char *const *allow, const char *const *deny, const char *name,
                          struct sk_err *err)
{
    *err = (struct sk_err){0};
    return sk_image_policy_check(allow, deny, name, err);
}

static void test_allow_and_deny(void **state)
{
    const char *const *none = LIST(NULL);
    struct sk_err err;

    (void)state;
    assert_int_equal(check(NULL, NULL, "docker.io/library/a:1", &err), SK_OK);
    assert_int_equal(check(none, none, "docker.io/library/a:1", &err), SK_OK);
    assert_int_equal(check(LIST("docker.io/*"), NULL, "docker.io/library/a:1", &err), SK_OK);
    assert_int_equal(check(LIST("ghcr.io/*", "docker.io/*"), NULL, "docker.io/library/a:1", &err), SK_OK);
    assert_int_equal(check(LIST("docker.io/*"), NULL, "ghcr.io/a/b:1", &err), SK_PERMISSION_DENIED);
    assert_string_equal(err.reason, SK_REASON_IMAGE);
    assert_non_null(strstr(err.text, "ghcr.io/a/b:1"));
    assert_non_null(strstr(err.text, "image_allow"));
}

static void test_a_deny_beats_an_allow(void **state)
{
    struct sk_err err;

    (void)state;
    assert_int_equal(check(LIST("*"), LIST("*/evil:*"), "docker.io/library/evil:1", &err),
                     SK_PERMISSION_DENIED);
    assert_string_equal(err.reason, SK_REASON_IMAGE);
    assert_non_null(strstr(err.text, "*/evil:*"));
    assert_int_equal(check(LIST("*"), LIST("*/evil:*"), "docker.io/library/good:1", &err), SK_OK);
}

static void test_a_deny_cannot_be_talked_around(void **state)
{
    static const char *const names[] = {
        "ghcr.io/a/evil:1",
        "GHCR.io/a/evil:1",
        "ghcr.io:443/a/evil:1",
        "GHCR.IO:443/a/evil:1",
        "ghcr.io/a/evil:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    };
    struct sk_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(check(NULL, LIST("ghcr.io/a/evil:1"), names[i], &err), SK_PERMISSION_DENIED);
    assert_int_equal(check(NULL, LIST("ghcr.io/a/evil:1"), "ghcr.io/a/evil:2", &err), SK_OK);
    assert_int_equal(check(NULL, LIST("ghcr.io/a/evil:1"), "ghcr.io:444/a/evil:1", &err), SK_OK);
    /* An allow means what it says: the same registry in other words is not named. */
    assert_int_equal(check(LIST("ghcr.io/*"), NULL, "GHCR.io/a/b:1", &err), SK_PERMISSION_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_many_stars),
        cmocka_unit_test(test_allow_and_deny),
        cmocka_unit_test(test_a_deny_beats_an_allow),
        cmocka_unit_test(test_a_deny_cannot_be_talked_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
