/* Torn, foreign and overlapping files: they cost their own bytes, never the daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/journal_segment.h"
#include "support/journal_rig.h"

#include <endian.h>

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

static void put(struct journal_rig *rig, char byte, size_t len)
{
    SK_AUTO_FREE char *data = sk_alloc(len);
    memset(data, byte, len);
    assert_true(journal_rig_put(rig, data, len));
}

static void file_path(const struct journal_rig *rig, uint64_t begin, bool index, char *out, size_t size)
{
    char name[SK_SEGMENT_NAME_LEN];
    if (index)
        sk_segment_index_name(begin, name);
    else
        sk_segment_data_name(begin, name);
    (void)snprintf(out, size, "%s/%s", rig->path, name);
}

static void write_file(const struct journal_rig *rig, const char *name, const void *data, size_t len)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", rig->path, name);
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
}

static bool exists(const struct journal_rig *rig, const char *name)
{
    char path[128];
    struct stat info;
    (void)snprintf(path, sizeof(path), "%s/%s", rig->path, name);
    return lstat(path, &info) == 0;
}

/* --- names -------------------------------------------------------------------------------- */

static void only_our_names_are_ours(void **state)
{
    static const char *const foreign[] = {
        "",
        ".",
        "0.log",
        "000000000000000.log",
        "00000000000000000.log",
        "000000000000000A.log",
        "0000000000000000.lo",
        "0000000000000000.logs",
        "0000000000000000",
        "-000000000000001.log",
        " 000000000000001.log",
        "0x00000000000001.log",
        "ffffffffffffffff.log",
        "0000000000000000.log.idx",
    };
    uint64_t begin = 7;
    bool is_index = false;
    (void)state;
    for (size_t i = 0; i < sk_array_len(foreign); i++)
        assert_false(sk_segment_parse_name(foreign[i], &begin, &is_index));
    assert_true(sk_segment_parse_name("00000000000000ff.idx", &begin, &is_index));
    assert_int_equal(begin, 255);
    assert_true(is_index);
    assert_true(sk_segment_parse_name("0000000000001000.log", &begin, &is_index));
    assert_int_equal(begin, 4096);
    assert_false(is_index);
}

/* --- foreign things --------------------------------------------------------------------------- */

static void foreign_names_are_left_alone(void **state)
{
    struct journal_rig *rig = *state;
    put(rig, 'a', 10);
    write_file(rig, "README", "x", 1);
    write_file(rig, "ffffffffffffffff.log", "x", 1);
    journal_rig_reopen(rig);
    assert_int_equal(sk_journal_end(rig->journal), 10);
    assert_true(exists(rig, "README"));
    assert_true(exists(rig, "ffffffffffffffff.log"));
}

static void an_index_without_data_is_removed(void **state)
{
    struct journal_rig *rig = *state;
    write_file(rig, "0000000000000005.idx", "x", 1);
    journal_rig_reopen(rig);
    assert_false(exists(rig, "0000000000000005.idx"));
    assert_int_equal(sk_journal_end(rig->journal), 0);
}

static void links_and_fifos_with_our_names_are_removed_and_not_followed(void **state)
{
    struct journal_rig *rig = *state;
    char path[128], target[96];
    put(rig, 'a', 10);
    (void)snprintf(target, sizeof(target), "%s/target", rig->base);
    SK_AUTO_FD int fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "secret", 6), 6);
    file_path(rig, 100, false, path, sizeof(path));
    assert_int_equal(symlink(target, path), 0);
    file_path(rig, 200, false, path, sizeof(path));
    assert_int_equal(mkfifo(path, 0600), 0);
    file_path(rig, 0, true, path, sizeof(path)); /* an index that is a link is no index */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(target, path), 0);
    journal_rig_reopen(rig);
    assert_int_equal(sk_journal_end(rig->journal), 10);
    assert_false(exists(rig, "0000000000000064.log"));
    assert_false(exists(rig, "00000000000000c8.log"));
    put(rig, 'b', 3);
    struct sk_journal_piece piece;
    assert_int_equal(journal_rig_read(rig, 0, &piece), SK_OK);
    assert_int_equal(piece.len, 13);
    assert_int_equal(piece.mark_count, 1);
    journal_rig_drop_piece(&piece);
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_size, 6);
    assert_int_equal(unlink(target), 0);
}

static void a_folder_with_our_name_is_in_nobodys_way(void **state)
{
    struct journal_rig *rig = *state;
    char path[128];
    put(rig, 'a', 10);
    file_path(rig, 5000, false, path, sizeof(path));
    assert_int_equal(mkdir(path, 0700), 0);
    journal_rig_reopen(rig);
    assert_int_equal(sk_journal_end(rig->journal), 10);
    assert_int_equal(rmdir(path), 0);
}

/* --- the row ------------------------------------------------------------------------------------ */

