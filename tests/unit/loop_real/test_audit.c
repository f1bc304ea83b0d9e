/* What is written, and that no byte of it can be another without being found. */
#include "audit_rig.h"

static void fill(int count)
{
    char name[32];
    open_audit();
    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "sb-%d", i);
        tell(name);
    }
    close_audit();
}

static void test_lines(void **state)
{
    SK_AUTO_FREE char *path = NULL;
    SK_AUTO_FREE char *text = NULL;
    size_t len;
    char field[64];
    (void)state;
    fill(3);
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_int_equal(report.files, 1);
    assert_int_equal(report.lines, 5); /* opened, three, closed */
    assert_int_equal(report.first, 1);
    assert_int_equal(report.last, 5);
    path = nth_file(0);
    text = load(path, &len);
    char *line = strchr(text, '\n') + 1;
    *strchr(line, '\n') = '\0';
    assert_non_null(strstr(line, "\"command\":[\"sh\",\"-c\",\"echo \\\"a\\\\b\\\"\"]"));
    sk_audit_line_field(line, "sandbox", field, sizeof(field));
    assert_string_equal(field, "sb-0");
    sk_audit_line_field(line, "event", field, sizeof(field));
    assert_string_equal(field, "executed");
    sk_audit_line_field(line, "session", field, sizeof(field));
    assert_string_equal(field, "");
    struct stat stat_;
    assert_int_equal(stat(path, &stat_), 0);
    assert_int_equal(stat_.st_mode & 0777, 0600);
}

static void test_no_commands(void **state)
{
    (void)state;
    rig.options.commands = false;
    fill(3);
    assert_int_equal(count_lines("\"command\""), 0);
    assert_int_equal(count_lines("\"executed\""), 3);
}

static void test_the_chain_goes_on(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        fill(i);
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_int_equal(report.lines, 5 * 2 + 10);
    assert_int_equal(report.last, report.lines);
}

/* --- tampering --------------------------------------------------------------------- */

static void test_any_byte_changed(void **state)
{
    size_t len;
    (void)state;
    fill(4);
    SK_AUTO_FREE char *path = nth_file(0);
    SK_AUTO_FREE char *text = load(path, &len);
    for (size_t at = 0; at < len; at++) {
        text[at] ^= 1;
        store(path, text, len);
        struct sk_audit_report report = verify();
        if (!report.broken)
            fail_msg("byte %zu of %zu", at, len);
        text[at] ^= 1;
    }
    store(path, text, len);
    assert_whole();
}

/* Lines [0, count) of a file, as they stand there. */
static size_t split(char *text, size_t len, char **out_lines, size_t most)
{
    size_t count = 0;
    for (char *at = text; at < text + len && count < most; at = strchr(at, '\n') + 1)
        out_lines[count++] = at;
    return count;
}

/* Puts the file together again from these lines. */
static void store_lines(const char *path, char *const *lines, const size_t *order, size_t count)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf text;
    sk_buf_init(&text, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        char *line = lines[order[i]];
        assert_int_equal(sk_buf_append(&text, line, (size_t)(strchr(line, '\n') + 1 - line)), SK_OK);
    }
    store(path, (char *)text.data, text.len);
}

