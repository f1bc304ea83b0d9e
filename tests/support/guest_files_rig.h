/* guest_files_rig.h: files of the real guest, through the real channel. The sandbox's root is this machine's
 * here; all happens below one directory. Needs root; else skipped. */
#ifndef SK_TESTS_GUEST_FILES_RIG_H
#define SK_TESTS_GUEST_FILES_RIG_H

#include "support/guest_rig.h"

#include <ftw.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define USER "12345:12345"

static inline int box_setup(void **state)
{
    char pattern[] = "/tmp/sk-files-XXXXXX";
    if (rig_setup(state) != 0 || !mkdtemp(pattern) || chmod(pattern, 0755) < 0)
        return -1;
    ((struct rig *)*state)->driver = strdup(pattern);
    return 0;
}

static inline int tree_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    (void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
    return remove(path);
}

static inline int box_teardown(void **state)
{
    char *dir = ((struct rig *)*state)->driver;
    int failed = rig_teardown(state);
    failed = nftw(dir, tree_remove, 16, FTW_DEPTH | FTW_PHYS) != 0 || failed;
    free(dir);
    return failed;
}

/* A path of the box; one of eight buffers in turn. */
static inline const char *at(struct rig *rig, const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", (char *)rig->driver, name);
    return path;
}

static inline void make(const char *path, const char *text, uid_t owner, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchown(fd, owner, owner), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static inline void make_dir(const char *path, uid_t owner, mode_t mode)
{
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chown(path, owner, owner), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static inline void expect_file(const char *path, const char *text)
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

static inline void expect_look(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_uid, uid);
    assert_int_equal(st.st_gid, gid);
    assert_int_equal(st.st_mode & 07777, mode);
}

static inline ino_t inode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

/* Entries without those every directory has. */
static inline int names_in(const char *dir)
{
    return count_entries(dir) - 2;
}

static inline enum sk_code ask_read(struct rig *rig, const struct sk_file_ask *ask, int *out_fd)
{
    struct rig_call call;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_read(rig->guest, ask, out_fd, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err.code;
}

static inline enum sk_code write_open(struct rig *rig, uint64_t key, const char *user, const char *path,
                                      int *out_fd)
{
    struct rig_call call;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_write(rig->guest, key, &(struct sk_file_ask){path, "", user}, out_fd, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err.code;
}

static inline enum sk_code commit(struct rig *rig, uint64_t key)
{
    struct rig_call call;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->commit(rig->guest, key, &call.done);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err.code;
}

static inline enum sk_code write_path(struct rig *rig, const char *user, const char *path, const char *text)
{
    int fd = -1;
    enum sk_code code = write_open(rig, 1, user, path, &fd);
    if (code != SK_OK)
        return code;
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    return commit(rig, 1);
}

static inline void until_names(struct rig *rig, const char *dir, int wanted)
{
    for (int waited = 0; names_in(dir) != wanted && waited < RIG_LIMIT_MS; waited += 2)
        rig_idle(rig, 2);
    assert_int_equal(names_in(dir), wanted);
}

/* Mounts of the tests are theirs alone. False: only root may do that. */
static inline bool own_mounts(void)
{
    return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)

#endif