static void what_overlaps_costs_what_is_before_it(void **state)
{
    struct journal_rig *rig = *state;
    put(rig, 'a', 100);
    write_file(rig, "0000000000000032.log", "new", 3);
    journal_rig_reopen(rig);
    assert_int_equal(sk_journal_begin(rig->journal), 50);
    assert_int_equal(sk_journal_end(rig->journal), 53);
    assert_false(exists(rig, "0000000000000000.log"));
    assert_false(exists(rig, "0000000000000000.idx"));
}

static void a_missing_segment_is_a_hole(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_piece piece;
    char path[128];
    uint64_t lost = SEGMENT - 16;
    put(rig, 'a', 3 * SEGMENT);
    file_path(rig, lost, false, path, sizeof(path));
    assert_int_equal(unlink(path), 0);
    /* While it is open: */
    assert_int_equal(journal_rig_read(rig, lost + 5, &piece), SK_OUT_OF_RANGE);
    assert_int_equal(piece.next, 2 * lost);
    journal_rig_reopen(rig);
    assert_int_equal(journal_rig_read(rig, lost + 5, &piece), SK_OUT_OF_RANGE);
    assert_int_equal(piece.next, 2 * lost);
    assert_int_equal(sk_journal_begin(rig->journal), 0);
    assert_int_equal(sk_journal_end(rig->journal), 3 * SEGMENT);
    assert_int_equal(journal_rig_tail(rig, 9), 0);
}

static void an_empty_segment_amid_others_is_removed(void **state)
{
    struct journal_rig *rig = *state;
    write_file(rig, "0000000000000032.log", "", 0);
    write_file(rig, "0000000000000064.log", "later", 5);
    journal_rig_reopen(rig);
    assert_false(exists(rig, "0000000000000032.log"));
    assert_int_equal(sk_journal_begin(rig->journal), 100);
    assert_int_equal(sk_journal_end(rig->journal), 105);
}

static void bytes_cut_off_while_it_is_open_are_data_loss(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_piece piece;
    char path[128];
    put(rig, 'a', 2 * SEGMENT);
    file_path(rig, 0, false, path, sizeof(path));
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(journal_rig_read(rig, 0, &piece), SK_OK);
    assert_int_equal(piece.len, 100);
    journal_rig_drop_piece(&piece);
    assert_int_equal(journal_rig_read(rig, 100, &piece), SK_DATA_LOSS);
    assert_int_equal(piece.next, SEGMENT - 16);
    journal_rig_reopen(rig);
    assert_int_equal(journal_rig_read(rig, 100, &piece), SK_OUT_OF_RANGE);
}

/* --- the index ------------------------------------------------------------------------------------ */

static void bytes_without_an_entry_get_the_files_time(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_piece piece;
    char path[128];
    struct timespec times[2] = {{.tv_sec = 1750000777}, {.tv_sec = 1750000777}};
    put(rig, 'a', 10);
    journal_rig_close(rig);
    file_path(rig, 0, false, path, sizeof(path));
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "killed", 6), 6); /* between the bytes and their entry */
    assert_int_equal(futimens(fd, times), 0);
    assert_int_equal(journal_rig_open(rig), SK_OK);
    assert_int_equal(journal_rig_read(rig, 0, &piece), SK_OK);
    assert_int_equal(piece.len, 16);
    assert_int_equal(piece.mark_count, 2);
    assert_int_equal(piece.marks[1].offset, 10);
    assert_int_equal(piece.marks[1].at.ns, 1750000777 * INT64_C(1000000000));
    journal_rig_drop_piece(&piece);
    assert_int_equal(journal_rig_since(rig, 1750000777 * INT64_C(1000000000)), 10);
}

static void entries_beyond_the_data_or_out_of_order_are_cut(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_piece piece;
    int64_t at = sk_loop_wall(rig->loop).ns;
    put(rig, 'a', 10);
    uint64_t raw[] = {htole64(4),  htole64((uint64_t)at),
                      htole64(6),  htole64((uint64_t)at + 5),
                      htole64(3),  htole64((uint64_t)at),
                      htole64(99), htole64(1),
                      htole64(10), 0};
    write_file(rig, "0000000000000000.idx", raw, sizeof(raw) - 3);
    journal_rig_reopen(rig);
    assert_int_equal(journal_rig_read(rig, 0, &piece), SK_OK);
    assert_int_equal(piece.len, 10);
    assert_int_equal(piece.mark_count, 3); /* the two good ones, and the file's time for the rest */
    assert_int_equal(piece.marks[1].offset, 4);
    assert_int_equal(piece.marks[1].at.ns, at + 5);
    assert_int_equal(piece.marks[2].offset, 6);
    journal_rig_drop_piece(&piece);
}

