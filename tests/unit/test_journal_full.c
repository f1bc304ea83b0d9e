/* A disk that refuses, and file systems that know no splice(2). The small disk is a tmpfs in a mount
 * namespace of our own, so nothing is left behind; without the right to mount, those tests are skipped,
 * loudly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/journal_pipe.h"
#include "support/journal_rig.h"

#include <sched.h>
#include <sys/mount.h>

enum { DISK = 256 * 1024, LEFT = DISK / 16, BALLOON = 128 * 1024, LIMIT = 8 * 1024 * 1024 };

struct disk {
    char path[64];
    bool mounted;
    struct journal_rig *rig;
};

static bool mount_disk(const char *path)
{
    char options[32];
    (void)snprintf(options, sizeof(options), "size=%d", DISK);
    return !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
           !mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options);
}

static int set_up(void **state)
{
    struct disk *disk = sk_alloc(sizeof(*disk));
    *state = disk;
    (void)snprintf(disk->path, sizeof(disk->path), "/tmp/sk-disk-XXXXXX");
    if (!mkdtemp(disk->path))
        return -1;
    disk->mounted = mount_disk(disk->path);
    if (!disk->mounted) {
        print_message("SKIPPED: no right to mount a small tmpfs: the full disk is NOT tested\n");
        return 0;
    }
    disk->rig = journal_rig_new(disk->path, LIMIT);
    return journal_rig_open(disk->rig) != SK_OK;
}

static int tear_down(void **state)
{
    struct disk *disk = *state;
    int left = disk->rig ? journal_rig_free(disk->rig) : 0;
    if (disk->mounted)
        left |= umount(disk->path);
    left |= rmdir(disk->path);
    free(disk);
    return left;
}

static struct journal_rig *rig_of(void **state)
{
    struct disk *disk = *state;
    if (!disk->rig)
        skip();
    return disk->rig;
}

static void balloon(const struct journal_rig *rig, size_t size, bool inflate)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/balloon", rig->base);
    if (!inflate) {
        assert_int_equal(unlink(path), 0);
        return;
    }
    SK_AUTO_FREE uint8_t *data = sk_alloc(size);
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void)!write(fd, data, size);
}

/* Bytes of the stream from `at` on into the pipe, as many as fit. */
static size_t feed(struct journal_rig *rig, uint64_t at)
{
    uint8_t data[10000];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = journal_rig_byte_at(at + i);
    ssize_t put = write(rig->in, data, sizeof(data));
    return put > 0 ? (size_t)put : 0;
}

/* Feeds and fills until the disk refuses; returns the bytes that went into the pipe in all. */
static uint64_t fill_up(struct journal_rig *rig, uint64_t fed)
{
    for (;;) {
        struct sk_journal_filled filled = {0};
        uint64_t end = sk_journal_end(rig->journal);
        fed += feed(rig, fed);
        sk_journal_fill(rig->journal, rig->out, &filled, journal_rig_done(rig));
        enum sk_code code = journal_rig_wait(rig);
        assert_int_equal(sk_journal_end(rig->journal), end + filled.len);
        if (code != SK_OK) {
            assert_int_equal(code, SK_RESOURCE_EXHAUSTED);
            return fed;
        }
    }
}

static void what_a_full_disk_does_not_take_stays_in_the_pipe(void **state)
{
    struct journal_rig *rig = rig_of(state);
    balloon(rig, BALLOON, true);
    uint64_t fed = fill_up(rig, 0);
    assert_true(sk_journal_end(rig->journal) < fed);
    assert_true(sk_journal_end(rig->journal) > DISK - BALLOON - LEFT - 24 * 1024);
    for (int i = 0; i < 5; i++) /* it goes on refusing, nothing moves */
        assert_int_equal(journal_rig_fill(rig, NULL), -1);
    assert_int_equal(journal_rig_check_stream(rig), sk_journal_end(rig->journal));
    balloon(rig, BALLOON, false);
    assert_true(journal_rig_fill(rig, NULL) > 0);
    assert_int_equal(sk_journal_end(rig->journal), fed);
    assert_int_equal(journal_rig_check_stream(rig), fed);
}

/* Else the one who fills it could not be ended: that, too, has to be written down. */
static void the_last_of_the_disk_is_left_to_others(void **state)
{
    struct journal_rig *rig = rig_of(state);
    balloon(rig, DISK - 3 * 4096, true); /* 10 000 bytes would fit */
    uint64_t fed = feed(rig, 0);
    assert_int_equal(journal_rig_fill(rig, NULL), -1);
    assert_int_equal(sk_journal_end(rig->journal), 0);
    balloon(rig, 0, false);
    assert_int_equal(journal_rig_fill(rig, NULL), (ssize_t)fed);
}

