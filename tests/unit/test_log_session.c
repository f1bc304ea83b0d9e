/* Ids of log sessions: what was printed is read back, everything else is refused. */
#include "core/log_session.h"

#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct sk_log_session samples[] = {
    {0, false, true, 0},
    {1, true, false, 1},
    {UINT64_MAX, true, true, UINT64_MAX},
    {0x0123456789abcdef, false, false, 0xfedcba9876543210},
};

static void read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        char text[SK_LOG_SESSION_LEN + 1];
        struct sk_log_session got = {0};
        sk_log_session_print(&samples[i], "n1-abc", text);
        assert_int_equal(strlen(text), SK_LOG_SESSION_LEN);
        assert_true(sk_log_session_parse(text, "n1-abc", &got));
        assert_int_equal(got.start, samples[i].start);
        assert_int_equal(got.nonce, samples[i].nonce);
        assert_int_equal(got.timestamps, samples[i].timestamps);
        assert_int_equal(got.whole, samples[i].whole);
    }
}

static void no_byte_may_change(void **state)
{
    char text[SK_LOG_SESSION_LEN + 1];
    struct sk_log_session got = {.start = 7};

    (void)state;
    sk_log_session_print(&samples[3], "n1-abc", text);
    for (size_t i = 0; i < SK_LOG_SESSION_LEN; i++) {
        char right = text[i];
        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            if ((char)c != right && sk_log_session_parse(text, "n1-abc", &got))
                fail_msg("byte %zu as %d", i, c);
        }
        text[i] = right;
    }
    assert_int_equal(got.start, 7);
}

static void belongs_to_its_sandbox(void **state)
{
    char text[SK_LOG_SESSION_LEN + 1];
    struct sk_log_session got;

    (void)state;
    sk_log_session_print(&samples[0], "n1-abc", text);
    assert_false(sk_log_session_parse(text, "n1-abd", &got));
    assert_false(sk_log_session_parse(text, "", &got));
}

static void other_texts(void **state)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "x",
                                      "../../etc/passwd",
                                      "0000000000000000",
                                      "00000000000000000000000000000000000000000000000000000000000000000000"};
    char text[SK_LOG_SESSION_LEN + 2];
    struct sk_log_session got;

    (void)state;
    for (size_t i = 0; i < sk_array_len(bad); i++)
        assert_false(sk_log_session_parse(bad[i], "n1-abc", &got));
    sk_log_session_print(&samples[0], "n1-abc", text);
    text[SK_LOG_SESSION_LEN] = '0';
    text[SK_LOG_SESSION_LEN + 1] = '\0';
    assert_false(sk_log_session_parse(text, "n1-abc", &got));
    text[SK_LOG_SESSION_LEN - 1] = '\0';
    assert_false(sk_log_session_parse(text, "n1-abc", &got));
}

static void the_marker_follows_from_the_session(void **state)
{
    char line[SK_LOG_MARKER_MAX];
    struct sk_log_session session = {.start = UINT64_MAX, .whole = true};

    (void)state;
    size_t len = sk_log_session_marker(&session, line);
    assert_int_equal(len, strlen(line));
    assert_string_equal(line, "[sandkeep: 18446744073709551615 bytes of older output were dropped]\n");
    session.start = 0;
    assert_int_equal(sk_log_session_marker(&session, line), 0);
    session = (struct sk_log_session){.start = 9};
    assert_int_equal(sk_log_session_marker(&session, line), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_back),
        cmocka_unit_test(no_byte_may_change),
        cmocka_unit_test(belongs_to_its_sandbox),
        cmocka_unit_test(other_texts),
        cmocka_unit_test(the_marker_follows_from_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