static void test_lines_taken_out_moved_doubled_cut_off(void **state)
{
    char *lines[16];
    size_t len, order[17];
    (void)state;
    fill(4);
    SK_AUTO_FREE char *path = nth_file(0);
    SK_AUTO_FREE char *text = load(path, &len);
    size_t count = split(text, len, lines, 16);
    assert_int_equal(count, 6);
    for (size_t gone = 0; gone < count; gone++) { /* the first and the last, too */
        size_t kept = 0;
        for (size_t i = 0; i < count; i++)
            if (i != gone)
                order[kept++] = i;
        store_lines(path, lines, order, kept);
        struct sk_audit_report report = verify();
        assert_true(report.broken);
    }
    for (size_t at = 0; at + 1 < count; at++) {
        for (size_t i = 0; i < count; i++)
            order[i] = i == at ? at + 1 : i == at + 1 ? at : i;
        store_lines(path, lines, order, count);
        struct sk_audit_report report = verify();
        assert_true(report.broken);
    }
    for (size_t at = 0; at < count; at++) {
        for (size_t i = 0; i <= count; i++)
            order[i] = i <= at ? i : i - 1;
        store_lines(path, lines, order, count + 1);
        struct sk_audit_report report = verify();
        assert_true(report.broken);
    }
    store_lines(path, lines, (size_t[]){0, 1, 2, 3}, 4);
    struct sk_audit_report report = verify();
    assert_true(report.broken);
    assert_non_null(strstr(report.what, "from 5 to 6 are missing"));
    (void)unlink(path);
    report = verify();
    assert_true(report.broken);
}

static void test_first_broken_line_is_named(void **state)
{
    size_t len;
    (void)state;
    fill(6);
    SK_AUTO_FREE char *path = nth_file(0);
    SK_AUTO_FREE char *text = load(path, &len);
    char *at = strstr(text, "sb-2");
    at[3] = '9'; /* line 4; line 5 shows it */
    store(path, text, len);
    struct sk_audit_report report = verify();
    assert_true(report.broken);
    assert_int_equal(report.line, 5);
    assert_non_null(strstr(report.what, "line 4"));
}

/* The daemon does not cover up for who cut off lines: its next start tells. */
static void test_cut_off_before_a_start(void **state)
{
    char *lines[16];
    size_t len;
    (void)state;
    fill(4);
    SK_AUTO_FREE char *path = nth_file(0);
    SK_AUTO_FREE char *text = load(path, &len);
    (void)split(text, len, lines, 16);
    store_lines(path, lines, (size_t[]){0, 1, 2}, 3);
    fill(1);
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_int_equal(report.missing, 1);
    assert_int_equal(count_lines("\"event\":\"audit.lost\",\"first\":4,\"last\":6"), 1);
}

static void test_all_gone_before_a_start(void **state)
{
    (void)state;
    fill(4);
    SK_AUTO_FREE char *path = nth_file(0);
    assert_int_equal(unlink(path), 0);
    fill(1);
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_int_equal(report.first, 7);
    assert_int_equal(report.missing, 1);
}

/* --- many files ----------------------------------------------------------------------- */

static void fill_many(size_t rounds)
{
    for (size_t i = 0; i < rounds; i++)
        fill(20);
}

static void test_rotation(void **state)
{
    (void)state;
    rig.options.limits.file_bytes = 4096;
    fill_many(10);
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_in_range(report.files, 5, 20);
    assert_int_equal(report.lines, 220);
    SK_AUTO_FREE char *second = nth_file(1);
    assert_int_equal(unlink(second), 0);
    report = verify();
    assert_true(report.broken);
    assert_non_null(strstr(report.what, "missing"));
}

/* What it is to tell, and to keep, may change while it runs. */
static void test_other_terms(void **state)
{
    (void)state;
    rig.options.limits.file_bytes = 4096;
    fill_many(8);
    SK_AUTO_FREE char *fourth = nth_file(3);
    assert_non_null(fourth);
    open_audit();
    assert_false(sk_audit_tells_reads(rig.audit));
    rig.options.commands = false;
    rig.options.reads = true;
    rig.options.limits.files = 3;
    sk_audit_configure(rig.audit, &rig.options);
    assert_true(sk_audit_tells_reads(rig.audit));
    tell("silent");
    close_audit();
    assert_null(nth_file(3)); /* too many went, though none was full just then */
    assert_int_equal(count_lines("\"sandbox\":\"silent\",\"command\""), 0);
    assert_int_equal(count_lines("silent"), 1);
    assert_int_equal(count_lines("\"event\":\"audit.terms\""), 1);
    assert_int_equal(count_lines("\"commands\":false,\"reads\":true"), 1);
    assert_whole();
    sk_audit_configure(NULL, &rig.options);
}

