#include "cli/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

static void parsed(const char *text, int kind, const char *id, const char *path)
{
    struct sk_place place;
    struct sk_err err;

    assert_int_equal(sk_place_parse(text, &place, &err), SK_OK);
    assert_int_equal(place.kind, kind);
    assert_string_equal(place.id ? place.id : "", id);
    assert_string_equal(place.path, path);
    sk_place_fini(&place);
}

static void refused(const char *text, const char *part)
{
    struct sk_place place = {.path = "untouched"};
    struct sk_err err = {0};

    assert_int_equal(sk_place_parse(text, &place, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, part));
    assert_string_equal(place.path, "untouched");
}

static void test_places(void **state)
{
    (void)state;
    parsed("n-abc:/etc/passwd", SK_PLACE_SANDBOX, "n-abc", "/etc/passwd");
    parsed("n-abc:/", SK_PLACE_SANDBOX, "n-abc", "/");
    parsed("n-abc:/a:b", SK_PLACE_SANDBOX, "n-abc", "/a:b");
    parsed("file", SK_PLACE_HERE, "", "file");
    parsed("./a:/b", SK_PLACE_HERE, "", "./a:/b");
    parsed("/a:/b", SK_PLACE_HERE, "", "/a:/b");
    parsed("a/b:/c", SK_PLACE_HERE, "", "a/b:/c");
    parsed(".", SK_PLACE_HERE, "", ".");
    parsed("-", SK_PLACE_STDIO, "", "-");
    parsed("./-", SK_PLACE_HERE, "", "./-");
    refused("", "an empty path");
    refused(":/x", "which sandbox?");
    refused("n-abc:", "must begin with /");
    refused("n-abc:x", "must begin with /");
}

static void test_what_can_only_be_a_folder(void **state)
{
    static const char *const folders[] = {"/", "a/", "a/.", "a/..", ".", "..", "/."};
    static const char *const others[] = {"a", "/a", "a.", "a..", "...", "a/.b"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(folders); i++)
        assert_true(sk_path_is_folder(folders[i]));
    for (size_t i = 0; i < sk_array_len(others); i++)
        assert_false(sk_path_is_folder(others[i]));
}

static void lands(const char *target, bool is_folder, const char *source, const char *want)
{
    char *got = sk_path_landing(target, is_folder, source);
    assert_string_equal(got, want);
    free(got);
}

static void test_landing(void **state)
{
    (void)state;
    lands("/t", false, "a", "/t");
    lands("/t", true, "a", "/t/a");
    lands("/t/", true, "x/a", "/t/a");
    lands("/t", true, "x/a///", "/t/a");
    lands("/", true, "a", "/a");
    lands("/t", true, "x/.", "/t");
    lands("/t", true, "/", "/t");
    lands("/t", true, "..", "/t");
    lands("/t", true, "x/..", "/t");
    lands("/t", true, ".hidden", "/t/.hidden");
    lands("/t", true, "..x", "/t/..x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_what_can_only_be_a_folder),
        cmocka_unit_test(test_landing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
