#include "oci/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_full_forms(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"python", "docker.io/library/python:latest"},
        {"python:3.11", "docker.io/library/python:3.11"},
        {"docker.io/python:3.11", "docker.io/library/python:3.11"},
        {"index.docker.io/python", "docker.io/library/python:latest"},
        {"docker.io/library/python", "docker.io/library/python:latest"},
        {"user/app:v1", "docker.io/user/app:v1"},
        {"ghcr.io/a/b", "ghcr.io/a/b:latest"},
        {"localhost/app", "localhost/app:latest"},
        {"localhost:5000/app:1", "localhost:5000/app:1"},
        {"127.0.0.1:5000/library/python:3.11", "127.0.0.1:5000/library/python:3.11"},
        {"[::1]:5000/app", "[::1]:5000/app:latest"},
        {"Registry.Corp/app", "registry.corp/app:latest"},
        {"LOCALHOST/app", "localhost/app:latest"},
        {"Docker.IO/python", "docker.io/library/python:latest"},
        {"registry-1.docker.io/library/python:1", "docker.io/library/python:1"},
        {"docker.io:443/python", "docker.io/library/python:latest"},
        {"ghcr.io:443/a/b:1", "ghcr.io/a/b:1"},
        {"[::1]:443/app", "[::1]/app:latest"},
        {"localhost:443/app", "localhost/app:latest"},
        {"host:443/app", "host:443/app:latest"}, /* "host/app" would be Docker's */
        {"ghcr.io:4430/a", "ghcr.io:4430/a:latest"},
        {"python@sha256:" HEX64, "docker.io/library/python@sha256:" HEX64},
        {"ghcr.io/a/b:1@sha256:" HEX64, "ghcr.io/a/b:1@sha256:" HEX64},
        {"a__b/c-d---e/f.g_h", "docker.io/a__b/c-d---e/f.g_h:latest"},
        {"app:_Tag.1-x", "docker.io/library/app:_Tag.1-x"},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        char name[SK_REFERENCE_MAX];
        struct sk_err err = {0};
        assert_int_equal(sk_reference_normalise(rows[i].in, name, &err), SK_OK);
        assert_string_equal(name, rows[i].out);
        assert_int_equal(sk_reference_normalise(rows[i].out, name, &err), SK_OK);
        assert_string_equal(name, rows[i].out);
    }
}

static void test_faults(void **state)
{
    static const char *const rows[] = {
        "",
        " ",
        "Python",
        "python:",
        "python:a b",
        "python:-tag",
        "python@",
        "python@sha256:abc",
        ("python@sha256:" HEX64 "0"),
        ("python@md5:" HEX64),
        "/python",
        "python/",
        "a//b",
        "a..b",
        "a___b",
        "-a",
        "a-",
        ".a/b",
        "a:b:c",
        "ghcr.io/",
        "ghcr.io:/a",
        "ghcr.io:999999/a",
        "ghcr.io:65536/a",
        "ghcr.io:0443/a",
        "ghcr.io:0/a",
        ":443/a",
        "ghcr.io:443:443/a",
        "Registry/app",
        "Python:443",
        "a/B",
        "ghcr..io/a",
        "-ghcr.io/a",
        "ghcr.io:80x/a",
        "[::1/a",
        "[]:80/a",
        "[::g]/a",
        "python\n",
        "pyth\xc3\xb6n",
        "../etc",
        "a/../b",
        HEX64,
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        char name[SK_REFERENCE_MAX] = "untouched";
        struct sk_err err = {0};
        if (sk_reference_normalise(rows[i], name, &err) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\" was taken", rows[i]);
        assert_string_equal(name, "untouched");
    }
}

static void test_lengths(void **state)
{
    char text[1024], name[SK_REFERENCE_MAX];
    (void)state;
    for (size_t len = 1; len < sizeof(text); len++) {
        memset(text, 'a', len);
        text[len] = '\0';
        assert_int_equal(sk_reference_normalise(text, name, NULL) == SK_OK,
                         len <= 255 - strlen("docker.io/library/") && len != 64);
    }
    snprintf(text, sizeof(text), "a:%0128d", 1);
    assert_int_equal(sk_reference_normalise(text, name, NULL), SK_OK);
    snprintf(text, sizeof(text), "a:%0129d", 1);
    assert_int_equal(sk_reference_normalise(text, name, NULL), SK_INVALID_ARGUMENT);
}

static void test_parts(void **state)
{
    struct sk_reference r;
    (void)state;
    assert_int_equal(sk_reference_parse("Python:3", &r, NULL), SK_INVALID_ARGUMENT);
    assert_int_equal(sk_reference_parse("python:3", &r, NULL), SK_OK);
    assert_string_equal(r.registry, "docker.io");
    assert_string_equal(r.repository, "library/python");
    assert_string_equal(r.tag, "3");
    assert_string_equal(r.digest, "");
    assert_int_equal(sk_reference_parse("Registry.Corp:5000/a/b@sha256:" HEX64, &r, NULL), SK_OK);
    assert_string_equal(r.registry, "registry.corp:5000");
    assert_string_equal(r.repository, "a/b");
    assert_string_equal(r.tag, "");
    assert_string_equal(r.digest, "sha256:" HEX64);
}

static void test_docker_hub(void **state)
{
    (void)state;
    assert_true(sk_registry_is_docker_hub("docker.io"));
    assert_true(sk_registry_is_docker_hub("Index.docker.io"));
    assert_true(sk_registry_is_docker_hub("registry-1.docker.io"));
    assert_false(sk_registry_is_docker_hub(""));
    assert_false(sk_registry_is_docker_hub("docker.io.corp"));
}

/* Sentences are shown to people: whatever bytes were given. */
static void test_errors_are_printable(void **state)
{
    struct sk_err err = {0};
    char name[SK_REFERENCE_MAX];
    (void)state;
    assert_int_equal(sk_reference_normalise("a\x1b[31m\n\xff", name, &err), SK_INVALID_ARGUMENT);
    for (const char *c = err.text; *c; c++)
        assert_true((unsigned char)*c >= ' ' && (unsigned char)*c < 0x7f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_forms), cmocka_unit_test(test_faults),
        cmocka_unit_test(test_lengths),    cmocka_unit_test(test_parts),
        cmocka_unit_test(test_docker_hub), cmocka_unit_test(test_errors_are_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
