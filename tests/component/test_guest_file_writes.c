/* Files of the real guest: how they are written. */
#include "support/guest_files_rig.h"

#include <sys/resource.h>

static void new_files_are_made_with_their_parents(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    make_dir(at(rig, "home"), 12345, 0755);
    assert_int_equal(write_path(rig, USER, at(rig, "home//a/./b/file"), "new"), SK_OK);
    expect_file(at(rig, "home/a/b/file"), "new");
    expect_look(at(rig, "home/a"), 12345, 12345, 0755);
    expect_look(at(rig, "home/a/b"), 12345, 12345, 0755);
    expect_look(at(rig, "home/a/b/file"), 12345, 12345, 0644);
    assert_int_equal(names_in(at(rig, "home/a/b")), 1);
    assert_int_equal(write_path(rig, "", at(rig, "home/a/b/file/c"), "x"), SK_NOT_FOUND);
}

static void replaced_files_keep_owner_and_mode(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    make(at(rig, "theirs"), "old", 111, 0640);
    make(at(rig, "suid"), "old", 111, 04755);
    make(at(rig, "mine"), "old", 0, 04750);
    ino_t before = inode_of(at(rig, "theirs"));
    assert_int_equal(write_path(rig, "", at(rig, "theirs"), "1"), SK_OK);
    assert_int_equal(write_path(rig, "", at(rig, "suid"), "2"), SK_OK);
    assert_int_equal(write_path(rig, "", at(rig, "mine"), ""), SK_OK);
    expect_file(at(rig, "theirs"), "1");
    expect_file(at(rig, "mine"), "");
    expect_look(at(rig, "theirs"), 111, 111, 0640);
    expect_look(at(rig, "suid"), 111, 111, 0755);
    expect_look(at(rig, "mine"), 0, 0, 04750);
    assert_int_not_equal(inode_of(at(rig, "theirs")), before);
    assert_int_equal(names_in(rig->driver), 3);
}

