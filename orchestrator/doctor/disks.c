/* disks.c: room where things are kept, and whether file systems could bound what one sandbox takes. */
#include "doctor/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILY "disk"

#define CONTAINERD_ROOT "/var/lib/containerd"
#define GIB             ((uint64_t)1 << 30)

static unsigned percent(uint64_t part, uint64_t all)
{
    return all ? (unsigned)((double)part * 100 / (double)all) : 100;
}

static enum sk_verdict judge(uint64_t free_part, uint64_t all)
{
    unsigned left = percent(free_part, all);

    return left < 2 ? SK_VERDICT_FAILURE : left < 10 ? SK_VERDICT_WARNING : SK_VERDICT_OK;
}

/* What is not there yet lies where it will be made. */
static char *nearest(const struct sk_doctor *d, const char *path)
{
    char *at = sk_doctor_path(d, path);
    struct stat found;

    for (char *slash; stat(at, &found) != 0 && (slash = strrchr(at, '/')) && slash > at + strlen(d->root);)
        *slash = '\0';
    if (stat(at, &found) != 0)
        at[strlen(d->root)] = '\0';
    return at;
}

static void look_at_room(struct sk_doctor *d, const char *name, const char *path)
{
    SK_AUTO_FREE char *where = nearest(d, path);
    struct sk_doctor_disk disk;

    if (!d->senses->disk(*where ? where : "/", &disk)) {
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, name, NULL, "%.200s cannot be looked at", path);
        return;
    }
    enum sk_verdict room = judge(disk.free_bytes, disk.total_bytes);
    if (room == SK_VERDICT_OK && disk.free_bytes < GIB)
        room = SK_VERDICT_WARNING;
    sk_finding_add(
        d->findings, room, FAMILY, name,
        room ? "make room, or move it to a bigger disk; images are collected by image_disk_high_percent"
             : NULL,
        "%.200s: %.1f GiB free of %.1f (%u %%)", path, (double)disk.free_bytes / (double)GIB,
        (double)disk.total_bytes / (double)GIB, percent(disk.free_bytes, disk.total_bytes));
    enum sk_verdict inodes = disk.total_inodes ? judge(disk.free_inodes, disk.total_inodes) : SK_VERDICT_OK;
    if (inodes)
        sk_finding_add(d->findings, inodes, FAMILY, name,
                       "remove small files, or make the file system anew with more inodes",
                       "%.200s: %u %% of the inodes are free", path,
                       percent(disk.free_inodes, disk.total_inodes));
}

/* The line of /proc/self/mounts whose folder holds the path; its options. */
static bool find_mount(const char *mounts, const char *path, char type[32], char options[512])
{
    size_t best = 0;
    char folder[512], kind[32], words[512];

    for (const char *line = mounts; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (sscanf(line, "%*511s %511s %31s %511s", folder, kind, words) != 3)
            continue;
        size_t len = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
        bool holds = strncmp(path, folder, len) == 0 && (path[len] == '/' || !path[len] || !len);
        if (!holds || len + 1 <= best)
            continue;
        best = len + 1;
        memcpy(type, kind, sizeof(kind));
        memcpy(options, words, sizeof(words));
    }
    return best > 0;
}

static bool counts_projects(const char *options)
{
    return strstr(options, "prjquota") || strstr(options, "pquota");
}

static void look_at_quota(struct sk_doctor *d, const char *path)
{
    char mounts[SK_DOCTOR_TEXT], type[32], options[512];

    if (!sk_doctor_read(d, "/proc/self/mounts", mounts) || !find_mount(mounts, path, type, options))
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "quotas", NULL,
                       "the mount of %.200s is not known", path);
    else if (counts_projects(options))
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, "quotas", NULL, "%s counts by project", type);
    else
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "quotas",
                       "keep it on another disk than state_dir; project quotas are not used yet",
                       "%s without project quotas: a sandbox may fill %.200s", type, path);
}

void sk_doctor_disks(struct sk_doctor *d)
{
    look_at_room(d, "state", d->config ? d->config->state_dir : "/var/lib/sandkeep");
    look_at_room(d, "containerd", CONTAINERD_ROOT);
    look_at_quota(d, CONTAINERD_ROOT);
}
