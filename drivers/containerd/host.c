#include "drivers/containerd/host.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

/* cgroup v1 shows the file in every group; v2 in every group but the root. */
static bool has_swap_accounting(void)
{
    if (access("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", F_OK) == 0)
        return true;
    glob_t found;
    bool has = glob("/sys/fs/cgroup/*/memory.swap.max", 0, NULL, &found) == 0;
    globfree(&found);
    return has;
}

enum sk_code sk_host_read(struct sk_host_facts *out_facts, struct sk_err *err)
{
    struct utsname name;
    struct rlimit files;
    if (uname(&name) != 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "uname");
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "getrlimit");
    *out_facts = (struct sk_host_facts){
        .nofile_hard = files.rlim_max == RLIM_INFINITY ? INT64_MAX : files.rlim_max,
        .swap_accounting = has_swap_accounting(),
    };
    snprintf(out_facts->machine, sizeof(out_facts->machine), "%s", name.machine);
    return SK_OK;
}
