#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/journal_rig.h"

#include <sys/wait.h>

enum { LIMIT = 64 * 1024, SEGMENT = LIMIT / 8 };

static int set_up(void **state)
{
    struct journal_rig *rig = journal_rig_new("/tmp", LIMIT);
    *state = rig;
    return journal_rig_open(rig) != SK_OK;
}

static int tear_down(void **state)
{
    return journal_rig_free(*state);
}

static size_t open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}

/* --- filling and reading --------------------------------------------------------------- */

static void a_new_journal_is_empty(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_piece piece;
    bool at_end = true;
    assert_int_equal(sk_journal_begin(rig->journal), 0);
    assert_int_equal(sk_journal_end(rig->journal), 0);
    assert_int_equal(journal_rig_read(rig, 0, &piece), SK_OK);
    assert_int_equal(piece.len, 0);
    assert_null(piece.data);
    assert_int_equal(journal_rig_read(rig, 1, &piece), SK_OUT_OF_RANGE);
    assert_int_equal(piece.next, 0);
    assert_int_equal(journal_rig_tail(rig, 3), 0);
    assert_int_equal(journal_rig_since(rig, 1), 0);
    assert_int_equal(journal_rig_fill(rig, &at_end), 0);
    assert_false(at_end);
    assert_int_equal(journal_rig_size(rig), 0);
}

static void what_goes_in_comes_out_with_its_time(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_piece piece;
    int64_t first = sk_loop_wall(rig->loop).ns;
    assert_true(journal_rig_put(rig, "early\n", 6));
    sk_vloop_advance(rig->loop, SK_MSEC(5));
    assert_true(journal_rig_put(rig, "same\n", 5)); /* within 10 ms */
    sk_vloop_advance(rig->loop, SK_MSEC(20));
    assert_true(journal_rig_put(rig, "late\n", 5));
    assert_int_equal(journal_rig_read(rig, 2, &piece), SK_OK);
    assert_int_equal(piece.len, 14);
    assert_memory_equal(piece.data, "rly\nsame\nlate\n", 14);
    assert_int_equal(piece.next, 16);
    assert_int_equal(piece.mark_count, 2);
    assert_int_equal(piece.marks[0].offset, 0);
    assert_int_equal(piece.marks[0].at.ns, first);
    assert_int_equal(piece.marks[1].offset, 11);
    assert_int_equal(piece.marks[1].at.ns, first + SK_MSEC(25).ns);
    journal_rig_drop_piece(&piece);
    assert_int_equal(journal_rig_read(rig, 12, &piece), SK_OK);
    assert_int_equal(piece.mark_count, 1);
    assert_int_equal(piece.marks[0].offset, 11);
    journal_rig_drop_piece(&piece);
}

static void the_end_of_the_pipe_is_told(void **state)
{
    struct journal_rig *rig = *state;
    bool at_end = false;
    assert_int_equal(write(rig->in, "last", 4), 4);
    sk_close_fd(&rig->in);
    assert_int_equal(journal_rig_fill(rig, &at_end), 4);
    assert_true(at_end);
    assert_int_equal(journal_rig_fill(rig, &at_end), 0);
    assert_true(at_end);
    assert_int_equal(sk_journal_end(rig->journal), 4);
}

static void an_end_without_a_byte_is_told(void **state)
{
    struct journal_rig *rig = *state;
    bool at_end = false;
    sk_close_fd(&rig->in);
    assert_int_equal(journal_rig_fill(rig, &at_end), 0);
    assert_true(at_end);
}

