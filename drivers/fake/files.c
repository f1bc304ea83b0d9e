#include "drivers/fake/files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* A file in its place, or one that is being written. */
struct file {
    struct sk_list link;
    char *path;   /* absolute, without "." and ".." */
    uint64_t key; /* while it is being written */
    int fd;
};

void sk_fake_files_init(struct sk_fake_files *files)
{
    sk_list_init(&files->files);
    sk_list_init(&files->writes);
}

static void drop(struct file *file)
{
    sk_list_remove(&file->link);
    sk_close_fd(&file->fd);
    free(file->path);
    free(file);
}

static void drop_all(struct sk_list *list)
{
    sk_list_each(list, node) drop(sk_list_entry(node, struct file, link));
}

void sk_fake_files_abandon_all(struct sk_fake_files *files)
{
    drop_all(&files->writes);
}

void sk_fake_files_fini(struct sk_fake_files *files)
{
    drop_all(&files->files);
    drop_all(&files->writes);
}

/* --- paths ----------------------------------------------------------------------- */

static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static bool is_directory(const struct sk_fake_files *files, const char *path)
{
    static const char *const usual[] = {"/",     "/bin", "/broken", "/etc", "/full",
                                        "/home", "/tmp", "/root",   "/usr", "/var"};
    for (size_t i = 0; i < sk_array_len(usual); i++)
        if (strcmp(path, usual[i]) == 0)
            return true;
    sk_list_each(&files->files, node)
    {
        if (is_below(sk_list_entry(node, struct file, link)->path, path))
            return true;
    }
    return false;
}

static struct file *find(const struct sk_fake_files *files, const char *path)
{
    sk_list_each(&files->files, node)
    {
        struct file *file = sk_list_entry(node, struct file, link);
        if (strcmp(file->path, path) == 0)
            return file;
    }
    return NULL;
}

static bool is_below_a_file(const struct sk_fake_files *files, const char *path)
{
    sk_list_each(&files->files, node)
    {
        if (is_below(path, sk_list_entry(node, struct file, link)->path))
            return true;
    }
    return false;
}

/* Appends one component to an absolute path without a slash at its end ("" = the root). */
static void step(char *path, const char *name, size_t len)
{
    char *slash = strrchr(path, '/');
    if (len == 0 || (len == 1 && name[0] == '.'))
        return;
    if (len == 2 && name[0] == '.' && name[1] == '.') {
        if (slash)
            *slash = 0;
        return;
    }
    size_t at = strlen(path);
    path[at] = '/';
    memcpy(path + at + 1, name, len);
    path[at + 1 + len] = 0;
}

/* Absolute, whatever is asked for. */
static char *resolve(const struct sk_file_ask *ask)
{
    SK_AUTO_FREE char *whole =
        ask->path[0] == '/' ? sk_strdup(ask->path) : sk_printf("%s/%s", ask->working_dir, ask->path);
    char *path = sk_alloc(strlen(whole) + 2);
    for (const char *at = whole; *at;) {
        size_t len = strcspn(at, "/");
        step(path, at, len);
        at += len + (at[len] == '/');
    }
    if (!path[0])
        path[0] = '/';
    return path;
}

static bool is_root(const char *user)
{
    size_t len = strcspn(user, ":");
    return len == 0 || (len == 1 && user[0] == '0') || (len == 4 && strncmp(user, "root", 4) == 0);
}

static enum sk_code fail_for(struct sk_err *err, enum sk_code code, const char *reason, const char *sentence)
{
    (void)sk_fail(err, code, "open the file: %s", sentence);
    if (err)
        (void)sk_err_reason(err, reason);
    return code;
}

/* What no file of that path could be. */
static enum sk_code check(const struct sk_fake_files *files, const struct sk_file_ask *ask, const char *path,
                          struct sk_err *err)
{
    if (strcmp(ask->user, "nosuch") == 0)
        return sk_fail(err, SK_INVALID_ARGUMENT, "no such user in the sandbox");
    if (strlen(ask->path) >= PATH_MAX)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the path is too long");
    if (is_below(path, "/root") && !is_root(ask->user))
        return fail_for(err, SK_PERMISSION_DENIED, "FILE_PERMISSION_DENIED", "Permission denied");
    if (is_below(path, "/broken"))
        return fail_for(err, SK_INTERNAL, "FILE_IO_FAILED", "Input/output error");
    if (is_directory(files, path))
        return fail_for(err, SK_FAILED_PRECONDITION, "FILE_IS_DIRECTORY", "Is a directory");
    if (is_below_a_file(files, path))
        return fail_for(err, SK_NOT_FOUND, "FILE_NOT_FOUND", "Not a directory");
    return SK_OK;
}

/* --- reading and writing ------------------------------------------------------------ */

/* A description of its own, as if opened by path. */
static enum sk_code reopen(int fd, int flags, int *out_fd, struct sk_err *err)
{
    char link[64];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    int opened = open(link, flags | O_CLOEXEC);
    if (opened < 0)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "no descriptor is left");
    *out_fd = opened;
    return SK_OK;
}

enum sk_code sk_fake_files_read(struct sk_fake_files *files, const struct sk_file_ask *ask, int *out_fd,
                                struct sk_err *err)
{
    SK_AUTO_FREE char *path = resolve(ask);
    enum sk_code code = check(files, ask, path, err);
    if (code != SK_OK)
        return code;
    struct file *file = find(files, path);
    if (!file)
        return fail_for(err, SK_NOT_FOUND, "FILE_NOT_FOUND", "No such file or directory");
    return reopen(file->fd, O_RDONLY, out_fd, err);
}

enum sk_code sk_fake_files_write(struct sk_fake_files *files, uint64_t key, const struct sk_file_ask *ask,
                                 int *out_fd, struct sk_err *err)
{
    SK_AUTO_FREE char *path = resolve(ask);
    enum sk_code code = check(files, ask, path, err);
    if (code != SK_OK)
        return code;
    SK_AUTO_FD int fd = memfd_create("fake", MFD_CLOEXEC);
    if (fd < 0)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "no descriptor is left");
    code = reopen(fd, O_WRONLY, out_fd, err);
    if (code != SK_OK)
        return code;
    struct file *file = sk_alloc(sizeof(*file));
    *file = (struct file){.path = sk_take(path), .key = key, .fd = sk_take_fd(&fd)};
    sk_list_append(&files->writes, &file->link);
    return SK_OK;
}

static struct file *find_write(const struct sk_fake_files *files, uint64_t key)
{
    sk_list_each(&files->writes, node)
    {
        struct file *file = sk_list_entry(node, struct file, link);
        if (file->key == key)
            return file;
    }
    return NULL;
}

enum sk_code sk_fake_files_commit(struct sk_fake_files *files, uint64_t key, struct sk_err *err)
{
    struct file *file = find_write(files, key);
    if (!file)
        return sk_fail(err, SK_INTERNAL, "the guest does not know the file");
    if (is_below(file->path, "/full"))
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "put the file in its place: No space left on device");
    struct file *old = find(files, file->path);
    if (old)
        drop(old);
    sk_list_remove(&file->link);
    sk_list_append(&files->files, &file->link);
    return SK_OK;
}

void sk_fake_files_abandon(struct sk_fake_files *files, uint64_t key)
{
    struct file *file = find_write(files, key);
    if (file)
        drop(file);
}

size_t sk_fake_files_written(const struct sk_fake_files *files)
{
    size_t count = 0;
    sk_list_each(&files->writes, node) count++;
    return count;
}
