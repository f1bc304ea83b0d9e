#include "drivers/containerd/runtime.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 4096

/* The kernel counts a kill before it sends the signal (Documentation/admin-guide/cgroup-v2.rst,
 * memory.events; cgroup v1 has the same line in memory.oom_control), so the number is never behind the exit.
 */
static const char *const counters[] = {"/sys/fs/cgroup/%s%s%s/memory.events",
                                       "/sys/fs/cgroup/memory/%s%s%s/memory.oom_control"};

static enum sk_code load_counter(const char *parent, const char *id, char **out_text, struct sk_err *err)
{
    enum sk_code code = SK_NOT_FOUND;
    size_t len;
    mode_t mode;

    for (size_t i = 0; code != SK_OK && i < sk_array_len(counters); i++) {
        SK_AUTO_FREE char *path = sk_printf(counters[i], parent, *parent ? "/" : "", id);
        code = sk_file_load(path, TEXT_MAX, out_text, &len, &mode, err);
    }
    return code;
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
    SK_AUTO_FREE char *text = NULL;
    struct sk_err fault;

    if (load_counter(sk_ctd_runtime_of(base)->cgroup_parent, id, &text, &fault) != SK_OK)
        return sk_fail(err, SK_NOT_FOUND, "the count of kills for memory of %s: %s", id, fault.text);
    if (!find_kills(text, out_kills))
        return sk_fail(err, SK_NOT_FOUND, "no count of kills for memory of %s", id);
    return SK_OK;
}
