#include "drivers/agent/guest/replace.h"

#include "drivers/agent/filesystem.h"
#include "drivers/agent/guest/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COPY_MAX                                                                                             \
    ((off_t)64 * 1024 * 1024) /* the daemon writes less; others may have written to the file too */

static bool is_ordinary(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && sk_filesystem_is_ordinary(&fs);
}

/* --- opening ---------------------------------------------------------------------------- */

/* The file that is to be replaced. */
struct old {
    bool exists;
    struct stat st;
};

static int old_judge(int path_fd, struct old *old)
{
    if (fstat(path_fd, &old->st) < 0)
        return errno;
    if (S_ISDIR(old->st.st_mode))
        return EISDIR;
    if (!S_ISREG(old->st.st_mode) || !is_ordinary(path_fd))
        return EINVAL;
    /* Being allowed to replace it is not enough: who may not write to it shall not do so by our hand. */
    if (syscall(SYS_faccessat2, path_fd, "", W_OK, AT_EACCESS | AT_EMPTY_PATH) < 0)
        return errno;
    old->exists = true;
    return 0;
}

static int old_look(const struct sk_place *place, struct old *old)
{
    old->exists = false;
    int path_fd = openat(place->dir_fd, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (path_fd < 0)
        return errno == ENOENT ? 0 : errno;
    int sys = old_judge(path_fd, old);
    (void)close(path_fd);
    return sys;
}

static int temp_make(struct sk_replace *replace)
{
    uint64_t number;
    if (!is_ordinary(replace->place.dir_fd))
        return EINVAL;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        return EAGAIN;
    (void)snprintf(replace->temp, sizeof replace->temp, ".sandkeep-%016llx", (unsigned long long)number);
    replace->file_fd = openat(replace->place.dir_fd, replace->temp,
                              O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (replace->file_fd >= 0)
        return 0;
    replace->temp[0] = 0;
    return errno;
}

/* Owner and mode of the old file, with the guest's own rights. What lets a
 * program run as another stays only where the user could set it anew. */
static int dress(int fd, const struct old *old, const struct sk_user *user)
{
    struct stat st;
    mode_t mode = 0644;
    if (old->exists) {
        bool is_own = old->st.st_uid == user->uid && (user->uid == 0 || old->st.st_gid == user->gid);
        mode = old->st.st_mode & (is_own ? 07777 : 01777);
        if (fstat(fd, &st) < 0)
            return errno;
        bool differs = st.st_uid != old->st.st_uid || st.st_gid != old->st.st_gid;
        if (differs && fchown(fd, old->st.st_uid, old->st.st_gid) < 0)
            return errno;
    }
    return fchmod(fd, mode) < 0 ? errno : 0;
}

static void temp_remove(struct sk_replace *replace)
{
    if (!replace->temp[0])
        return;
    /* A root without the capability to override permissions needs the user's. */
    if (unlinkat(replace->place.dir_fd, replace->temp, 0) < 0 && (errno == EACCES || errno == EPERM) &&
        sk_rights_take(&replace->user) == 0) {
        (void)unlinkat(replace->place.dir_fd, replace->temp, 0);
        sk_rights_return();
    }
    replace->temp[0] = 0;
}

static void file_close(struct sk_replace *replace)
{
    temp_remove(replace);
    if (replace->file_fd >= 0)
        (void)close(replace->file_fd);
    replace->file_fd = -1;
}

void sk_replace_drop(struct sk_replace *replace)
{
    file_close(replace);
    (void)close(replace->place.dir_fd);
}

/* Whether it is the place that refuses a second file, not a lack of means. */
static bool is_refusal(int sys)
{
    return sys == EACCES || sys == EPERM || sys == EROFS || sys == EBUSY || sys == EXDEV || sys == EINVAL;
}

static int apart_make(struct sk_replace *replace, const struct old *old, int temp_sys)
{
    int sys = temp_sys ? temp_sys : dress(replace->file_fd, old, &replace->user);
    if (sys == 0)
        return 0;
    file_close(replace);
    if (!old->exists || !is_refusal(sys))
        return sys;
    replace->file_fd = memfd_create("write", MFD_CLOEXEC);
    return replace->file_fd < 0 ? errno : 0;
}

int sk_replace_open(struct sk_replace *replace, const struct sk_open_text *text, const struct sk_user *user)
{
    struct old old;
    int temp_sys = 0, sys = sk_rights_take(user);
    if (sys)
        return sys;
    *replace = (struct sk_replace){.place.dir_fd = -1, .file_fd = -1, .user = *user};
    sys = sk_path_place(text, &replace->place);
    if (!sys)
        sys = old_look(&replace->place, &old);
    if (!sys)
        temp_sys = temp_make(replace);
    sk_rights_return();
    if (!sys)
        sys = apart_make(replace, &old, temp_sys);
    if (sys && replace->place.dir_fd >= 0)
        (void)close(replace->place.dir_fd);
    return sys;
}

/* --- ending -------------------------------------------------------------------------------- */

/* Overwrites `to` with the whole of `from`. */
static int copy_over(int from, int to)
{
    struct stat st;
    off_t at = 0;
    if (fstat(from, &st) < 0)
        return errno;
    if (st.st_size > COPY_MAX)
        return EFBIG;
    /* Space first, so that for want of it nothing is lost; not all file systems can say. */
    if (st.st_size > 0 && fallocate(to, FALLOC_FL_KEEP_SIZE, 0, st.st_size) < 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return errno;
    while (at < st.st_size) {
        ssize_t put = sendfile(to, from, &at, (size_t)(st.st_size - at));
        if (put <= 0)
            return put < 0 ? errno : EIO;
    }
    return ftruncate(to, st.st_size) < 0 ? errno : 0;
}

static int overwrite(const struct sk_replace *replace)
{
    struct stat st;
    int fd = openat(replace->place.dir_fd, replace->place.name,
                    O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int sys = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !is_ordinary(fd)
                  ? EINVAL
                  : copy_over(replace->file_fd, fd);
    (void)close(fd);
    return sys;
}

static int put_in_place(struct sk_replace *replace)
{
    int dir = replace->place.dir_fd, sys = EBUSY;
    if (replace->temp[0])
        sys = renameat(dir, replace->temp, dir, replace->place.name) < 0 ? errno : 0;
    if (sys == 0)
        replace->temp[0] = 0;
    if (!is_refusal(sys))
        return sys;
    int again = overwrite(replace);
    return again == ENOENT ? sys : again;
}

int sk_replace_commit(struct sk_replace *replace)
{
    int sys = sk_rights_take(&replace->user);
    if (!sys) {
        sys = put_in_place(replace);
        sk_rights_return();
    }
    sk_replace_drop(replace);
    return sys;
}
