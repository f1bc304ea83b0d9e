#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_make(void **state)
{
    (void)state;
    struct sk_id id = sk_id_make("n1");
    assert_int_equal(strlen(id.text), 3 + SK_ID_RANDOM_LEN);
    assert_memory_equal(id.text, "n1-", 3);
    assert_true(sk_id_is_valid(id.text));
    struct sk_id longest = sk_id_make("abcdefghij12");
    assert_int_equal(strlen(longest.text), SK_ID_MAX);
    assert_true(sk_id_is_valid(longest.text));
}

/* Every bit of the 128 is used: over many ids each digit takes all its values;
 * the last holds 3 bits only. */
static void test_all_bits_vary(void **state)
{
    (void)state;
    uint8_t seen[SK_ID_RANDOM_LEN][128] = {{0}};
    for (int i = 0; i < 4000; i++) {
        struct sk_id id = sk_id_make("n");
        for (size_t at = 0; at < SK_ID_RANDOM_LEN; at++)
            seen[at][(uint8_t)id.text[2 + at]] = 1;
    }
    for (size_t at = 0; at < SK_ID_RANDOM_LEN; at++) {
        int values = 0;
        for (size_t c = 0; c < 128; c++)
            values += seen[at][c];
        assert_int_equal(values, at == SK_ID_RANDOM_LEN - 1 ? 8 : 32);
    }
}

static void test_node(void **state)
{
    (void)state;
    assert_true(sk_id_node_is_valid("a"));
    assert_true(sk_id_node_is_valid("0"));
    assert_true(sk_id_node_is_valid("abcdefghij12"));
    const char *const bad[] = {"", "abcdefghij123", "A", "a-b", "a b", "\xc3\xbc", "a.b", "a\n"};
    for (size_t i = 0; i < sk_array_len(bad); i++)
        assert_false(sk_id_node_is_valid(bad[i]));
}

static void test_shape(void **state)
{
    (void)state;
    assert_true(sk_id_is_valid("n1-abcdefghijklmnopqrstuvwxyz"));
    const char *const bad[] = {
        "",
        "-",
        "n1",
        "n1-",
        "-abcdefghijklmnopqrstuvwxyz",
        "n1-abcdefghijklmnopqrstuvwxy",
        "n1-abcdefghijklmnopqrstuvwxyzz",
        "n1-abcdefghijklmnopqrstuvwxy1",
        "n1-Abcdefghijklmnopqrstuvwxyz",
        "n1-abcdefghijklmnopqrstuvwxyz\n",
        "n1_abcdefghijklmnopqrstuvwxyz",
        "../abcdefghijklmnopqrstuvwxyz",
        "abcdefghij123-abcdefghijklmnopqrstuvwxyz",
    };
    for (size_t i = 0; i < sk_array_len(bad); i++)
        assert_false(sk_id_is_valid(bad[i]));
}

/* Neither kind can be taken for the other. */
static void test_sessions(void **state)
{
    (void)state;
    struct sk_id session = sk_id_make_session("abcdefghij12"), sandbox = sk_id_make("abcdefghij12");
    assert_int_equal(strlen(session.text), SK_ID_MAX);
    assert_memory_equal(session.text, "abcdefghij12-s-", 15);
    assert_true(sk_id_is_session(session.text));
    assert_false(sk_id_is_valid(session.text));
    assert_false(sk_id_is_session(sandbox.text));
    assert_false(sk_id_is_session("s-aaaaaaaaaaaaaaaaaaaaaaaa"));
    assert_false(sk_id_is_session("n-s-aaaaaaaaaaaaaaaaaaaaaaa"));
    assert_false(sk_id_is_session("n-s-aaaaaaaaaaaaaaaaaaaaaaaaa"));
    assert_true(sk_id_is_session("n-s-aaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make),  cmocka_unit_test(test_all_bits_vary), cmocka_unit_test(test_node),
        cmocka_unit_test(test_shape), cmocka_unit_test(test_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
