#include "drivers/agent/guest/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel */
#define DIRECTORY (O_PATH | O_DIRECTORY | O_CLOEXEC)

int sk_path_openat(int dir_fd, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
}

static int base_open(const struct sk_open_text *text, int *out_fd)
{
    bool is_absolute = text->path[0] == '/' || !text->working_dir[0];
    *out_fd = sk_path_openat(AT_FDCWD, is_absolute ? "/" : text->working_dir, DIRECTORY);
    return *out_fd < 0 ? errno : 0;
}

int sk_path_open(const struct sk_open_text *text, int *out_path_fd)
{
    int base, sys = base_open(text, &base);
    if (sys)
        return sys;
    int fd = sk_path_openat(base, text->path, O_PATH | O_CLOEXEC);
    sys = fd < 0 ? errno : 0;
    (void)close(base);
    if (!sys)
        *out_path_fd = fd;
    return sys;
}

/* Goes on to one of its directories, made if missing. */
static int step(int *dir, const char *name)
{
    int next = sk_path_openat(*dir, name, DIRECTORY);
    if (next < 0 && errno == ENOENT && (mkdirat(*dir, name, 0755) == 0 || errno == EEXIST))
        next = sk_path_openat(*dir, name, DIRECTORY);
    if (next < 0)
        return errno;
    (void)close(*dir);
    *dir = next;
    return 0;
}

/* Cuts the last name off; it must be one that a file can have. */
static int name_cut(char *path, char name[static NAME_MAX + 1])
{
    char *slash = strrchr(path, '/');
    char *last = slash ? slash + 1 : path;
    if (!path[0])
        return ENOENT;
    if (!last[0] || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        return EISDIR;
    if (strlen(last) > NAME_MAX)
        return ENAMETOOLONG;
    memcpy(name, last, strlen(last) + 1);
    *last = 0;
    return 0;
}

/* Moves the place from its directory along the path, which is used up. */
static int walk(struct sk_place *place, char *path)
{
    char *rest = NULL;
    int sys = name_cut(path, place->name);
    if (!sys && path[0] == '/')
        sys = step(&place->dir_fd, "/");
    for (char *name = strtok_r(path, "/", &rest); name && !sys; name = strtok_r(NULL, "/", &rest))
        sys = step(&place->dir_fd, name);
    return sys;
}

/* Where the place is a link, its text becomes the path to be walked from
 * there; else the path becomes empty. */
static int link_read(const struct sk_place *place, char path[static SK_WIRE_PATH_MAX])
{
    /* The kernel judges first whether the link may be followed (links of proc, sticky directories). */
    int probe = sk_path_openat(place->dir_fd, place->name, O_PATH | O_CLOEXEC);
    if (probe < 0 && errno != ENOENT)
        return errno;
    if (probe >= 0)
        (void)close(probe);
    ssize_t len = readlinkat(place->dir_fd, place->name, path, SK_WIRE_PATH_MAX);
    if (len >= SK_WIRE_PATH_MAX)
        return ENAMETOOLONG;
    if (len < 0 && errno != EINVAL && errno != ENOENT)
        return errno;
    path[len < 0 ? 0 : len] = 0;
    return 0;
}

int sk_path_place(const struct sk_open_text *text, struct sk_place *out_place)
{
    char path[SK_WIRE_PATH_MAX];
    struct sk_place place;
    if (strlen(text->path) >= sizeof path)
        return ENAMETOOLONG;
    memcpy(path, text->path, strlen(text->path) + 1);
    int sys = base_open(text, &place.dir_fd);
    if (sys)
        return sys;
    for (int links = 0; !sys && links <= LINKS_MAX; links++) {
        sys = walk(&place, path);
        if (!sys)
            sys = link_read(&place, path);
        if (!sys && !path[0]) {
            *out_place = place;
            return 0;
        }
    }
    (void)close(place.dir_fd);
    return sys ? sys : ELOOP;
}

int sk_path_make(const char *path)
{
    char bare[SK_WIRE_PATH_MAX];
    struct sk_open_text text = {.working_dir = "", .path = bare};
    struct sk_place place;
    struct stat st;
    size_t len = strlen(path);
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (len >= sizeof bare)
        return ENAMETOOLONG;
    while (len > 1 && path[len - 1] == '/')
        len--;
    memcpy(bare, path, len);
    bare[len] = 0;
    int sys = sk_path_place(&text, &place);
    if (sys)
        return sys;
    sys = mkdirat(place.dir_fd, place.name, 0755) < 0 && errno != EEXIST ? errno : 0;
    (void)close(place.dir_fd);
    return sys;
}
