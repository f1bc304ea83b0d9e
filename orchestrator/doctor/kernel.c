/* kernel.c: what the kernel must have for sandboxes. */
#include "doctor/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define FAMILY "kernel"

/* openat2(2) is in 5.6; what the daemon is tried on begins with 5.10, the oldest that is still looked after.
 */
static const struct sk_version oldest = {{5, 6, 0}}, tried = {{5, 10, 0}};

static void look_at_release(struct sk_doctor *d)
{
    char text[SK_DOCTOR_TEXT];
    struct sk_version version;

    if (!sk_doctor_read(d, "/proc/sys/kernel/osrelease", text) || !sk_version_find(text, &version)) {
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "release", NULL, "the release cannot be read");
        return;
    }
    text[strcspn(text, "\n")] = '\0';
    bool works = sk_version_compare(version, oldest) >= 0;
    bool is_old = sk_version_compare(version, tried) < 0;
    sk_finding_add(d->findings, works ? is_old ? SK_VERDICT_WARNING : SK_VERDICT_OK : SK_VERDICT_FAILURE,
                   FAMILY, "release", is_old ? "use Linux 5.10 or newer" : NULL, "Linux %.80s", text);
}

static void look_at_namespaces(struct sk_doctor *d)
{
    static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "uts"};
    char missing[64] = "";

    for (size_t i = 0; i < sk_array_len(names); i++) {
        struct stat stat;
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
        if (!sk_doctor_stat(d, path, &stat))
            (void)snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing), " %s", names[i]);
    }
    if (missing[0])
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "namespaces",
                       "use a kernel with CONFIG_NAMESPACES, and mount /proc", "missing:%s", missing);
    else
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, "namespaces", NULL, "all kinds are there");
}

/* A line that holds the word. */
static bool lists(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = text; (at = strstr(at, word)); at += len) {
        bool begins = at == text || strchr(" \t\n/", at[-1]);
        bool ends = !at[len] || strchr(" \t\n:.", at[len]);
        if (begins && ends)
            return true;
    }
    return false;
}

enum presence { ABSENT, LOADABLE, PRESENT, UNKNOWN };

/* A part of the kernel that may be a module. */
static enum presence find_module(struct sk_doctor *d, const char *name)
{
    char release[SK_DOCTOR_TEXT], text[SK_DOCTOR_TEXT], path[512];
    struct stat stat;

    (void)snprintf(path, sizeof(path), "/sys/module/%s", name);
    if (sk_doctor_stat(d, path, &stat))
        return PRESENT;
    if (sk_doctor_read(d, "/proc/modules", text) && lists(text, name))
        return PRESENT;
    if (!sk_doctor_read(d, "/proc/sys/kernel/osrelease", release))
        return UNKNOWN;
    release[strcspn(release, "\n")] = '\0';
    (void)snprintf(path, sizeof(path), "/lib/modules/%.200s/modules.builtin", release);
    bool knows = sk_doctor_read(d, path, text);
    if (knows && lists(text, name))
        return PRESENT;
    (void)snprintf(path, sizeof(path), "/lib/modules/%.200s/kernel", release);
    return knows && sk_doctor_stat(d, path, &stat) ? LOADABLE : UNKNOWN;
}

static void look_at_overlayfs(struct sk_doctor *d)
{
    char text[SK_DOCTOR_TEXT];

    if (sk_doctor_read(d, "/proc/filesystems", text) && lists(text, "overlay")) {
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, "overlayfs", NULL, "there");
        return;
    }
    bool loads = find_module(d, "overlay") != UNKNOWN;
    sk_finding_add(d->findings, loads ? SK_VERDICT_NOTE : SK_VERDICT_FAILURE, FAMILY, "overlayfs",
                   "modprobe overlay", loads ? "not loaded; it is when it is first mounted" : "missing");
}

static void look_at_part(struct sk_doctor *d, const char *module, const char *name, const char *advice)
{
    enum presence presence = find_module(d, module);

    if (presence == PRESENT)
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, name, NULL, "there");
    else
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, name, advice,
                       presence == LOADABLE ? "not loaded; it is when it is needed"
                                            : "not seen: built in, or on the host of this container");
}

static void look_at_seccomp(struct sk_doctor *d)
{
    char text[SK_DOCTOR_TEXT];
    struct stat stat;
    bool filters = sk_doctor_stat(d, "/proc/sys/kernel/seccomp/actions_avail", &stat) ||
                   (sk_doctor_read(d, "/proc/self/status", text) && strstr(text, "Seccomp:"));

    sk_finding_add(d->findings, filters ? SK_VERDICT_OK : SK_VERDICT_FAILURE, FAMILY, "seccomp",
                   filters ? NULL : "use a kernel with CONFIG_SECCOMP_FILTER", filters ? "there" : "missing");
}

static void look_at_calls(struct sk_doctor *d)
{
    static const struct {
        const char *name;
        int number;
    } calls[] = {{"pidfd_open", SYS_pidfd_open}, {"openat2", SYS_openat2}, {"renameat2", SYS_renameat2}};
    char missing[64] = "";

    for (size_t i = 0; i < sk_array_len(calls); i++) {
        if (!d->senses->has_call(calls[i].number))
            (void)snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing), " %s",
                           calls[i].name);
    }
    if (missing[0])
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "system calls",
                       "use Linux 5.10 or newer; if this is a container, allow them in its seccomp profile",
                       "missing:%s", missing);
    else
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, "system calls", NULL,
                       "pidfd_open, openat2, renameat2");
}

void sk_doctor_kernel(struct sk_doctor *d)
{
    look_at_release(d);
    look_at_namespaces(d);
    look_at_overlayfs(d);
    look_at_seccomp(d);
    look_at_calls(d);
    look_at_part(d, "veth", "veth", "modprobe veth");
    look_at_part(d, "nf_tables", "nf_tables", "modprobe nf_tables");
}