/* What could not be written is caught up with, and changes no time that was. */
static void an_entry_that_could_not_be_written_harms_no_other(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_segment segment = {0};
    struct sk_segment_files good = {-1, -1}, bad = {-1, open("/dev/full", O_WRONLY | O_CLOEXEC)};
    struct sk_segment_entry entries[3];
    int dir = open(rig->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(sk_segment_create(dir, 0, &good, NULL), SK_OK);
    sk_segment_note(&segment, &good, 10, (struct sk_wall){SK_SEC(1).ns});
    sk_segment_note(&segment, &bad, 10, (struct sk_wall){SK_SEC(2).ns});
    assert_int_equal(segment.len, 20);
    assert_int_equal(segment.indexed, 10);
    assert_int_equal(segment.last_at.ns, SK_SEC(2).ns);
    sk_segment_note(&segment, &good, 10, (struct sk_wall){SK_SEC(2).ns + 5});
    assert_int_equal(segment.indexed, 30);
    sk_segment_close(&good);
    sk_segment_close(&bad);
    SK_AUTO_FD int index = openat(dir, "0000000000000000.idx", O_RDONLY | O_CLOEXEC);
    assert_int_equal(sk_segment_read_entries(index, 0, entries, 3), 2);
    assert_int_equal(entries[0].end, 10);
    assert_int_equal(entries[0].at.ns, SK_SEC(1).ns);
    assert_int_equal(entries[1].end, 30);
    assert_int_equal(entries[1].at.ns, SK_SEC(2).ns + 5);
    sk_segment_remove(dir, 0);
    (void)close(dir);
}

/* --- anything ---------------------------------------------------------------------------------------- */

/* Cuts, lengthens or scribbles into one of the files. */
static void harm(const struct journal_rig *rig)
{
    DIR *dir = opendir(rig->path);
    struct stat info;
    uint64_t begin;
    bool is_index;
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (!sk_segment_parse_name(e->d_name, &begin, &is_index) || random() % 5)
            continue;
        SK_AUTO_FD int fd = openat(dirfd(dir), e->d_name, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &info))
            continue;
        long size = (long)info.st_size, kind = random() % 4;
        if (kind == 0)
            (void)!ftruncate(fd, random() % (size + 1));
        else if (kind == 1)
            (void)!ftruncate(fd, size + random() % 200);
        else if (kind == 2)
            (void)unlinkat(dirfd(dir), e->d_name, 0);
        else if (is_index)
            (void)!pwrite(fd, "\xff\x00\x80garbage garbage", 17, random() % (size + 1));
    }
    (void)closedir(dir);
}

/* Reads and searches everything: any answer will do that keeps the promises. */
static void walk(struct journal_rig *rig)
{
    uint64_t begin = sk_journal_begin(rig->journal), end = sk_journal_end(rig->journal), at = begin;
    assert_true(begin <= end);
    while (at < end) {
        struct sk_journal_piece piece;
        enum sk_code code = journal_rig_read(rig, at, &piece);
        assert_true(code == SK_OK || code == SK_OUT_OF_RANGE || code == SK_DATA_LOSS);
        assert_true(piece.next > at && piece.next <= end);
        if (code == SK_OK) {
            assert_true(piece.len > 0 && piece.mark_count > 0 && piece.marks[0].offset <= at);
            for (size_t i = 1; i < piece.mark_count; i++) {
                assert_true(piece.marks[i].offset > piece.marks[i - 1].offset);
                assert_true(piece.marks[i].at.ns >= piece.marks[i - 1].at.ns);
            }
        }
        at = piece.next;
        journal_rig_drop_piece(&piece);
    }
    uint64_t tail = journal_rig_tail(rig, 1 + (uint64_t)random() % 50);
    uint64_t since = journal_rig_since(rig, sk_loop_wall(rig->loop).ns - random() % SK_SEC(5).ns);
    assert_true(tail >= begin && tail <= end && since >= begin && since <= end);
}

static void any_damage_is_survived(void **state)
{
    struct journal_rig *rig = *state;
    srandom(11);
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < 8; k++) {
            put(rig, k % 2 ? '\n' : 'x', 1 + (size_t)random() % 3000);
            sk_vloop_advance(rig->loop, SK_MSEC(random() % 30));
        }
        if (i % 2) { /* under an open journal, too */
            harm(rig);
            walk(rig);
            put(rig, 'y', 100);
        }
        journal_rig_close(rig);
        harm(rig);
        assert_int_equal(journal_rig_open(rig), SK_OK);
        assert_true(journal_rig_size(rig) <= LIMIT + 64 * 16); /* entries that repairs added */
        walk(rig);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_our_names_are_ours),
        TEST(foreign_names_are_left_alone),
        TEST(an_index_without_data_is_removed),
        TEST(links_and_fifos_with_our_names_are_removed_and_not_followed),
        TEST(a_folder_with_our_name_is_in_nobodys_way),
        TEST(what_overlaps_costs_what_is_before_it),
        TEST(a_missing_segment_is_a_hole),
        TEST(an_empty_segment_amid_others_is_removed),
        TEST(bytes_cut_off_while_it_is_open_are_data_loss),
        TEST(bytes_without_an_entry_get_the_files_time),
        TEST(entries_beyond_the_data_or_out_of_order_are_cut),
        TEST(an_entry_that_could_not_be_written_harms_no_other),
        TEST(any_damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
