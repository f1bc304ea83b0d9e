#include "drivers/agent/guest/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static int fill(int from, int to)
{
    char chunk[4096];
    size_t total = 0;
    for (;;) {
        ssize_t got = read(from, chunk, sizeof chunk);
        if (got <= 0)
            return got == 0 ? 0 : errno == EAGAIN ? EINVAL : errno;
        total += (size_t)got;
        if (total > SK_COPY_MAX)
            return EFBIG;
        ssize_t put = write(to, chunk, (size_t)got);
        if (put != got)
            return put < 0 ? errno : ENOSPC;
    }
}

int sk_copy_sealed(int fd, int *out_fd)
{
    int copy = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy < 0)
        return errno;
    int sys = fill(fd, copy);
    if (!sys && fcntl(copy, F_ADD_SEALS, SEALS) < 0)
        sys = errno;
    if (sys)
        (void)close(copy);
    else
        *out_fd = copy;
    return sys;
}
