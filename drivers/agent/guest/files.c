#include "drivers/agent/guest/files.h"

#include "drivers/agent/filesystem.h"
#include "drivers/agent/guest/copy.h"
#include "drivers/agent/guest/replace.h"
#include "drivers/agent/guest/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sk_write {
    struct sk_write *next;
    uint64_t key;
    struct sk_replace replace;
};

/* --- reading -------------------------------------------------------------------------- */

static bool is_of(int fd, long type)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && (long)fs.f_type == type;
}

/* Opened once, before anything runs in the sandbox that could mount something over it. */
void sk_files_init(struct sk_files *files)
{
    *files = (struct sk_files){.proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (files->proc_fd >= 0 && !is_of(files->proc_fd, PROC_SUPER_MAGIC)) {
        (void)close(files->proc_fd);
        files->proc_fd = -1;
    }
}

/* What was looked at is what is opened, and nothing but a regular file is
 * ever opened: opening a device does things. */
static int reopen(const struct sk_files *files, int path_fd, int *out_fd)
{
    struct stat st;
    char name[16];
    if (fstat(path_fd, &st) < 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    if (files->proc_fd < 0)
        return ENOSYS;
    (void)snprintf(name, sizeof name, "%d", path_fd);
    *out_fd = openat(files->proc_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return *out_fd < 0 ? errno : 0;
}

static int read_open(const struct sk_files *files, const struct sk_open_text *text, int *out_fd)
{
    struct statfs fs;
    int path_fd = -1, fd = -1, sys = sk_path_open(text, &path_fd);
    if (sys)
        return sys;
    sys = reopen(files, path_fd, &fd);
    (void)close(path_fd);
    if (sys)
        return sys;
    if (fstatfs(fd, &fs) == 0 && sk_filesystem_is_ordinary(&fs)) {
        *out_fd = fd;
        return 0;
    }
    sys = sk_copy_sealed(fd, out_fd);
    (void)close(fd);
    return sys;
}

static int read_as(const struct sk_files *files, const struct sk_open_text *text, const struct sk_user *user,
                   int *out_fd)
{
    int sys = sk_rights_take(user);
    if (sys)
        return sys;
    sys = read_open(files, text, out_fd);
    sk_rights_return();
    return sys;
}

/* --- terminals -------------------------------------------------------------------------- */

static int terminals_open(int *out_fd)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/dev/pts", &how, sizeof how);
    if (fd < 0)
        return errno;
    if (!is_of(fd, DEVPTS_SUPER_MAGIC)) {
        (void)close(fd);
        return ENODEV;
    }
    *out_fd = fd;
    return 0;
}

/* --- writing ---------------------------------------------------------------------------- */

/* The pointer to the write of this key, or to the list's end. */
static struct sk_write **write_seek(struct sk_files *files, uint64_t key)
{
    struct sk_write **at = &files->writes;
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    return at;
}

/* Out of the list; NULL when unknown. */
static struct sk_write *write_take(struct sk_files *files, uint64_t key)
{
    struct sk_write **at = write_seek(files, key), *write = *at;
    if (write) {
        *at = write->next;
        files->write_count--;
    }
    return write;
}

bool sk_files_has(const struct sk_files *files, uint64_t key)
{
    const struct sk_write *write = files->writes;
    while (write && write->key != key)
        write = write->next;
    return write;
}

static int write_start(struct sk_write *write, const struct sk_open_text *text, const struct sk_user *user,
                       int *out_fd)
{
    int sys = sk_replace_open(&write->replace, text, user);
    if (sys)
        return sys;
    int fd = fcntl(write->replace.file_fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        sys = errno;
        sk_replace_drop(&write->replace);
        return sys;
    }
    *out_fd = fd;
    return 0;
}

static int write_as(struct sk_files *files, uint64_t key, const struct sk_open_text *text,
                    const struct sk_user *user, int *out_fd)
{
    if (files->write_count >= SK_WIRE_OPENS_MAX)
        return EAGAIN;
    struct sk_write *write = malloc(sizeof *write);
    int sys = write ? write_start(write, text, user, out_fd) : ENOMEM;
    if (sys) {
        free(write);
        return sys;
    }
    write->key = key;
    write->next = files->writes;
    files->writes = write;
    files->write_count++;
    return 0;
}

int sk_files_commit(struct sk_files *files, uint64_t key)
{
    struct sk_write *write = write_take(files, key);
    int sys = write ? sk_replace_commit(&write->replace) : EBADF;
    free(write);
    return sys;
}

void sk_files_abandon(struct sk_files *files, uint64_t key)
{
    struct sk_write *write = write_take(files, key);
    if (write)
        sk_replace_drop(&write->replace);
    free(write);
}

void sk_files_abandon_all(struct sk_files *files)
{
    while (files->writes)
        sk_files_abandon(files, files->writes->key);
}

/* --- all ----------------------------------------------------------------------------------- */

int sk_files_open(struct sk_files *files, uint64_t key, enum sk_open_kind kind,
                  const struct sk_open_text *text, int *out_fd)
{
    struct sk_user user;
    if (kind == SK_OPEN_TERMINALS)
        return terminals_open(out_fd);
    if (!sk_user_resolve(text->user, "/etc/passwd", "/etc/group", &user))
        return ESRCH;
    return kind == SK_OPEN_READ ? read_as(files, text, &user, out_fd)
                                : write_as(files, key, text, &user, out_fd);
}
