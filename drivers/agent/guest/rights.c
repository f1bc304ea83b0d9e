#include "drivers/agent/guest/rights.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Neither call tells of a failure; asking for an id that cannot be does. */
static bool ids_are(uid_t uid, gid_t gid)
{
    return (uid_t)syscall(SYS_setfsuid, -1) == uid && (gid_t)syscall(SYS_setfsgid, -1) == gid;
}

int sk_rights_take(const struct sk_user *user)
{
    bool is_self = user->uid == geteuid() && user->gid == getegid();
    if (syscall(SYS_setgroups, user->group_count, user->groups) < 0 && !(errno == EPERM && is_self))
        return errno;
    (void)syscall(SYS_setfsgid, user->gid);
    (void)syscall(SYS_setfsuid, user->uid); /* last: capabilities go with it */
    if (ids_are(user->uid, user->gid))
        return 0;
    sk_rights_return();
    return EPERM;
}

void sk_rights_return(void)
{
    int sys = errno;
    (void)syscall(SYS_setfsuid, geteuid());
    (void)syscall(SYS_setfsgid, getegid());
    (void)syscall(SYS_setgroups, 0, NULL);
    (void)prctl(PR_SET_DUMPABLE, 0); /* a change of ids sets it to what the host's administrator chose */
    errno = sys;
}
