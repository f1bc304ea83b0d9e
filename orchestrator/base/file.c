#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

static enum sk_code fail(struct sk_err *err, const char *path)
{
    int sys = errno;
    return sk_fail_sys(err, sk_code_from_errno(sys), sys, "cannot read %s", path);
}

/* Up to `max` bytes; -1 with errno. */
static ssize_t read_all(int fd, char *text, size_t max)
{
    size_t len = 0;

    while (len < max) {
        ssize_t got = read(fd, text + len, max - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

static enum sk_code load(const char *path, size_t max, char **out_text, size_t *out_len,
                         struct stat *out_info, struct sk_err *err)
{
    /* O_NONBLOCK: a FIFO in the file's place must not stop us. */
    SK_AUTO_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    SK_AUTO_FREE char *text = NULL;
    ssize_t len;

    if (fd < 0 || fstat(fd, out_info))
        return fail(err, path);
    if (!S_ISREG(out_info->st_mode))
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s is not a file", path);
    text = sk_alloc(max + 2); /* one byte tells that there is more, one is the NUL */
    len = read_all(fd, text, max + 1);
    if (len < 0)
        return fail(err, path);
    if ((size_t)len > max)
        return sk_fail(err, SK_OUT_OF_RANGE, "%s is larger than %zu bytes", path, max);
    *out_len = (size_t)len;
    *out_text = sk_take(text);
    return SK_OK;
}

enum sk_code sk_file_load(const char *path, size_t max, char **out_text, size_t *out_len, mode_t *out_mode,
                          struct sk_err *err)
{
    struct stat info = {0};
    enum sk_code code = load(path, max, out_text, out_len, &info, err);

    if (code == SK_OK)
        *out_mode = info.st_mode;
    return code;
}

/* Bits for a group or others count although an access list may say less: whoever put them there did not mean
 * a secret. */
static enum sk_code check_private(const char *path, const struct stat *info, struct sk_err *err)
{
    if (info->st_uid != 0 && info->st_uid != geteuid())
        return sk_fail(err, SK_PERMISSION_DENIED, "%s holds secrets and belongs to user %u, give it to root",
                       path, (unsigned)info->st_uid);
    if (info->st_mode & (S_IRWXG | S_IRWXO))
        return sk_fail(err, SK_PERMISSION_DENIED,
                       "%s holds secrets and others may use it (mode %04o), give it mode 0600", path,
                       (unsigned)info->st_mode & 07777u);
    return SK_OK;
}

enum sk_code sk_file_load_private(const char *path, size_t max, char **out_text, size_t *out_len,
                                  struct sk_err *err)
{
    SK_AUTO_FREE char *text = NULL;
    struct stat info = {0};
    size_t len = 0;
    enum sk_code code = load(path, max, &text, &len, &info, err);

    if (code == SK_OK)
        code = check_private(path, &info, err); /* of what was read, not of what the path names by now */
    if (code != SK_OK)
        return code;
    *out_len = len;
    *out_text = sk_take(text);
    return SK_OK;
}

/* --- writing -------------------------------------------------------------------- */

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, data, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        data += written;
        len -= (size_t)written;
    }
    return true;
}

enum sk_code sk_file_replace_at(int folder, const char *name, const void *data, size_t len, mode_t mode,
                                struct sk_err *err)
{
    SK_AUTO_FREE char *fresh = sk_printf("%s.new", name);
    SK_AUTO_FD int fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd >= 0 && write_all(fd, data, len) && fchmod(fd, mode) == 0 && fsync(fd) == 0 &&
        renameat(folder, fresh, folder, name) == 0 && fsync(folder) == 0)
        return SK_OK;
    int sys = errno;
    return sk_fail_sys(err, sk_code_from_errno(sys), sys, "cannot write %s", name);
}

enum sk_code sk_file_replace(const char *path, const void *data, size_t len, mode_t mode, struct sk_err *err)
{
    SK_AUTO_FREE char *folder_name = sk_strdup(path), *name = sk_strdup(path);
    SK_AUTO_FD int folder = open(dirname(folder_name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0) {
        int sys = errno;
        return sk_fail_sys(err, sk_code_from_errno(sys), sys, "cannot write %s", path);
    }
    return sk_file_replace_at(folder, basename(name), data, len, mode, err);
}