static void a_journal_on_a_full_disk_opens_and_reads(void **state)
{
    struct journal_rig *rig = rig_of(state);
    balloon(rig, BALLOON, true);
    uint64_t fed = fill_up(rig, 0), end = sk_journal_end(rig->journal);
    journal_rig_close(rig);
    assert_int_equal(journal_rig_open(rig), SK_OK);
    assert_int_equal(sk_journal_end(rig->journal), end);
    assert_int_equal(journal_rig_check_stream(rig), end);
    balloon(rig, BALLOON, false);
    assert_int_equal(journal_rig_fill(rig, NULL), (ssize_t)(fed - end));
    assert_int_equal(journal_rig_check_stream(rig), fed);
}

static void what_is_skipped_on_a_full_disk_is_a_hole(void **state)
{
    struct journal_rig *rig = rig_of(state);
    struct sk_journal_filled filled = {0};
    balloon(rig, BALLOON, true);
    uint64_t fed = fill_up(rig, 0), end = sk_journal_end(rig->journal);
    for (int i = 0; i < 4; i++) {
        sk_journal_skip(rig->journal, rig->out, &filled, journal_rig_done(rig));
        assert_int_equal(journal_rig_wait(rig), SK_OK);
        assert_int_equal(sk_journal_end(rig->journal), fed);
        fed += feed(rig, fed);
    }
    assert_int_equal(journal_rig_fill(rig, NULL), -1);
    balloon(rig, BALLOON, false);
    assert_int_equal(journal_rig_fill(rig, NULL), 10000);
    assert_int_equal(journal_rig_check_stream(rig), end + 10000);
    journal_rig_close(rig);
    assert_int_equal(journal_rig_open(rig), SK_OK);
    assert_int_equal(sk_journal_end(rig->journal), fed);
    assert_int_equal(journal_rig_check_stream(rig), end + 10000);
}

/* Not even an empty file can be made: the first fill fails, a later one works. */
static void a_segment_that_cannot_be_made_is_made_later(void **state)
{
    struct journal_rig *rig = rig_of(state);
    struct disk *disk = *state;
    assert_int_equal(mount(NULL, disk->path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    uint64_t fed = feed(rig, 0);
    assert_int_equal(journal_rig_fill(rig, NULL), -1);
    assert_int_equal(sk_journal_end(rig->journal), 0);
    assert_int_equal(mount(NULL, disk->path, NULL, MS_REMOUNT, NULL), 0);
    assert_int_equal(journal_rig_fill(rig, NULL), (ssize_t)fed);
    assert_int_equal(journal_rig_check_stream(rig), fed);
}

/* --- without splice --------------------------------------------------------------------------- */

/* Linux refuses to splice into a descriptor of O_APPEND: as good as a file system that cannot. */
static void bytes_are_copied_where_they_cannot_be_spliced(void **state)
{
    char path[] = "/tmp/sk-copy-XXXXXX";
    int ends[2], fd = mkstemp(path);
    uint8_t data[50000], back[50000];
    (void)state;
    assert_true(fd >= 0 && unlink(path) == 0 && fcntl(fd, F_SETFL, O_APPEND) == 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = journal_rig_byte_at(i);
    assert_int_equal(sk_pipe_move(ends[0], fd, 0, 1000), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(write(ends[1], data, sizeof(data)), sizeof(data));
    size_t at = 0;
    for (ssize_t got; (got = sk_pipe_move(ends[0], fd, at, 7777)) > 0;) {
        assert_in_range(got, 1, 7777);
        at += (size_t)got;
    }
    assert_int_equal(at, sizeof(data));
    assert_int_equal(pread(fd, back, sizeof(back), 0), sizeof(back));
    assert_memory_equal(back, data, sizeof(data));
    (void)close(ends[1]);
    assert_int_equal(sk_pipe_move(ends[0], fd, at, 1000), 0);
    (void)close(ends[0]);
    (void)close(fd);
}

/* What could not be written is still in the pipe. */
static void a_copy_that_fails_takes_nothing_out(void **state)
{
    char text[8] = "";
    int ends[2];
    SK_AUTO_FD int full = open("/dev/full", O_WRONLY | O_APPEND | O_CLOEXEC);
    (void)state;
    assert_true(full >= 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(ends[1], "safe", 4), 4);
    assert_int_equal(sk_pipe_move(ends[0], full, 0, 100), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(read(ends[0], text, sizeof(text)), 4);
    assert_string_equal(text, "safe");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_a_full_disk_does_not_take_stays_in_the_pipe),
        TEST(the_last_of_the_disk_is_left_to_others),
        TEST(a_journal_on_a_full_disk_opens_and_reads),
        TEST(what_is_skipped_on_a_full_disk_is_a_hole),
        TEST(a_segment_that_cannot_be_made_is_made_later),
        cmocka_unit_test(bytes_are_copied_where_they_cannot_be_spliced),
        cmocka_unit_test(a_copy_that_fails_takes_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
