#include "metrics/process.h"

#include "base/own.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const struct sk_metric cpu_seconds = {
    .name = "process_cpu_seconds_total",
    .help = "User and system CPU time of the daemon.",
    .kind = SK_COUNTER,
};
static const struct sk_metric resident_bytes = {
    .name = "process_resident_memory_bytes",
    .help = "Resident memory of the daemon.",
    .kind = SK_GAUGE,
};
static const struct sk_metric virtual_bytes = {
    .name = "process_virtual_memory_bytes",
    .help = "Virtual memory of the daemon.",
    .kind = SK_GAUGE,
};
static const struct sk_metric open_fds = {
    .name = "process_open_fds",
    .help = "Open file descriptors of the daemon.",
    .kind = SK_GAUGE,
};
static const struct sk_metric max_fds = {
    .name = "process_max_fds",
    .help = "How many file descriptors the daemon may have open.",
    .kind = SK_GAUGE,
};
static const struct sk_metric start_time = {
    .name = "process_start_time_seconds",
    .help = "When the daemon was started, in seconds since the Unix epoch.",
    .kind = SK_GAUGE,
};
static const struct sk_metric build_info = {
    .name = "build_info",
    .help = "Which build of the daemon this is; always 1.",
    .kind = SK_GAUGE,
    .label = "version",
};

/* /proc never blocks. Empty when it cannot be read. */
static void read_text(const char *path, char *out, size_t size)
{
    SK_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, out, size - 1) : -1;

    out[len > 0 ? len : 0] = '\0';
}

static double cpu_now(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage))
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double count_files(void)
{
    struct stat st;
    double count = 0;

    /* Since Linux 6.2 the folder's size is their number. */
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (double)st.st_size;
    SK_AUTO_DIR DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    return count > 3 ? count - 3 : 0; /* ".", "..", and the folder itself */
}

static void read_memory(struct sk_process_metrics *process)
{
    char text[128], *end;
    double page = (double)sysconf(_SC_PAGESIZE);

    read_text("/proc/self/statm", text, sizeof(text));
    unsigned long long whole = strtoull(text, &end, 10), resident = strtoull(end, NULL, 10);
    sk_series_set(process->virtual_bytes, (double)whole * page);
    sk_series_set(process->resident, (double)resident * page);
}

static void on_read(struct sk_metrics_reader *reader)
{
    struct sk_process_metrics *process = sk_container_of(reader, struct sk_process_metrics, reader);

    sk_series_set(process->cpu, cpu_now());
    sk_series_set(process->files, count_files());
    read_memory(process);
}

/* Field 22 of /proc/self/stat, in ticks since the machine's start; the second field may hold anything. */
static double started_at(void)
{
    char text[1024], *at;
    double age;

    read_text("/proc/self/stat", text, sizeof(text));
    at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    age = (double)sk_clock_boot().ns / 1e9 - (at ? strtod(at, NULL) : 0) / (double)sysconf(_SC_CLK_TCK);
    return (double)sk_clock_wall().ns / 1e9 - age;
}

static double most_files(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : (double)limit.rlim_cur;
}

void sk_process_metrics_init(struct sk_process_metrics *process, struct sk_metrics *metrics)
{
    *process = (struct sk_process_metrics){
        .metrics = metrics,
        .reader.fn = on_read,
        .cpu = sk_metrics_series(metrics, &cpu_seconds, NULL, NULL),
        .resident = sk_metrics_series(metrics, &resident_bytes, NULL, NULL),
        .virtual_bytes = sk_metrics_series(metrics, &virtual_bytes, NULL, NULL),
        .files = sk_metrics_series(metrics, &open_fds, NULL, NULL),
        .files_max = sk_metrics_series(metrics, &max_fds, NULL, NULL),
        .started = sk_metrics_series(metrics, &start_time, NULL, NULL),
    };
    sk_series_set(process->started, started_at());
    sk_series_set(process->files_max, most_files());
    sk_series_set(sk_metrics_series(metrics, &build_info, SK_VERSION, NULL), 1);
    sk_metrics_add_reader(metrics, &process->reader);
}

void sk_process_metrics_fini(struct sk_process_metrics *process)
{
    sk_metrics_remove_reader(process->metrics, &process->reader);
}