static void links_are_followed(void **state)
{
    struct rig *rig = *state;
    struct stat st;
    rig_up(rig);
    make_dir(at(rig, "d"), 0, 0755);
    make(at(rig, "d/target"), "old", 0, 0600);
    assert_int_equal(symlink("d/target", at(rig, "link")), 0);
    assert_int_equal(symlink("d/made/later", at(rig, "dangling")), 0);
    assert_int_equal(symlink("loop", at(rig, "loop")), 0);
    assert_int_equal(symlink("d", at(rig, "to-dir")), 0);
    assert_int_equal(write_path(rig, "", at(rig, "link"), "new"), SK_OK);
    expect_file(at(rig, "d/target"), "new");
    expect_look(at(rig, "d/target"), 0, 0, 0600);
    assert_int_equal(lstat(at(rig, "link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(write_path(rig, "", at(rig, "dangling"), "late"), SK_OK);
    expect_file(at(rig, "d/made/later"), "late");
    assert_int_equal(write_path(rig, "", at(rig, "loop"), "x"), SK_INVALID_ARGUMENT);
    assert_int_equal(write_path(rig, "", at(rig, "to-dir"), "x"), SK_FAILED_PRECONDITION);
    assert_int_equal(write_path(rig, "", "/proc/self/fd/0", "x"), SK_INVALID_ARGUMENT);
    assert_int_equal(write_path(rig, "", "/proc/self/root/tmp/x", "x"), SK_INVALID_ARGUMENT);
}

static void what_cannot_be_written_is_refused(void **state)
{
    struct rig *rig = *state;
    char long_name[300];
    rig_up(rig);
    assert_int_equal(mkfifo(at(rig, "fifo"), 0666), 0);
    memset(long_name, 'n', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    assert_int_equal(write_path(rig, "", at(rig, "fifo"), "x"), SK_INVALID_ARGUMENT);
    assert_int_equal(write_path(rig, "", "/dev/null", "x"), SK_INVALID_ARGUMENT);
    assert_int_equal(write_path(rig, "", at(rig, "."), "x"), SK_FAILED_PRECONDITION);
    assert_int_equal(write_path(rig, "", at(rig, "new/"), "x"), SK_FAILED_PRECONDITION);
    assert_int_equal(write_path(rig, "", "/", "x"), SK_FAILED_PRECONDITION);
    assert_int_equal(write_path(rig, "", long_name, "x"), SK_INVALID_ARGUMENT);
    assert_int_equal(names_in(rig->driver), 1);
    assert_int_equal(rig->lost, 0);
}

/* Where no second file can be made, or may not take the first one's name. */
static void in_place_where_it_must_be(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    make_dir(at(rig, "closed"), 0, 0755);
    make(at(rig, "closed/mine"), "a longer old text", 12345, 0640);
    make(at(rig, "closed/theirs"), "old", 0, 0644);
    make_dir(at(rig, "sticky"), 0, 01777);
    make(at(rig, "sticky/shared"), "old", 111, 0666);
    ino_t mine = inode_of(at(rig, "closed/mine")), shared = inode_of(at(rig, "sticky/shared"));
    assert_int_equal(write_path(rig, USER, at(rig, "closed/mine"), "new"), SK_OK);
    expect_file(at(rig, "closed/mine"), "new");
    expect_look(at(rig, "closed/mine"), 12345, 12345, 0640);
    assert_int_equal(inode_of(at(rig, "closed/mine")), mine);
    assert_int_equal(write_path(rig, USER, at(rig, "closed/theirs"), "x"), SK_PERMISSION_DENIED);
    assert_int_equal(write_path(rig, USER, at(rig, "sticky/shared"), "new"), SK_OK);
    expect_file(at(rig, "sticky/shared"), "new");
    expect_look(at(rig, "sticky/shared"), 111, 111, 0666);
    assert_int_equal(inode_of(at(rig, "sticky/shared")), shared);
    assert_int_equal(names_in(at(rig, "closed")), 2);
    assert_int_equal(names_in(at(rig, "sticky")), 1);
}

static void who_may_not_write_may_not_replace(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    make_dir(at(rig, "home"), 12345, 0755);
    make(at(rig, "home/roots"), "old", 0, 0644);
    assert_int_equal(write_path(rig, USER, at(rig, "home/roots"), "x"), SK_PERMISSION_DENIED);
    expect_file(at(rig, "home/roots"), "old");
    assert_int_equal(names_in(at(rig, "home")), 1);
}

static void mounted_files(void **state)
{
    struct rig *rig = *state;
    const char *source = at(rig, "source"), *target = at(rig, "target"), *fixed = at(rig, "fixed");
    make(source, "old", 0, 0644);
    make(target, "below", 0, 0644);
    make(fixed, "below", 0, 0644);
    assert_int_equal(mount(source, target, NULL, MS_BIND, NULL), 0);
    assert_int_equal(mount(source, fixed, NULL, MS_BIND, NULL), 0);
    assert_int_equal(mount(NULL, fixed, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
    rig_up(rig);
    assert_int_equal(write_path(rig, "", target, "new"), SK_OK);
    expect_file(source, "new");
    assert_int_equal(write_path(rig, "", fixed, "x"), SK_PERMISSION_DENIED);
    expect_file(source, "new");
    assert_int_equal(names_in(rig->driver), 3);
}

static void lack_of_space_harms_nothing(void **state)
{
    static char much[600 * 1024];
    struct rig *rig = *state;
    int fd = -1;
    make_dir(at(rig, "small"), 0, 0755);
    assert_int_equal(mount("tmpfs", at(rig, "small"), "tmpfs", 0, "size=1m"), 0);
    assert_int_equal(chmod(at(rig, "small"), 0755), 0);
    make(at(rig, "small/mine"), "old", 12345, 0644);
    memset(much, 'x', sizeof much - 1);
    make(at(rig, "small/other"), much, 0, 0644);
    rig_up(rig);
    assert_int_equal(write_open(rig, 1, USER, at(rig, "small/mine"), &fd), SK_OK);
    assert_int_equal(write(fd, much, sizeof much), (ssize_t)sizeof much);
    (void)close(fd);
    assert_int_equal(commit(rig, 1), SK_RESOURCE_EXHAUSTED);
    expect_file(at(rig, "small/mine"), "old");
    assert_int_equal(names_in(at(rig, "small")), 2);
    assert_int_equal(rig->lost, 0);
}

static void lack_of_descriptors_is_told(void **state)
{
    struct rig *rig = *state;
    struct rlimit usual, scarce;
    char fds[64];
    int fd = -1;
    rig_up(rig);
    make(at(rig, "plain"), "hello", 0, 0644);
    (void)snprintf(fds, sizeof fds, "/proc/%d/fd", rig->pid);
    assert_int_equal(prlimit(rig->pid, RLIMIT_NOFILE, NULL, &usual), 0);
    for (rlim_t extra = 0; extra < 4; extra++) {
        scarce = (struct rlimit){(rlim_t)names_in(fds) + extra, usual.rlim_max};
        assert_int_equal(prlimit(rig->pid, RLIMIT_NOFILE, &scarce, NULL), 0);
        if (write_open(rig, 1, "", at(rig, "plain"), &fd) == SK_OK) {
            (void)close(fd);
            rig->agent->ops->abandon(rig->guest, 1);
        } else {
            assert_true(extra < 3);
        }
        if (ask_read(rig, &(struct sk_file_ask){at(rig, "plain"), "", ""}, &fd) == SK_OK)
            (void)close(fd);
        else
            assert_true(extra < 2);
    }
    assert_int_equal(prlimit(rig->pid, RLIMIT_NOFILE, &usual, NULL), 0);
    assert_int_equal(write_path(rig, "", at(rig, "plain"), "fine"), SK_OK);
    assert_int_equal(names_in(rig->driver), 1);
    assert_int_equal(rig->lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(new_files_are_made_with_their_parents),
        FILE_TEST(replaced_files_keep_owner_and_mode),
        FILE_TEST(links_are_followed),
        FILE_TEST(what_cannot_be_written_is_refused),
        FILE_TEST(in_place_where_it_must_be),
        FILE_TEST(who_may_not_write_may_not_replace),
        FILE_TEST(mounted_files),
        FILE_TEST(lack_of_space_harms_nothing),
        FILE_TEST(lack_of_descriptors_is_told),
    };
    if (!own_mounts())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
