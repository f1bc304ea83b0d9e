#include "drivers/nftables/namespace.h"

#include "drivers/nftables/link.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static enum sk_code fail(struct sk_err *err, const char *what, const char *path)
{
    int sys = errno;
    return sk_fail_sys(err, sk_code_from_errno(sys), sys, "%s %s", what, path);
}

enum sk_code sk_namespace_prepare(const char *folder, struct sk_err *err)
{
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return fail(err, "make", folder);
    if (mount("", folder, "none", MS_SHARED | MS_REC, NULL) == 0)
        return SK_OK; /* an earlier daemon's */
    if (errno != EINVAL || mount(folder, folder, "none", MS_BIND | MS_REC, NULL) < 0 ||
        mount("", folder, "none", MS_SHARED | MS_REC, NULL) < 0)
        return fail(err, "share", folder);
    return SK_OK;
}

bool sk_namespace_is_pinned(const char *path)
{
    struct statfs info;
    return statfs(path, &info) == 0 && info.f_type == NSFS_MAGIC;
}

enum sk_code sk_namespace_drop(const char *path, struct sk_err *err)
{
    /* EINVAL: a file that nothing was ever mounted on. */
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
        return fail(err, "let go of", path);
    if (unlink(path) < 0 && errno != ENOENT)
        return fail(err, "remove", path);
    return SK_OK;
}

/* Of the calling thread's namespace; settings that its links will inherit. A kernel without IPv6 has none. */
static void set(const char *path, const char *value)
{
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, value, strlen(value));
}

/* Inside the new namespace. */
static enum sk_code furnish(const char *path, struct sk_netlink *inside, struct sk_err *err)
{
    set("/proc/sys/net/ipv6/conf/default/accept_ra", "0");
    set("/proc/sys/net/ipv6/conf/default/autoconf", "0");
    /* Its ports are nobody else's, and pings need no raw sockets: as Docker has it. */
    set("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    set("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
    enum sk_code code = sk_netlink_open(inside, NETLINK_ROUTE, 0, err);
    if (code == SK_OK)
        code = sk_link_up(inside, "lo", err);
    if (code != SK_OK)
        return code;
    SK_AUTO_FD int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(err, "make", path);
    if (mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL) == 0)
        return SK_OK;
    code = fail(err, "pin a network namespace at", path);
    (void)unlink(path);
    return code;
}

enum sk_code sk_namespace_make(const char *path, int home, struct sk_netlink *out_inside, int *out_fd,
                               struct sk_err *err)
{
    struct sk_netlink inside = {0};
    if (unshare(CLONE_NEWNET) < 0)
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, errno, "make a network namespace");
    enum sk_code code = furnish(path, &inside, err);
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (setns(home, CLONE_NEWNET) < 0)
        abort(); /* everything from here on would be done to a stranger's network */
    if (code == SK_OK && fd < 0) {
        code = sk_fail(err, SK_RESOURCE_EXHAUSTED, "hold a network namespace");
        (void)!sk_namespace_drop(path, NULL);
    }
    if (code == SK_OK && out_fd)
        *out_fd = sk_take_fd(&fd);
    if (code == SK_OK && out_inside)
        *out_inside = inside;
    else
        sk_netlink_close(&inside);
    sk_close_fd(&fd);
    return code;
}
