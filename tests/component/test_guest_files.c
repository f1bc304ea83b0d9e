/* Files of the real guest, through the real channel. The sandbox's root is
 * this machine's here; all happens below one directory. Needs root; else skipped. */
#include "support/guest_rig.h"

#include <ftw.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define USER "12345:12345"

/* --- rig ---------------------------------------------------------------------------------- */

static int box_setup(void **state)
{
    char pattern[] = "/tmp/sk-files-XXXXXX";
    if (rig_setup(state) != 0 || !mkdtemp(pattern) || chmod(pattern, 0755) < 0)
        return -1;
    ((struct rig *)*state)->driver = strdup(pattern);
    return 0;
}

static int tree_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    (void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
    return remove(path);
}

static int box_teardown(void **state)
{
    char *dir = ((struct rig *)*state)->driver;
    int failed = rig_teardown(state);
    failed = nftw(dir, tree_remove, 16, FTW_DEPTH | FTW_PHYS) != 0 || failed;
    free(dir);
    return failed;
}

/* A path of the box; one of eight buffers in turn. */
static const char *at(struct rig *rig, const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", (char *)rig->driver, name);
    return path;
}

static void make(const char *path, const char *text, uid_t owner, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchown(fd, owner, owner), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static void make_dir(const char *path, uid_t owner, mode_t mode)
{
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chown(path, owner, owner), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void expect_file(const char *path, const char *text)
{
    char found[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, found, sizeof found - 1);
    (void)close(fd);
    assert_true(len >= 0);
    found[len] = 0;
    assert_string_equal(found, text);
}

static void expect_look(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_uid, uid);
    assert_int_equal(st.st_gid, gid);
    assert_int_equal(st.st_mode & 07777, mode);
}

static ino_t inode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

/* Entries without those every directory has. */
static int names_in(const char *dir)
{
    return count_entries(dir) - 2;
}

static enum sk_code ask_read(struct rig *rig, const struct sk_file_ask *ask, int *out_fd)
{
    struct rig_call call;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_read(rig->guest, ask, out_fd, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err.code;
}

static enum sk_code read_path(struct rig *rig, const char *user, const char *path, char *text, size_t size)
{
    int fd = -1;
    enum sk_code code = ask_read(rig, &(struct sk_file_ask){path, "", user}, &fd);
    if (code != SK_OK)
        return code;
    ssize_t got = pread(fd, text, size - 1, 0);
    assert_true(got >= 0);
    text[got] = 0;
    (void)close(fd);
    return SK_OK;
}

static enum sk_code refused(struct rig *rig, const char *user, const char *path)
{
    char text[4096];
    return read_path(rig, user, path, text, sizeof text);
}

static enum sk_code write_open(struct rig *rig, uint64_t key, const char *user, const char *path, int *out_fd)
{
    struct rig_call call;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_write(rig->guest, key, &(struct sk_file_ask){path, "", user}, out_fd, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err.code;
}

static enum sk_code commit(struct rig *rig, uint64_t key)
{
    struct rig_call call;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->commit(rig->guest, key, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err.code;
}

static enum sk_code write_path(struct rig *rig, const char *user, const char *path, const char *text)
{
    int fd = -1;
    enum sk_code code = write_open(rig, 1, user, path, &fd);
    if (code != SK_OK)
        return code;
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    return commit(rig, 1);
}

/* The rest of a line of the guest's /proc/…/status. */
static void guest_status(struct rig *rig, const char *name, char line[static 256])
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/status", rig->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    do
        line[0] = 0;
    while (fgets(line, 256, file) && strncmp(line, name, strlen(name)) != 0);
    (void)fclose(file);
}

static long guest_rss(struct rig *rig)
{
    char line[256];
    guest_status(rig, "VmRSS:", line);
    return strtol(line + 6, NULL, 10);
}

/* --- reading ------------------------------------------------------------------------------ */

static void files_are_read(void **state)
{
    struct rig *rig = *state;
    char text[4096];
    int fd = -1;
    rig_up(rig);
    make(at(rig, "plain"), "hello", 0, 0644);
    assert_int_equal(symlink("plain", at(rig, "link")), 0);
    assert_int_equal(read_path(rig, "", at(rig, "plain"), text, sizeof text), SK_OK);
    assert_string_equal(text, "hello");
    assert_int_equal(read_path(rig, USER, at(rig, "link"), text, sizeof text), SK_OK);
    assert_string_equal(text, "hello");
    assert_int_equal(ask_read(rig, &(struct sk_file_ask){"../plain", at(rig, "."), ""}, &fd), SK_NOT_FOUND);
    assert_int_equal(ask_read(rig, &(struct sk_file_ask){"./link", at(rig, "."), ""}, &fd), SK_OK);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    (void)close(fd);
}

static void what_is_no_file_is_refused(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    assert_int_equal(symlink("nowhere", at(rig, "dangling")), 0);
    assert_int_equal(symlink("loop", at(rig, "loop")), 0);
    assert_int_equal(mkfifo(at(rig, "fifo"), 0666), 0);
    assert_int_equal(refused(rig, "", at(rig, "none")), SK_NOT_FOUND);
    assert_int_equal(refused(rig, "", at(rig, "dangling")), SK_NOT_FOUND);
    assert_int_equal(refused(rig, "", at(rig, "loop")), SK_INVALID_ARGUMENT);
    assert_int_equal(refused(rig, "", at(rig, ".")), SK_FAILED_PRECONDITION);
    assert_int_equal(refused(rig, "", at(rig, "fifo")), SK_INVALID_ARGUMENT);
    assert_int_equal(refused(rig, "", "/dev/null"), SK_INVALID_ARGUMENT);
    assert_int_equal(refused(rig, "", "/proc/self/fd/0"), SK_INVALID_ARGUMENT);
    assert_int_equal(refused(rig, "", "/proc/self/root/etc/passwd"), SK_INVALID_ARGUMENT);
    assert_int_equal(refused(rig, "nobody-knows-this", at(rig, "fifo")), SK_INVALID_ARGUMENT);
    assert_int_equal(rig->lost, 0);
}

static void made_up_files_come_as_copies(void **state)
{
    struct rig *rig = *state;
    char text[8192];
    rig_up(rig);
    assert_int_equal(read_path(rig, USER, "/proc/self/status", text, sizeof text), SK_OK);
    assert_non_null(strstr(text, "Name:\tsandkeep-guest\n"));
    assert_non_null(strstr(text, "Uid:\t0\t0\t0\t12345\n")); /* while it was read */
    assert_int_equal(read_path(rig, "", "/proc/sys/kernel/ostype", text, sizeof text), SK_OK);
    assert_string_equal(text, "Linux\n");
    assert_int_not_equal(refused(rig, "", "/proc/kmsg"), SK_OK); /* has no end */
    assert_int_not_equal(refused(rig, "", "/proc/self/mem"), SK_OK);
    assert_int_not_equal(write_path(rig, "", "/proc/sys/kernel/ostype", "x"), SK_OK);
    assert_int_not_equal(write_path(rig, "", "/proc/self/oom_score_adj", "0"), SK_OK);
    assert_int_equal(rig->lost, 0);
}

static void rights_are_the_users_and_come_back(void **state)
{
    static const char *const lines[] = {"Uid:", "Gid:", "Groups:", "CapEff:", "CapPrm:"};
    struct rig *rig = *state;
    char before[5][256], after[256], text[64];
    rig_up(rig);
    make(at(rig, "secret"), "s", 0, 0600);
    make_dir(at(rig, "closed"), 0, 0700);
    make(at(rig, "closed/open"), "o", 0, 0644);
    for (int i = 0; i < 5; i++)
        guest_status(rig, lines[i], before[i]);
    assert_int_equal(refused(rig, USER, at(rig, "secret")), SK_PERMISSION_DENIED);
    assert_int_equal(refused(rig, USER, at(rig, "closed/open")), SK_PERMISSION_DENIED);
    assert_int_equal(refused(rig, "0:12345", at(rig, "secret")), SK_OK);
    assert_int_equal(write_path(rig, USER, at(rig, "secret"), "x"), SK_PERMISSION_DENIED);
    assert_int_equal(write_path(rig, USER, at(rig, "closed/new"), "x"), SK_PERMISSION_DENIED);
    assert_int_equal(write_path(rig, USER, at(rig, "a/b/new"), "x"), SK_PERMISSION_DENIED);
    for (int i = 0; i < 5; i++) {
        guest_status(rig, lines[i], after);
        assert_string_equal(after, before[i]);
    }
    assert_int_equal(read_path(rig, "", at(rig, "secret"), text, sizeof text), SK_OK);
    assert_string_equal(text, "s");
    assert_int_equal(names_in(rig->driver), 2);
}

/* --- writing ------------------------------------------------------------------------------ */

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

/* --- endings ------------------------------------------------------------------------------ */

static void until_names(struct rig *rig, const char *dir, int wanted)
{
    for (int tries = 0; names_in(dir) != wanted && tries < 1000; tries++)
        rig_idle(rig, 2);
    assert_int_equal(names_in(dir), wanted);
}

static void abandoned_writes_leave_no_trace(void **state)
{
    struct rig *rig = *state;
    int fd = -1;
    rig_up(rig);
    make(at(rig, "file"), "old", 0, 0644);
    assert_int_equal(write_open(rig, 7, "", at(rig, "file"), &fd), SK_OK);
    assert_int_equal(write(fd, "new", 3), 3);
    (void)close(fd);
    assert_int_equal(names_in(rig->driver), 2);
    rig->agent->ops->abandon(rig->guest, 7);
    until_names(rig, rig->driver, 1);
    expect_file(at(rig, "file"), "old");
}

static void a_lost_daemon_leaves_no_trace(void **state)
{
    struct rig *rig = *state;
    char name[16], fds[64];
    rig_up(rig);
    (void)snprintf(fds, sizeof fds, "/proc/%d/fd", rig->pid);
    int before = names_in(fds);
    for (uint64_t key = 1; key <= 20; key++) {
        int fd = -1;
        (void)snprintf(name, sizeof name, "file-%d", (int)key);
        assert_int_equal(write_open(rig, key, "", at(rig, name), &fd), SK_OK);
        (void)close(fd);
    }
    assert_int_equal(names_in(rig->driver), 20);
    rig->agent->ops->close(rig->guest, false);
    rig->guest = NULL;
    until_names(rig, rig->driver, 0); /* before anybody listens again */
    rig_open(rig);
    assert_int_equal(rig_await(rig), SK_OK);
    until_names(rig, fds, before);
    assert_int_equal(write_path(rig, "", at(rig, "file"), "new"), SK_OK);
}

/* --- races ---------------------------------------------------------------------------------- */

static void a_moved_directory_keeps_its_file(void **state)
{
    struct rig *rig = *state;
    int fd = -1;
    rig_up(rig);
    make_dir(at(rig, "here"), 0, 0755);
    make_dir(at(rig, "elsewhere"), 0, 0755);
    assert_int_equal(write_open(rig, 1, "", at(rig, "here/file"), &fd), SK_OK);
    assert_int_equal(write(fd, "new", 3), 3);
    (void)close(fd);
    assert_int_equal(rename(at(rig, "here"), at(rig, "moved")), 0);
    assert_int_equal(symlink("elsewhere", at(rig, "here")), 0);
    assert_int_equal(commit(rig, 1), SK_OK);
    expect_file(at(rig, "moved/file"), "new");
    assert_int_equal(names_in(at(rig, "elsewhere")), 0);
    assert_int_equal(names_in(at(rig, "moved")), 1);
}

/* A process that swaps a directory with a link, and a file with a link, until it is killed. */
static int swapper(struct rig *rig)
{
    const char *dir = at(rig, "home/d"), *link = at(rig, "home/l");
    const char *file = at(rig, "home/f"), *other = at(rig, "home/o");
    int pid = fork();
    if (pid != 0)
        return pid;
    for (;;) {
        (void)renameat2(AT_FDCWD, dir, AT_FDCWD, link, RENAME_EXCHANGE);
        (void)renameat2(AT_FDCWD, file, AT_FDCWD, other, RENAME_EXCHANGE);
    }
}

static void swapped_links_lead_nowhere_else(void **state)
{
    struct rig *rig = *state;
    const char *paths[] = {at(rig, "home/d/f"), at(rig, "home/f")};
    char text[64];
    int done = 0, refusals = 0;
    rig_up(rig);
    make_dir(at(rig, "home"), 12345, 0755);
    make_dir(at(rig, "home/d"), 12345, 0755);
    make(at(rig, "home/f"), "mine", 12345, 0644);
    make_dir(at(rig, "outside"), 0, 0755);
    make(at(rig, "outside/f"), "secret", 0, 0600);
    assert_int_equal(symlink("../outside", at(rig, "home/l")), 0);
    assert_int_equal(symlink("../outside/f", at(rig, "home/o")), 0);
    paths[0] = strdup(at(rig, "home/d/f")); /* the buffers of at() are used up below */
    paths[1] = strdup(at(rig, "home/f"));
    int pid = swapper(rig);
    for (int i = 0; i < 1000; i++) {
        text[0] = 0;
        enum sk_code code = i % 4 < 2 ? write_path(rig, USER, paths[i % 2], "mine")
                                      : read_path(rig, USER, paths[i % 2], text, sizeof text);
        done += code == SK_OK;
        refusals += code == SK_PERMISSION_DENIED;
        assert_string_not_equal(text, "secret");
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    free((void *)(uintptr_t)paths[0]);
    free((void *)(uintptr_t)paths[1]);
    print_message("%d done, %d refused\n", done, refusals);
    assert_true(done > 0);
    assert_true(refusals > 0);
    expect_file(at(rig, "outside/f"), "secret");
    assert_int_equal(names_in(at(rig, "outside")), 1);
    assert_int_equal(names_in(at(rig, "home")), 4);
    assert_int_equal(rig->lost, 0);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(9, "true")), 0);
}

static void many_leave_nothing(void **state)
{
    struct rig *rig = *state;
    char fds[64];
    rig_up(rig);
    (void)snprintf(fds, sizeof fds, "/proc/%d/fd", rig->pid);
    assert_int_equal(write_path(rig, USER, at(rig, "x"), "x"), SK_PERMISSION_DENIED);
    assert_int_equal(write_path(rig, "", at(rig, "file"), "x"), SK_OK);
    assert_int_equal(refused(rig, USER, "/proc/self/status"), SK_OK);
    rig_idle(rig, 20); /* the guest closes its own once it has sent it */
    int guest_before = names_in(fds), own_before = count_entries("/proc/self/fd");
    long rss_before = guest_rss(rig);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(write_path(rig, "", at(rig, "file"), "text"), SK_OK);
        assert_int_equal(refused(rig, USER, i % 2 ? at(rig, "file") : "/proc/self/status"), SK_OK);
    }
    until_names(rig, fds, guest_before);
    assert_int_equal(count_entries("/proc/self/fd"), own_before);
    assert_true(guest_rss(rig) <=
                rss_before + 256); /* KiB; the kernel's count is exact to some 32 pages a cpu */
    assert_int_equal(names_in(rig->driver), 1);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(files_are_read),
        FILE_TEST(what_is_no_file_is_refused),
        FILE_TEST(made_up_files_come_as_copies),
        FILE_TEST(rights_are_the_users_and_come_back),
        FILE_TEST(new_files_are_made_with_their_parents),
        FILE_TEST(replaced_files_keep_owner_and_mode),
        FILE_TEST(links_are_followed),
        FILE_TEST(what_cannot_be_written_is_refused),
        FILE_TEST(in_place_where_it_must_be),
        FILE_TEST(who_may_not_write_may_not_replace),
        FILE_TEST(mounted_files),
        FILE_TEST(lack_of_space_harms_nothing),
        FILE_TEST(lack_of_descriptors_is_told),
        FILE_TEST(abandoned_writes_leave_no_trace),
        FILE_TEST(a_lost_daemon_leaves_no_trace),
        FILE_TEST(a_moved_directory_keeps_its_file),
        FILE_TEST(swapped_links_lead_nowhere_else),
        FILE_TEST(many_leave_nothing),
    };
    /* Mounts of the tests are theirs alone. */
    if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