static void one_fill_moves_a_bounded_number_of_bytes(void **state)
{
    struct journal_rig *rig = *state;
    SK_AUTO_FREE uint8_t *data = sk_alloc(1024 * 1024);
    uint64_t total = 0;
    journal_rig_close(rig);
    rig->limit = 64 * 1024 * 1024;
    assert_int_equal(journal_rig_open(rig), SK_OK);
    /* Somebody who writes as fast as we read. */
    pid_t child = fork();
    if (child == 0) {
        (void)fcntl(rig->in, F_SETFL, 0);
        for (int i = 0; i < 8; i++)
            total += (uint64_t)write(rig->in, data, 1024 * 1024);
        _exit(0);
    }
    sk_close_fd(&rig->in);
    for (bool at_end = false; !at_end;) {
        ssize_t len = journal_rig_fill(rig, &at_end);
        assert_in_range(len, 0, SK_JOURNAL_FILL_MAX);
        total += (uint64_t)len;
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(total, 8 * 1024 * 1024);
    assert_int_equal(sk_journal_end(rig->journal), total);
}

static void nothing_is_told_before_the_fill_is_done(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_filled filled;
    assert_int_equal(write(rig->in, "x", 1), 1);
    sk_journal_fill(rig->journal, rig->out, &filled, journal_rig_done(rig));
    assert_int_equal(sk_journal_end(rig->journal), 0);
    assert_int_equal(journal_rig_wait(rig), SK_OK);
    assert_int_equal(sk_journal_end(rig->journal), 1);
}

static void numbers_and_bytes_survive_a_restart(void **state)
{
    struct journal_rig *rig = *state;
    journal_rig_put_stream(rig, 0, 3 * SEGMENT);
    journal_rig_reopen(rig);
    assert_int_equal(sk_journal_begin(rig->journal), 0);
    assert_int_equal(sk_journal_end(rig->journal), 3 * SEGMENT);
    journal_rig_put_stream(rig, 3 * SEGMENT, 1000);
    assert_int_equal(journal_rig_check_stream(rig), 3 * SEGMENT + 1000);
}

/* --- the limit --------------------------------------------------------------------------- */

static void the_oldest_go_and_the_limit_holds_at_every_moment(void **state)
{
    struct journal_rig *rig = *state;
    uint64_t at = 0;
    srandom(1);
    for (int i = 0; i < 400; i++) {
        size_t len = 1 + (size_t)random() % (i % 7 ? 700 : 9000);
        journal_rig_put_stream(rig, at, len);
        at += len;
        sk_vloop_advance(rig->loop, SK_MSEC(random() % 15));
        assert_true(journal_rig_size(rig) <= LIMIT);
        assert_int_equal(sk_journal_end(rig->journal), at);
        if (i % 50 == 49)
            journal_rig_reopen(rig);
    }
    assert_true(sk_journal_begin(rig->journal) > 0);
    assert_true(journal_rig_check_stream(rig) >= LIMIT / 2);
    assert_int_equal(journal_rig_check_stream(rig), at - sk_journal_begin(rig->journal));
}

static void single_bytes_far_apart_keep_to_the_limit_too(void **state)
{
    struct journal_rig *rig = *state;
    for (uint64_t at = 0; at < 6000; at++) {
        journal_rig_put_stream(rig, at, 1);
        sk_vloop_advance(rig->loop, SK_MSEC(11));
    }
    assert_true(journal_rig_size(rig) <= LIMIT);
    assert_true(journal_rig_check_stream(rig) > LIMIT / 17 / 2);
}

static void a_lower_limit_is_kept_from_the_start(void **state)
{
    struct journal_rig *rig = *state;
    journal_rig_close(rig);
    rig->limit = 16 * LIMIT;
    assert_int_equal(journal_rig_open(rig), SK_OK);
    journal_rig_put_stream(rig, 0, 15 * LIMIT);
    rig->limit = LIMIT;
    journal_rig_reopen(rig);
    assert_true(journal_rig_size(rig) <= LIMIT);
    assert_int_equal(sk_journal_end(rig->journal), 15 * LIMIT);
    journal_rig_put_stream(rig, 15 * LIMIT, 5000);
    assert_true(journal_rig_check_stream(rig) >= 5000);
}

static void a_dropped_byte_is_out_of_range_and_tells_where_to_go_on(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_piece piece;
    journal_rig_put_stream(rig, 0, 2 * LIMIT);
    assert_int_equal(journal_rig_read(rig, 0, &piece), SK_OUT_OF_RANGE);
    assert_int_equal(piece.next, sk_journal_begin(rig->journal));
    assert_null(piece.data);
    assert_int_equal(journal_rig_read(rig, 2 * LIMIT + 1, &piece), SK_OUT_OF_RANGE);
    assert_int_equal(piece.next, 2 * LIMIT);
}

static void a_segment_dropped_under_a_reader_is_out_of_range(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_piece piece = {0};
    struct sk_journal_filled filled;
    journal_rig_put_stream(rig, 0, LIMIT - SEGMENT - 500);
    assert_int_equal(sk_journal_begin(rig->journal), 0);
    SK_AUTO_FREE uint8_t *more = sk_alloc(4 * SEGMENT);
    assert_int_equal(write(rig->in, more, 4 * SEGMENT), 4 * SEGMENT);
    /* The fill is done first, in the same turn; the reader still believes in the old row. */
    struct journal_rig other = *rig;
    sk_journal_fill(rig->journal, rig->out, &filled, journal_rig_done(&other));
    sk_journal_read(rig->journal, 10, &piece, journal_rig_done(rig));
    assert_int_equal(journal_rig_wait(rig), SK_OUT_OF_RANGE);
    assert_int_equal(other.fired, 1);
    assert_int_equal(other.err.code, SK_OK);
    assert_true(sk_journal_begin(rig->journal) > 10);
    assert_int_equal(piece.next, sk_journal_begin(rig->journal));
}

static void readers_leave_no_descriptor_open(void **state)
{
    struct journal_rig *rig = *state;
    journal_rig_put_stream(rig, 0, 2 * LIMIT);
    size_t before = open_fds();
    (void)journal_rig_check_stream(rig);
    (void)journal_rig_tail(rig, 5);
    (void)journal_rig_since(rig, sk_loop_wall(rig->loop).ns);
    assert_int_equal(open_fds(), before);
    journal_rig_close(rig);
    assert_int_equal(open_fds(), before - 3);
}

/* --- holes ---------------------------------------------------------------------------------- */

static void skipped_bytes_are_a_hole(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_piece piece;
    journal_rig_put_stream(rig, 0, 100);
    for (int i = 0; i < 100; i++) { /* in a row, they push nothing out */
        assert_int_equal(write(rig->in, "0123456789", 10), 10);
        assert_int_equal(journal_rig_skip(rig), 10);
    }
    assert_int_equal(journal_rig_skip(rig), 0);
    assert_int_equal(sk_journal_end(rig->journal), 1100);
    assert_int_equal(journal_rig_read(rig, 100, &piece), SK_OUT_OF_RANGE);
    assert_int_equal(piece.next, 1100);
    assert_int_equal(journal_rig_read(rig, 1100, &piece), SK_OK);
    assert_int_equal(piece.len, 0);
    journal_rig_reopen(rig); /* the hole is remembered */
    assert_int_equal(sk_journal_end(rig->journal), 1100);
    journal_rig_put_stream(rig, 1100, 50);
    assert_int_equal(journal_rig_read(rig, 90, &piece), SK_OK);
    assert_int_equal(piece.len, 10);
    journal_rig_drop_piece(&piece);
    assert_int_equal(journal_rig_read(rig, 115, &piece), SK_OUT_OF_RANGE);
    assert_int_equal(piece.next, 1100);
    assert_int_equal(sk_journal_begin(rig->journal), 0);
    assert_int_equal(journal_rig_check_stream(rig), 150);
    journal_rig_reopen(rig);
    assert_int_equal(journal_rig_check_stream(rig), 150);
}

static void skipping_first_of_all_works(void **state)
{
    struct journal_rig *rig = *state;
    assert_int_equal(write(rig->in, "0123456789", 10), 10);
    assert_int_equal(journal_rig_skip(rig), 10);
    assert_int_equal(sk_journal_begin(rig->journal), 10);
    journal_rig_put_stream(rig, 10, 20);
    assert_int_equal(journal_rig_check_stream(rig), 20);
    assert_int_equal(journal_rig_tail(rig, UINT64_MAX), 10);
}

static void many_holes_keep_the_number_of_files_bounded(void **state)
{
    struct journal_rig *rig = *state;
    uint64_t at = 0;
    for (int i = 0; i < 200; i++) {
        journal_rig_put_stream(rig, at, 3);
        assert_int_equal(write(rig->in, "xx", 2), 2);
        assert_int_equal(journal_rig_skip(rig), 2);
        at += 5;
    }
    assert_int_equal(sk_journal_end(rig->journal), at);
    assert_true(journal_rig_check_stream(rig) >=
                3 * 6); /* each hole begins a segment, and a full one must fit behind it */
    DIR *dir = opendir(rig->path);
    size_t files = 0;
    while (readdir(dir))
        files++;
    (void)closedir(dir);
    assert_true(files <= 2 + 2 * 64);
}

/* --- opening and removing ------------------------------------------------------------------------ */

static void a_folder_that_cannot_be_made_is_an_error(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal *other = (struct sk_journal *)rig;
    sk_journal_open(rig->loop, NULL, "/tmp/sk-no-such-folder/it", LIMIT, &other, journal_rig_done(rig));
    assert_int_equal(journal_rig_wait(rig), SK_NOT_FOUND);
    assert_null(other);
}

static void a_link_in_the_folders_place_is_not_followed(void **state)
{
    struct journal_rig *rig = *state;
    char link[96], target[96], inside[112];
    struct sk_journal *other = NULL;
    (void)snprintf(link, sizeof(link), "%s/link", rig->base);
    (void)snprintf(target, sizeof(target), "%s/target", rig->base);
    (void)snprintf(inside, sizeof(inside), "%s/keep", target);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(mkdir(inside, 0700), 0);
    assert_int_equal(symlink(target, link), 0);
    sk_journal_open(rig->loop, NULL, link, LIMIT, &other, journal_rig_done(rig));
    assert_int_not_equal(journal_rig_wait(rig), SK_OK);
    sk_journal_remove(rig->loop, link, journal_rig_done(rig));
    assert_int_equal(journal_rig_wait(rig), SK_OK);
    assert_int_equal(access(link, F_OK), -1);
    assert_int_equal(rmdir(inside), 0); /* still there */
    assert_int_equal(rmdir(target), 0);
}

static void removing_takes_foreign_files_and_links_but_not_what_they_name(void **state)
{
    struct journal_rig *rig = *state;
    char outside[96], link[112], below[112];
    journal_rig_put_stream(rig, 0, 3 * SEGMENT);
    journal_rig_close(rig);
    (void)snprintf(outside, sizeof(outside), "%s/outside", rig->base);
    (void)snprintf(link, sizeof(link), "%s/link", rig->path);
    (void)snprintf(below, sizeof(below), "%s/below", rig->path);
    assert_int_equal(mkdir(outside, 0700), 0);
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(mkdir(below, 0700), 0);
    sk_journal_remove(rig->loop, rig->path, journal_rig_done(rig));
    assert_int_not_equal(journal_rig_wait(rig), SK_OK); /* a folder inside is not ours: said, not taken */
    assert_int_equal(rmdir(below), 0);
    sk_journal_remove(rig->loop, rig->path, journal_rig_done(rig));
    assert_int_equal(journal_rig_wait(rig), SK_OK);
    assert_int_equal(access(rig->path, F_OK), -1);
    assert_int_equal(rmdir(outside), 0);
    sk_journal_remove(rig->loop, rig->path, journal_rig_done(rig));
    assert_int_equal(journal_rig_wait(rig), SK_OK);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_new_journal_is_empty),
        TEST(what_goes_in_comes_out_with_its_time),
        TEST(the_end_of_the_pipe_is_told),
        TEST(an_end_without_a_byte_is_told),
        TEST(one_fill_moves_a_bounded_number_of_bytes),
        TEST(nothing_is_told_before_the_fill_is_done),
        TEST(numbers_and_bytes_survive_a_restart),
        TEST(the_oldest_go_and_the_limit_holds_at_every_moment),
        TEST(single_bytes_far_apart_keep_to_the_limit_too),
        TEST(a_lower_limit_is_kept_from_the_start),
        TEST(a_dropped_byte_is_out_of_range_and_tells_where_to_go_on),
        TEST(a_segment_dropped_under_a_reader_is_out_of_range),
        TEST(readers_leave_no_descriptor_open),
        TEST(skipped_bytes_are_a_hole),
        TEST(skipping_first_of_all_works),
        TEST(many_holes_keep_the_number_of_files_bounded),
        TEST(a_folder_that_cannot_be_made_is_an_error),
        TEST(a_link_in_the_folders_place_is_not_followed),
        TEST(removing_takes_foreign_files_and_links_but_not_what_they_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
