#include "cli/spool.h"
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>

#define CHUNK ((size_t)256 << 10)

static int open_unlinked(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd;
    SK_AUTO_FREE char *name =
        sk_printf("%s/sandkeep-XXXXXX", folder); /* for file systems that cannot do that */
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(name);
    return fd;
}

static enum sk_code copy(int from, int to, struct sk_err *err)
{
    SK_AUTO_FREE char *chunk = sk_alloc(CHUNK);

    for (;;) {
        ssize_t n = read(from, chunk, CHUNK);
        if (n == 0)
            return SK_OK;
        if (n < 0 && errno != EINTR)
            return sk_fail_sys(err, sk_code_from_errno(errno), errno, "read standard input");
        errno = 0;
        if (n > 0 && !sk_write_all(to, chunk, (size_t)n))
            return sk_fail_sys(err, sk_code_from_errno(errno), errno, "write the temporary copy");
    }
}

enum sk_code sk_spool(int from, int *out_fd, struct sk_err *err)
{
    const char *folder = getenv("TMPDIR");

    if (isatty(from))
        return sk_fail(err, SK_INVALID_ARGUMENT, "standard input is a terminal, not an archive");
    if (!folder || !*folder)
        folder = "/var/tmp";
    SK_AUTO_FD int fd = open_unlinked(folder);
    if (fd < 0)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "make a temporary file in %s", folder);
    enum sk_code code = copy(from, fd, err);
    if (!code)
        *out_fd = sk_take_fd(&fd);
    return code;
}
