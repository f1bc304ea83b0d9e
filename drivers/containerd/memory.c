#include "drivers/containerd/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The kernel counts a kill before it sends the signal (Documentation/admin-guide/cgroup-v2.rst,
 * memory.events; cgroup v1 has the same line in memory.oom_control), so the number is never behind the exit.
 */
static const char *const counters[] = {"/sys/fs/cgroup/%s%s%s/memory.events",
                                       "/sys/fs/cgroup/memory/%s%s%s/memory.oom_control"};

static int open_counter(const char *parent, const char *id)
{
    for (size_t i = 0; i < sk_array_len(counters); i++) {
        SK_AUTO_FREE char *path = sk_printf(counters[i], parent, *parent ? "/" : "", id);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

static bool find_kills(const char *text, uint64_t *out_kills)
{
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (sscanf(line, "oom_kill %" SCNu64, out_kills) == 1)
            return true;
    }
    return false;
}

enum sk_code sk_ctd_oom_kills(struct sk_runtime *base, const char *id, uint64_t *out_kills,
                              struct sk_err *err)
{
    char text[512];
    SK_AUTO_FD int fd = open_counter(sk_ctd_runtime_of(base)->cgroup_parent, id);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

    if (len < 0)
        return sk_fail_sys(err, SK_NOT_FOUND, errno, "the count of kills for memory of %s", id);
    text[len] = '\0';
    if (!find_kills(text, out_kills))
        return sk_fail(err, SK_NOT_FOUND, "no count of kills for memory of %s", id);
    return SK_OK;
}