static void test_retention_is_told(void **state)
{
    (void)state;
    rig.options.limits.file_bytes = 4096;
    rig.options.limits.files = 3;
    fill_many(12);
    struct sk_audit_report report = verify();
    if (report.broken)
        fail_msg("%s: %s", report.file, report.what);
    assert_in_range(report.files, 1, 3);
    assert_true(report.removed > 0);
    assert_true(report.first > 1);
    SK_AUTO_FREE char *oldest = nth_file(0); /* this one nobody tells of */
    assert_int_equal(unlink(oldest), 0);
    report = verify();
    assert_true(report.broken);
}

static void test_retention_by_days(void **state)
{
    const struct timespec past[2] = {{1000, 0}, {1000, 0}};
    (void)state;
    rig.options.limits.file_bytes = 4096;
    rig.options.limits.days = 30;
    fill_many(4);
    SK_AUTO_FREE char *oldest = nth_file(0);
    assert_int_equal(utimensat(AT_FDCWD, oldest, past, 0), 0);
    fill(1);
    assert_int_equal(access(oldest, F_OK), -1);
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_int_equal(report.removed, 1);
}

/* Files that go because there are newer ones are not missed, whenever that happens. */
static void test_retention_while_it_is_read(void **state)
{
    (void)state;
    rig.options.limits.file_bytes = 4096;
    rig.options.limits.files = 2;
    open_audit();
    while (verify().broken || verify().last == 0)
        continue; /* the first line, and the head behind it */
    for (uint64_t last = 0, round = 0; round < 50; round++) {
        for (size_t i = 0; i < 20; i++)
            tell("n-1");
        struct sk_audit_report report;
        do {
            report = verify();
            if (report.broken)
                fail_msg("%s: %s", report.file, report.what);
        } while (report.last == last);
        last = report.last;
    }
    close_audit();
}

static void test_what_is_no_file(void **state)
{
    (void)state;
    fill(4);
    SK_AUTO_FREE char *path = nth_file(0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    struct sk_audit_report report = verify();
    assert_true(report.broken);
    assert_string_equal(report.what, "it is not a file");
    struct sk_err err;
    assert_int_not_equal(sk_audit_open(&rig.options, &rig.audit, &err), SK_OK);
    assert_non_null(strstr(err.text, "not a file"));
}

/* Nobody reads all of a line that has no end: of this one there is more than any memory holds. */
static void test_a_line_without_end(void **state)
{
    (void)state;
    fill(4);
    SK_AUTO_FREE char *path = nth_file(0);
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    struct sk_audit_report report = verify();
    assert_true(report.broken);
    assert_string_equal(report.what, "it is no line of the audit");
    assert_int_equal(truncate(path, 1 << 20), 0);
    assert_int_equal(count_lines("\"executed\""), 4);
}

static bool each_line(void *arg, const char *line)
{
    (void)arg;
    (void)line;
    return true;
}

/* Lines that cannot be shown are not passed over. */
static void test_what_is_not_shown_is_told(void **state)
{
    struct sk_err err;
    (void)state;
    fill(4);
    SK_AUTO_FREE char *path = nth_file(0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_not_equal(sk_audit_each(rig.folder, each_line, NULL, &err), SK_OK);
    assert_non_null(strstr(err.text, "not a file"));
}

static void test_nothing_is_not_whole(void **state)
{
    (void)state;
    fill(4);
    SK_AUTO_FREE char *file = nth_file(0), *head = path_of("head");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(unlink(head), 0);
    assert_true(verify().broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_commands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_terms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_chain_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_byte_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines_taken_out_moved_doubled_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_broken_line_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_off_before_a_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_gone_before_a_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retention_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retention_by_days, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retention_while_it_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_line_without_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_shown_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_not_whole, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
