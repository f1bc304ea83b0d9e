#include "drivers/registry/challenge.h"

#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *text;
    struct sk_challenge is;
};

static void test_rows(void **state)
{
    static const struct row rows[] = {
        {"", {0}},
        {"Bearer "
         "realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a/"
         "b:pull\"",
         {true, false, "https://auth.docker.io/token", "registry.docker.io", "repository:a/b:pull"}},
        {"bEARER  Realm = \"https://r/t\" , SERVICE=s", {true, false, "https://r/t", "s", ""}},
        {"Basic realm=\"Registry\"", {false, true, "", "", ""}},
        {"basic", {false, true, "", "", ""}},
        {"Basic realm=\"x\", Bearer realm=\"https://r\",service=\"s\"", {true, true, "https://r", "s", ""}},
        {"Bearer realm=\"https://r\", Basic realm=\"x\"", {true, true, "https://r", "", ""}},
        /* Parameters of other schemes are not those of ours. */
        {"Bearer realm=\"https://r\", Digest realm=\"evil\", service=\"evil\"",
         {true, false, "https://r", "", ""}},
        {"Negotiate YWJj==, Bearer realm=\"https://r\"", {true, false, "https://r", "", ""}},
        {"Negotiate ab/c+d=, Bearer realm=\"https://r\"", {true, false, "https://r", "", ""}},
        /* The first Bearer challenge with a realm counts, and the first of each parameter. */
        {"Bearer realm=\"https://1\", Bearer realm=\"https://2\",service=\"2\"",
         {true, false, "https://1", "", ""}},
        {"Bearer service=\"1\", Bearer realm=\"https://2\"", {true, false, "https://2", "", ""}},
        {"Bearer realm=\"https://1\",realm=\"https://2\"", {true, false, "https://1", "", ""}},
        /* Quoted strings. */
        {"Bearer realm=\"https://r/\\\"q\\\\\"", {true, false, "https://r/\"q\\", "", ""}},
        {"Bearer realm=\"https://r\",scope=\"a, Basic realm=b\"",
         {true, false, "https://r", "", "a, Basic realm=b"}},
        {"Bearer error=\"in\\\"valid, x=\\\"\",realm=\"https://r\"", {true, false, "https://r", "", ""}},
        {"Bearer realm=\"https://r", {0}},
        {"Bearer realm=\"https://r\",scope=\"open", {true, false, "https://r", "", ""}},
        {"Bearer realm=\"a\nb\"", {0}},
        {"Bearer realm=\"a\xc3\xa9\"", {0}},
        {"Bearer realm=\"\"", {0}},
        {"Bearer realm=\"https://r\" trash, service=\"s\"", {true, false, "https://r", "s", ""}},
        /* Garbage. */
        {"=,\"\",;;, Basic", {false, true, "", "", ""}},
        {"realm=\"https://r\"", {0}},
        {"\"Bearer realm=x\"", {0}},
        {"Bearer", {0}},
        {"Bearer/1 realm=\"https://r\"", {0}},
        {",,, ,\t,", {0}},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        const struct row *row = &rows[i];
        struct sk_challenge found;
        sk_challenge_parse(row->text, &found);
        if (found.bearer != row->is.bearer || found.basic != row->is.basic)
            fail_msg("row %zu: bearer %d, basic %d", i, found.bearer, found.basic);
        assert_string_equal(found.realm, row->is.realm);
        assert_string_equal(found.service, row->is.service);
        assert_string_equal(found.scope, row->is.scope);
    }
}

/* What does not fit is not there: half a URL would be another one. */
static void test_long_values(void **state)
{
    char text[2048] = "Bearer service=\"s\",realm=\"", many[1200];
    struct sk_challenge found;
    (void)state;
    memset(many, 'a', sizeof(many));
    many[1023] = '\0';
    strcat(strcat(text, many), "\"");
    sk_challenge_parse(text, &found);
    assert_true(found.bearer);
    assert_int_equal(strlen(found.realm), 1023);
    strcpy(text, "Bearer service=\"s\",realm=\"a");
    strcat(strcat(text, many), "\", Basic");
    sk_challenge_parse(text, &found);
    assert_false(found.bearer);
    assert_true(found.basic);
    strcpy(text, "Bearer realm=\"r\",service=\"");
    strcat(strcat(text, many), "\"");
    sk_challenge_parse(text, &found);
    assert_true(found.bearer);
    assert_string_equal(found.service, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_long_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
