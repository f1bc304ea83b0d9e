#include "drivers/containerd/cgroup_use.h"

#include "base/own.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 8192

struct group {
    const char *root, *parent, *id;
};

/* A file of the group, in hierarchy "" (version 2) or "memory", "cpuacct" and the like; false if it is not
 * there. */
static bool load(const struct group *g, const char *hierarchy, const char *file, char out[TEXT_MAX])
{
    SK_AUTO_FREE char *path = sk_printf("%s%s%s/%s%s%s/%s", g->root, *hierarchy ? "/" : "", hierarchy,
                                        g->parent, *g->parent ? "/" : "", g->id, file);
    SK_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t len = fd >= 0 ? read(fd, out, TEXT_MAX - 1) : -1;

    out[len > 0 ? len : 0] = '\0';
    return len > 0;
}

static bool load_number(const struct group *g, const char *hierarchy, const char *file, int64_t *out_number)
{
    char text[TEXT_MAX];

    return load(g, hierarchy, file, text) && sscanf(text, "%" SCNd64, out_number) == 1;
}

/* The number behind `name` at the beginning of a line; 0 if there is no such line. */
static int64_t find_number(const char *text, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            return strtoll(line + len + 1, NULL, 10);
    }
    return 0;
}

/* Without pages of files that nobody has used for a while, as Kubernetes and Docker count, too. */
static int64_t without_idle(int64_t bytes, const char *stat, const char *name)
{
    int64_t idle = find_number(stat, name);

    return idle < bytes ? bytes - idle : 0;
}

static bool measure_2(const struct group *g, struct sk_runtime_use *use)
{
    char cpu[TEXT_MAX];
    char memory[TEXT_MAX];

    if (!load(g, "", "cpu.stat", cpu))
        return false;
    use->cpu_ns = find_number(cpu, "usage_usec") * 1000;
    if (load_number(g, "", "memory.current", &use->memory_bytes) && load(g, "", "memory.stat", memory))
        use->memory_bytes = without_idle(use->memory_bytes, memory, "inactive_file");
    (void)load_number(g, "", "pids.current", &use->processes);
    return true;
}

static bool measure_1(const struct group *g, struct sk_runtime_use *use)
{
    char memory[TEXT_MAX];

    if (!load_number(g, "cpuacct", "cpuacct.usage", &use->cpu_ns))
        return false;
    if (load_number(g, "memory", "memory.usage_in_bytes", &use->memory_bytes) &&
        load(g, "memory", "memory.stat", memory))
        use->memory_bytes = without_idle(use->memory_bytes, memory, "total_inactive_file");
    (void)load_number(g, "pids", "pids.current", &use->processes);
    return true;
}

void sk_cgroup_measure(const char *root, const char *parent, struct sk_runtime_use *use)
{
    const struct group g = {root, parent, use->id};

    use->is_measured = measure_2(&g, use) || measure_1(&g, use) || use->is_measured;
}
