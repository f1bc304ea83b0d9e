/* Frames: between lines, within characters never, and the same bytes wherever they are cut. */
#include "core/log_text.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct sk_journal_mark marks[] = {
    {0, {1750000000123000000}}, {6, {1750000001456999999}}, {1000000, {1750000002000000000}}};

static struct sk_log_source source_of(const char *text, size_t len)
{
    return (struct sk_log_source){
        .data = (const uint8_t *)text, .len = len, .marks = marks, .mark_count = sk_array_len(marks)};
}

static struct sk_log_frame frame; /* too large for some stacks */

static void render(struct sk_log_text *text, const char *bytes, bool more, bool last, const char *expected)
{
    struct sk_log_source source = source_of(bytes, strlen(bytes));

    source.more = more;
    source.last = last;
    sk_log_text_render(text, &source, &frame);
    assert_int_equal(frame.len, strlen(expected));
    assert_memory_equal(frame.data, expected, frame.len);
}

static void bytes_stay_as_they_are(void **state)
{
    struct sk_log_text text = {0};

    (void)state;
    render(&text, "one\r\ntwo\n\nthr", false, false, "one\r\ntwo\n\nthr");
    assert_int_equal(text.next, 13);
    assert_true(text.in_line);
    assert_int_equal(frame.at.ns, marks[0].at.ns);
}

static void the_time_stands_before_each_line(void **state)
{
    struct sk_log_text text = {.timestamps = true};

    (void)state;
    render(&text, "hello\nworld\n\nrest", false, false,
           "2025-06-15T15:06:40.123Z hello\n2025-06-15T15:06:41.456Z world\n2025-06-15T15:06:41.456Z \n"
           "2025-06-15T15:06:41.456Z rest");
    render(&text, "hello\nworld\n\nrest of it\n", false, false, " of it\n");
    assert_false(text.in_line);
}

static void an_unfinished_line_waits_when_the_rest_is_there(void **state)
{
    struct sk_log_text text = {0};

    (void)state;
    render(&text, "line\npart", true, false, "line\n");
    assert_int_equal(text.next, 5);
    text = (struct sk_log_text){0};
    render(&text, "only a part", true, false, "only a part");
}

static void an_unfinished_character_waits(void **state)
{
    struct sk_log_text text = {0};

    (void)state;
    render(&text, "a\xe2\x82", false, false, "a");
    render(&text, "a\xe2\x82", false, false, "");
    render(&text, "a\xe2\x82", false, true, "\xe2\x82");
    text = (struct sk_log_text){0};
    render(&text, "a\xff\xfe", false, false, "a\xff\xfe"); /* can never become one */
}

static void what_the_reader_has_is_skipped(void **state)
{
    const char *whole = "2025-06-15T15:06:40.123Z hello\n2025-06-15T15:06:41.456Z world\n";

    (void)state;
    for (size_t skip = 0; skip <= strlen(whole); skip++) {
        struct sk_log_text text = {.timestamps = true, .skip = skip};
        render(&text, "hello\nworld\n", false, false, whole + skip);
        assert_int_equal(text.skip, 0);
    }
    struct sk_log_text text = {.timestamps = true, .skip = 1000};
    render(&text, "hello\nworld\n", false, false, "");
    assert_int_equal(text.skip, 1000 - strlen(whole));
}

/* Frame by frame until the source is used up. */
static void collect(struct sk_log_text *text, const struct sk_log_source *source, struct sk_buf *out)
{
    while (text->next < source->len) {
        uint64_t before = text->next;
        sk_log_text_render(text, source, &frame);
        assert_true(frame.len > 0 && frame.len <= SK_LOG_FRAME_MAX && text->next > before);
        assert_int_equal(sk_utf8_unfinished((const char *)frame.data, frame.len), 0);
        assert_int_equal(sk_buf_append(out, frame.data, frame.len), SK_OK);
    }
}

static void long_lines_come_in_frames(void **state)
{
    size_t len = 3 * 200001;
    SK_AUTO_FREE char *line = sk_alloc(len + 1);
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;
    struct sk_log_text text = {.timestamps = true};

    (void)state;
    for (size_t i = 0; i < len; i += 3)
        memcpy(line + i, "\xe2\x82\xac", 3);
    line[len - 1] = '\n'; /* and the last character is broken */
    struct sk_log_source source = source_of(line, len);
    sk_buf_init(&out, 1 << 20);
    collect(&text, &source, &out);
    assert_int_equal(out.len, len + SK_LOG_PREFIX_LEN);
    assert_memory_equal(out.data + SK_LOG_PREFIX_LEN, line, len);
}

static void empty_lines_fill_frames(void **state)
{
    size_t len = 64 * 1024;
    SK_AUTO_FREE char *lines = sk_alloc(len + 1);
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;
    struct sk_log_text text = {.timestamps = true};

    (void)state;
    memset(lines, '\n', len);
    struct sk_log_source source = source_of(lines, len);
    sk_buf_init(&out, 1 << 22);
    collect(&text, &source, &out);
    assert_int_equal(out.len, len * (SK_LOG_PREFIX_LEN + 1));
    for (size_t at = 0; at < out.len; at += SK_LOG_PREFIX_LEN + 1)
        assert_int_equal(out.data[at + SK_LOG_PREFIX_LEN], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_stay_as_they_are),
        cmocka_unit_test(the_time_stands_before_each_line),
        cmocka_unit_test(an_unfinished_line_waits_when_the_rest_is_there),
        cmocka_unit_test(an_unfinished_character_waits),
        cmocka_unit_test(what_the_reader_has_is_skipped),
        cmocka_unit_test(long_lines_come_in_frames),
        cmocka_unit_test(empty_lines_fill_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
