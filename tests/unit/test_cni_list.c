#include "drivers/cni/list.h"

#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PLUGINS(items) "{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"plugins\":[" items "]}"

static void bad_lists_are_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "not JSON"},
        {"{", "not JSON"},
        {"[]", "must be an object"},
        {"{\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"a\"}]}", "name: "},
        {"{\"name\":\"net\",\"plugins\":[{\"type\":\"a\"}]}", "cniVersion: "},
        {"{\"cniVersion\":\"1.0.0\",\"name\":\"net\"}", "plugins: "},
        {PLUGINS(""), "plugins: "},
        {PLUGINS("1"), "plugins[0].type"},
        {PLUGINS("{}"), "plugins[0].type"},
        {PLUGINS("{\"type\":\"bridge\"},{\"type\":7}"), "plugins[1].type"},
        {PLUGINS("{\"type\":\"../bridge\"}"), "plugins[0].type"},
        {PLUGINS("{\"type\":\"..\"}"), "plugins[0].type"},
        {PLUGINS("{\"type\":\"\"}"), "plugins[0].type"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sk_cni_list *list = NULL;
        struct sk_err err = {0};
        assert_int_equal(sk_cni_list_read(cases[i].text, &list, &err), SK_INVALID_ARGUMENT);
        assert_null(list);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, err.text, cases[i].says);
    }
}

static void deep_ones_are_refused(void **state)
{
    char text[400];
    struct sk_cni_list *list = NULL;
    (void)state;
    memset(text, '[', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(sk_cni_list_read(text, &list, NULL), SK_INVALID_ARGUMENT);
}

static void brackets_in_texts_are_not_depth(void **state)
{
    struct sk_cni_list *list = NULL;
    (void)state;
    assert_int_equal(
        sk_cni_list_read(PLUGINS("{\"type\":\"a\",\"x\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"}"),
                         &list, NULL),
        SK_OK);
    sk_cni_list_free(list);
}

static void a_plugin_reads_its_part(void **state)
{
    struct sk_cni_list *list = NULL;
    SK_AUTO_FREE char *text = NULL;
    SK_AUTO_FREE char *with = NULL;
    (void)state;
    assert_int_equal(
        sk_cni_list_read(
            PLUGINS(
                "{\"type\":\"a\"},{\"name\":\"x\",\"type\":\"b\",\"n\":[1,2.5,true,null,{\"y\":\"z\\n\"}],"
                "\"prevResult\":7}"),
            &list, NULL),
        SK_OK);
    assert_int_equal(sk_cni_list_count(list), 2);
    assert_string_equal(sk_cni_list_type(list, 1), "b");
    assert_int_equal(sk_cni_list_request(list, 1, NULL, &text, NULL), SK_OK);
    assert_string_equal(text, "{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"type\":\"b\","
                              "\"n\":[1,2.5,true,null,{\"y\":\"z\\n\"}]}");
    assert_int_equal(sk_cni_list_request(list, 0, "{\"ips\":[]}", &with, NULL), SK_OK);
    assert_string_equal(
        with, "{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"type\":\"a\",\"prevResult\":{\"ips\":[]}}");
    sk_cni_list_free(list);
}

static void a_result_that_is_none_is_refused(void **state)
{
    struct sk_cni_list *list = NULL;
    char *text = NULL;
    (void)state;
    assert_int_equal(sk_cni_list_read(PLUGINS("{\"type\":\"a\"}"), &list, NULL), SK_OK);
    assert_int_equal(sk_cni_list_request(list, 0, "nonsense", &text, NULL), SK_INVALID_ARGUMENT);
    assert_null(text);
    sk_cni_list_free(list);
}

static void the_first_ipv4_address_counts(void **state)
{
    char text[SK_IP_TEXT_MAX];
    struct sk_cni_addresses given;
    (void)state;
    assert_int_equal(
        sk_cni_result_read("{\"ips\":[{\"address\":\"2001:db8::5/64\"},{\"address\":\"10.22.0.5/16\"},"
                           "{\"address\":\"10.22.0.6/16\"}]}",
                           &given, NULL),
        SK_OK);
    assert_int_equal(given.count, 3);
    sk_ip_print(&given.items[0], text);
    assert_string_equal(text, "10.22.0.5");
}

static void results_without_one_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "7",
        "{}",
        "{\"ips\":7}",
        "{\"ips\":[]}",
        "{\"ips\":[7]}",
        "{\"ips\":[{\"address\":7}]}",
        "{\"ips\":[{\"address\":\"2001:db8::5/64\"}]}",
        "{\"ips\":[{\"address\":\"10.22.0/16\"}]}",
        "{\"ips\":[{\"address\":\"10.22.0.5555555555555555555555555555555555555555\"}]}"};
    struct sk_cni_addresses given;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sk_cni_result_read(cases[i], &given, NULL), SK_INVALID_ARGUMENT);
}

static void a_failure_is_told_in_its_own_words(void **state)
{
    char words[160];
    (void)state;
    sk_cni_error_read("{\"code\":7,\"msg\":\"no addresses left\"}", words);
    assert_string_equal(words, "no addresses left");
    sk_cni_error_read("Segmentation fault", words);
    assert_string_equal(words, "");
    sk_cni_error_read("{\"msg\":{}}", words);
    assert_string_equal(words, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(deep_ones_are_refused),
        cmocka_unit_test(brackets_in_texts_are_not_depth),
        cmocka_unit_test(a_plugin_reads_its_part),
        cmocka_unit_test(a_result_that_is_none_is_refused),
        cmocka_unit_test(the_first_ipv4_address_counts),
        cmocka_unit_test(results_without_one_are_refused),
        cmocka_unit_test(a_failure_is_told_in_its_own_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
