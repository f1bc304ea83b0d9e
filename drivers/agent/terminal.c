#include "drivers/agent/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static enum sk_code fail(struct sk_err *err, const char *what)
{
    int sys = errno;
    bool is_scarcity = sys == ENOSPC || sys == ENOMEM || sys == EMFILE || sys == ENFILE || sys == EAGAIN;
    return sk_fail_sys(err, is_scarcity ? SK_RESOURCE_EXHAUSTED : SK_FAILED_PRECONDITION, sys, "%s", what);
}

/* Nothing can be mounted or linked over the name: it is the devpts's own, or none. */
static int multiplexer_open(int terminals_fd)
{
    struct open_how how = {.flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
    return (int)syscall(SYS_openat2, terminals_fd, "ptmx", &how, sizeof how);
}

static bool is_multiplexer(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 2);
}

enum sk_code sk_terminal_open(int terminals_fd, int *out_master, int *out_slave, struct sk_err *err)
{
    int unlocked = 0;
    SK_AUTO_FD int master = multiplexer_open(terminals_fd);
    if (master < 0)
        return fail(err, "open a terminal of the sandbox");
    if (!is_multiplexer(master))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the sandbox has no terminals");
    if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
        return fail(err, "unlock a terminal of the sandbox");
    /* By the master, not by a path that the sandbox could have changed. */
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return fail(err, "open the far end of a terminal of the sandbox");
    *out_master = sk_take_fd(&master);
    *out_slave = slave;
    return SK_OK;
}
