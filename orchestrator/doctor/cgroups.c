/* cgroups.c: whether cpu, memory and processes of sandboxes can be bounded. */
#include "doctor/host.h"

#include <stdio.h>
#include <string.h>

#define FAMILY "cgroups"

static bool holds_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = text; (at = strstr(at, word)); at += len) {
        if ((at == text || at[-1] == ' ') && (!at[len] || strchr(" \n", at[len])))
            return true;
    }
    return false;
}

static void add_missing(char *missing, size_t size, const char *name)
{
    (void)snprintf(missing + strlen(missing), size - strlen(missing), " %s", name);
}

static void tell(struct sk_doctor *d, int version, const char *missing)
{
    if (*missing)
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "controllers",
                       "turn them on on the kernel's command line (cgroup_enable=memory and the like)",
                       "version %d, missing:%s", version, missing);
    else
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, "controllers", NULL, "version %d, all are there",
                       version);
}

static void look_at_2(struct sk_doctor *d, const char *controllers)
{
    static const char *const names[] = {"cpu", "cpuset", "memory", "pids"};
    char missing[64] = "";

    for (size_t i = 0; i < sk_array_len(names); i++) {
        if (!holds_word(controllers, names[i]))
            add_missing(missing, sizeof(missing), names[i]);
    }
    tell(d, 2, missing);
}

static void look_at_1(struct sk_doctor *d)
{
    static const char *const names[] = {"cpu", "cpuacct", "cpuset", "devices", "memory", "pids"};
    char missing[64] = "";

    for (size_t i = 0; i < sk_array_len(names); i++) {
        char path[64];
        struct stat stat;
        (void)snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", names[i]);
        if (!sk_doctor_stat(d, path, &stat))
            add_missing(missing, sizeof(missing), names[i]);
    }
    tell(d, 1, missing);
    sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "version",
                   "boot with systemd.unified_cgroup_hierarchy=1",
                   "version 1 works, but nobody works on it any more");
}

void sk_doctor_cgroups(struct sk_doctor *d)
{
    char text[SK_DOCTOR_TEXT];
    struct stat stat;

    if (sk_doctor_read(d, "/sys/fs/cgroup/cgroup.controllers", text))
        look_at_2(d, text);
    else if (sk_doctor_stat(d, "/sys/fs/cgroup/memory", &stat) ||
             sk_doctor_stat(d, "/sys/fs/cgroup/cpu", &stat))
        look_at_1(d);
    else
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "controllers",
                       "mount cgroups at /sys/fs/cgroup", "there are no cgroups at /sys/fs/cgroup");
}
