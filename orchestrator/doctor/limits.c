/* limits.c: numbers of files, processes and the like that a busy node runs into. */
#include "doctor/host.h"

#include <inttypes.h>
#include <stdio.h>

#define FAMILY "limits"

/* A sandbox has up to five descriptors open in the daemon, a command up to three. */
#define FILES_FEW 8192
#define PIDS_FEW  32768

static void look_at_number(struct sk_doctor *d, const char *name, const char *path, int64_t least,
                           const char *advice)
{
    char text[SK_DOCTOR_TEXT];
    int64_t number = 0;

    if (!sk_doctor_read(d, path, text) || sscanf(text, "%" SCNd64, &number) != 1) {
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, name, NULL, "%s cannot be read", path);
        return;
    }
    bool is_few = number < least;
    sk_finding_add(d->findings, is_few ? SK_VERDICT_WARNING : SK_VERDICT_OK, FAMILY, name,
                   is_few ? advice : NULL, "%" PRId64, number);
}

void sk_doctor_limits(struct sk_doctor *d)
{
    uint64_t files = d->senses->files_max();
    bool is_few = files < FILES_FEW;

    sk_finding_add(d->findings, is_few ? SK_VERDICT_WARNING : SK_VERDICT_OK, FAMILY, "open files",
                   is_few ? "raise LimitNOFILE of the unit (here: ulimit -Hn)" : NULL,
                   "%" PRIu64 " for a process started like this one", files);
    look_at_number(d, "processes", "/proc/sys/kernel/pid_max", PIDS_FEW, "sysctl kernel.pid_max=4194304");
    look_at_number(d, "files", "/proc/sys/fs/file-max", 65536, "sysctl fs.file-max=9223372036854775807");
    look_at_number(d, "inotify", "/proc/sys/fs/inotify/max_user_instances", 128,
                   "sysctl fs.inotify.max_user_instances=8192");
}
