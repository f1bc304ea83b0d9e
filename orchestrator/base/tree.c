#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64

/* --- mounts ------------------------------------------------------------------ */

/* "\040" for a blank and so on, in place. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from; to++) {
        unsigned code = 0;
        int digits = 0;
        if (from[0] == '\\' && sscanf(from + 1, "%3o%n", &code, &digits) == 1 && digits == 3) {
            *to = (char)code;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* The fifth field of a line of mountinfo; NULL when there is none. */
static char *mount_point_of(char *line)
{
    char *rest = line, *field = NULL;

    for (int i = 0; i < 5; i++)
        field = strsep(&rest, " ");
    if (field)
        unescape(field);
    return field;
}

static bool is_at_or_below(const char *point, const char *path)
{
    size_t len = strlen(path);
    return strncmp(point, path, len) == 0 && (point[len] == '/' || point[len] == '\0');
}

/* Lazily, so that neither the order of mounts nor who still looks into one matters. */
static void detach_mounts(const char *path)
{
    SK_AUTO_FILE FILE *table = fopen("/proc/self/mountinfo", "re");
    SK_AUTO_FREE char *line = NULL;
    size_t size = 0;

    while (table && getline(&line, &size, table) > 0) {
        const char *point = mount_point_of(line);
        if (point && is_at_or_below(point, path))
            (void)umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW);
    }
}

/* --- files ------------------------------------------------------------------- */

static int empty(int parent, const char *name, int depth);

/* Returns an errno. */
static int remove_entry(int dir, const char *name, int depth)
{
    if (!unlinkat(dir, name, 0) || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return errno;
    int sys = empty(dir, name, depth + 1);
    if (sys)
        return sys;
    return unlinkat(dir, name, AT_REMOVEDIR) && errno != ENOENT ? errno : 0;
}

static int empty(int parent, const char *name, int depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    SK_AUTO_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int sys = 0;

    if (!dir)
        return errno;
    if (depth > DEPTH_MAX)
        return ELOOP;
    while (!sys && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            sys = remove_entry(dirfd(dir), entry->d_name, depth);
    }
    return sys;
}

enum sk_code sk_tree_remove(const char *path, struct sk_err *err)
{
    detach_mounts(path);
    int sys = remove_entry(AT_FDCWD, path, 0);
    return sys ? sk_fail_sys(err, sk_code_from_errno(sys), sys, "remove %s", path) : SK_OK;
}

/* What cannot be removed keeps the folder from being removed, which is reported. */
static void unlink_entries(DIR *dir)
{
    const struct dirent *entry;

    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
}

enum sk_code sk_tree_remove_flat(const char *path, struct sk_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool in_the_way = fd < 0 && (errno == ENOTDIR || errno == ELOOP);
    SK_AUTO_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir)
        unlink_entries(dir);
    if (!(in_the_way ? unlink(path) : rmdir(path)) || errno == ENOENT)
        return SK_OK;
    return sk_fail_sys(err, sk_code_from_errno(errno), errno, "remove %s", path);
}

void sk_tree_each_folder(const char *path, void (*fn)(void *arg, const char *name), void *arg)
{
    SK_AUTO_DIR DIR *dir = opendir(path);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        struct stat info;
        bool is_folder =
            entry->d_type == DT_DIR ||
            (entry->d_type == DT_UNKNOWN && !fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) &&
             S_ISDIR(info.st_mode));
        if (is_folder && entry->d_name[0] != '.')
            fn(arg, entry->d_name);
    }
}
