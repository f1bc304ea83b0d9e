#include "drivers/agent/vet.h"

#include "drivers/agent/filesystem.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>

/* Flags of an open file that would make plain reads and writes something else. */
#define ODD_FLAGS (O_PATH | O_APPEND | O_DIRECT | O_SYNC | O_DSYNC | O_ASYNC)

/* A memfd that takes seals must have those that keep it as it is. All other
 * files have F_SEAL_SEAL (tmpfs) or know no seals at all. */
static bool has_seals_missing(int fd)
{
    const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK;
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && !(seals & F_SEAL_SEAL) && (seals & wanted) != wanted;
}

static bool may_transfer(int flags, enum sk_open_kind kind)
{
    int access = flags & O_ACCMODE;
    return access == O_RDWR || access == (kind == SK_OPEN_READ ? O_RDONLY : O_WRONLY);
}

const char *sk_vet_file(int fd, enum sk_open_kind kind)
{
    struct stat st;
    struct statfs fs;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & ODD_FLAGS))
        return "a descriptor with odd flags";
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return "not a regular file";
    if (!may_transfer(flags, kind))
        return "a file opened the wrong way";
    if (fstatfs(fd, &fs) < 0 || !sk_filesystem_is_ordinary(&fs))
        return "a file of no ordinary file system";
    if (kind == SK_OPEN_READ && has_seals_missing(fd))
        return "a copy that can still change";
    return NULL;
}

const char *sk_vet_terminals(int fd)
{
    struct stat st;
    struct statfs fs;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || !(flags & O_PATH))
        return "a descriptor with odd flags";
    if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
        return "not a directory";
    if (fstatfs(fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
        return "not a devpts";
    return NULL;
}
