#include "drivers/agent/guest/search.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define PATH_USUAL "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Whether the next directory may still have it. */
static bool goes_on(int sys)
{
    return sys == ENOENT || sys == ENOTDIR || sys == EACCES || sys == ELOOP || sys == ENAMETOOLONG ||
           sys == ENODEV || sys == ESTALE || sys == ETIMEDOUT;
}

/* execve of "dir/name"; an empty dir is the current one. */
static int exec_in(const char *dir, size_t dir_len, char *const *argv, char *const *env)
{
    char full[PATH_MAX];
    size_t name_len = strlen(argv[0]);
    if (dir_len + 1 + name_len >= sizeof full)
        return ENAMETOOLONG;
    memcpy(full, dir, dir_len);
    if (dir_len > 0)
        full[dir_len++] = '/';
    memcpy(full + dir_len, argv[0], name_len + 1);
    (void)execve(full, argv, env);
    return errno;
}

int sk_search_exec(char *const *argv, char *const *env, const char *path)
{
    bool was_refused = false;
    if (strchr(argv[0], '/')) {
        (void)execve(argv[0], argv, env);
        return errno;
    }
    for (const char *dir = path ? path : PATH_USUAL; dir;) {
        size_t len = strcspn(dir, ":");
        int sys = exec_in(dir, len, argv, env);
        if (!goes_on(sys))
            return sys;
        was_refused = was_refused || sys == EACCES;
        dir = dir[len] ? dir + len + 1 : NULL;
    }
    return was_refused ? EACCES : ENOENT;
}
