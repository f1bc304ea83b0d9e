#include "base/log.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 64 * 1024 };

struct sink {
    char last[LONGEST + 1];
    size_t lines;
};

static void record(void *arg, const char *line, size_t len)
{
    struct sink *sink = arg;
    assert_true(len > 0 && len <= LONGEST);
    assert_int_equal(line[len - 1], '\n');
    assert_null(memchr(line, '\n', len - 1)); /* one line is one line, whatever it says */
    memcpy(sink->last, line, len + 1);
    sink->lines++;
}

static struct sk_log make_log(struct sink *sink, enum sk_level level)
{
    sink->lines = 0;
    return (struct sk_log){.level = level, .sink = record, .arg = sink};
}

/* What follows the time and level, which differ from run to run. */
static const char *tail(const struct sink *sink)
{
    const char *at = strstr(sink->last, "\"event\"");
    assert_non_null(at);
    return at;
}

static void test_head(void **state)
{
    (void)state;
    struct sink sink;
    struct sk_log log = make_log(&sink, SK_DEBUG);
    int year, month, day, hour, minute, second, used = 0;
    unsigned micros;
    sk_log(&log, SK_INFO, "daemon.started");
    assert_int_equal(sscanf(sink.last, "{\"time\":\"%4d-%2d-%2dT%2d:%2d:%2d.%6uZ\",%n", &year, &month, &day,
                            &hour, &minute, &second, &micros, &used),
                     7);
    assert_int_equal(used, strlen("{\"time\":\"2025-01-01T00:00:00.000000Z\","));
    assert_true(year >= 2025 && month >= 1 && month <= 12 && day >= 1 && day <= 31);
    assert_string_equal(sink.last + used, "\"level\":\"info\",\"event\":\"daemon.started\"}\n");
}

static void test_kinds(void **state)
{
    (void)state;
    struct sink sink;
    struct sk_log log = make_log(&sink, SK_DEBUG);
    sk_log(&log, SK_WARN, "e", SK_STR("s", "v"), SK_STR("none", NULL), SK_INT("i", INT64_MIN),
           SK_MS("took", SK_NS(12345678)), SK_MS("less", SK_NS(-1500)), SK_BOOL("yes", 1), SK_BOOL("no", 0));
    assert_string_equal(tail(&sink), "\"event\":\"e\",\"s\":\"v\",\"none\":null,\"i\":-9223372036854775808,"
                                     "\"took_ms\":12.345,\"less_ms\":-0.001,\"yes\":true,\"no\":false}\n");
}

static void test_escapes(void **state)
{
    (void)state;
    struct sink sink;
    struct sk_log log = make_log(&sink, SK_DEBUG);
    sk_log(&log, SK_INFO, "e", SK_STR("s", "\"\\\n\t\x01\x7f/\xc3\xbc\xff\xe2\x82"));
    assert_string_equal(tail(&sink), "\"event\":\"e\",\"s\":\"\\\"\\\\\\n\\u0009\\u0001\\u007f/\xc3\xbc"
                                     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}\n");
}

static void test_parents_first(void **state)
{
    (void)state;
    struct sink sink;
    struct sk_log root = make_log(&sink, SK_INFO);
    struct sk_log sandbox = {.parent = &root, .fields = {SK_STR("sandbox", "sb-7")}};
    struct sk_log request = {.parent = &sandbox, .fields = {SK_INT("request", 1), SK_STR("rpc", "Exec")}};
    sk_log(&request, SK_INFO, "e", SK_INT("own", 2));
    assert_string_equal(tail(&sink),
                        "\"event\":\"e\",\"sandbox\":\"sb-7\",\"request\":1,\"rpc\":\"Exec\",\"own\":2}\n");
    sk_log(&request, SK_DEBUG, "e");
    assert_int_equal(sink.lines, 1); /* the root's level counts */
    sk_log(NULL, SK_ERROR, "e");
    assert_int_equal(sink.lines, 1);
}

static void test_error(void **state)
{
    (void)state;
    struct sink sink;
    struct sk_log log = make_log(&sink, SK_DEBUG);
    struct sk_err err;
    (void)!sk_fail_sys(&err, SK_NOT_FOUND, ENOENT, "open it");
    (void)!sk_err_reason(&err, "NO_IT");
    sk_log_err(&log, SK_ERROR, "failed", &err, SK_INT("n", 1));
    assert_string_equal(tail(&sink),
                        "\"event\":\"failed\",\"n\":1,\"code\":\"not_found\",\"error\":\"open it: No "
                        "such file or directory\",\"where\":\"test_error\",\"reason\":\"NO_IT\","
                        "\"errno\":2}\n");
    sk_log_err(&log, SK_INFO, "fine", NULL);
    assert_string_equal(tail(&sink), "\"event\":\"fine\"}\n");
}

/* Values are cut at 4 KiB, fields are dropped at 64 KiB, and the line is whole in any case. */
static void test_long(void **state)
{
    (void)state;
    struct sink sink;
    struct sk_log log = make_log(&sink, SK_DEBUG);
    static char text[100000];
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text + 4095, "\xc3\xbc", 2); /* astride the cut */
    sk_log(&log, SK_INFO, "e", SK_STR("s", text), SK_INT("after", 1));
    assert_true(strlen(sink.last) < 4400);
    assert_non_null(strstr(sink.last, "xx\xc3\xbc\xe2\x80\xa6\",\"after\":1}\n"));
    assert_true(sk_utf8_is_valid(sink.last, strlen(sink.last)));
    memset(text, 1, sizeof(text) - 1);
    sk_log(&log, SK_INFO, "e", SK_STR("a", text), SK_STR("b", text), SK_STR("c", text), SK_INT("d", 1));
    assert_null(strstr(sink.last, "\"c\""));
    assert_non_null(strstr(sink.last, "\"d\":1}\n"));
}

static void test_descriptor(void **state)
{
    (void)state;
    int fds[2];
    char line[200];
    struct sk_log log;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    sk_log_init(&log, fds[1], SK_INFO);
    errno = EDOM;
    sk_log(&log, SK_INFO, "e");
    assert_int_equal(errno, EDOM);
    ssize_t got = read(fds[0], line, sizeof(line));
    assert_true(got > 0);
    assert_int_equal(line[got - 1], '\n');
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void test_level_parse(void **state)
{
    (void)state;
    enum sk_level level = SK_DEBUG;
    assert_int_equal(sk_level_parse("error", &level), SK_OK);
    assert_int_equal(level, SK_ERROR);
    assert_int_equal(sk_level_parse("loud", &level), SK_INVALID_ARGUMENT);
    assert_int_equal(sk_level_parse("", &level), SK_INVALID_ARGUMENT);
    assert_int_equal(level, SK_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),       cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_escapes),    cmocka_unit_test(test_parents_first),
        cmocka_unit_test(test_error),      cmocka_unit_test(test_long),
        cmocka_unit_test(test_descriptor), cmocka_unit_test(test_level_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
