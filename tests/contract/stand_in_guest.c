/* stand_in_guest.c: what tests of the runtime driver run as PID 1, static,
 * in place of the real guest. It writes what it sees to /report and then
 * waits: SIGUSR1 ends it with status 7, SIGUSR2 makes it start a child that
 * eats memory until the kernel kills it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void copy_lines(FILE *out, const char *path, const char *const *prefixes)
{
    char line[256];
    FILE *in = fopen(path, "re");
    if (!in)
        return;
    while (fgets(line, sizeof(line), in))
        for (const char *const *p = prefixes; *p; p++)
            if (strncmp(line, *p, strlen(*p)) == 0)
                fputs(line, out);
    fclose(in);
}

static void report_call(FILE *out, const char *name, long result)
{
    fprintf(out, "%s=%s\n", name, result < 0 ? strerrorname_np(errno) : "ok");
}

static void report_read(FILE *out, const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, &byte, 1);
    fprintf(out, "read %s=%s\n", path, len < 0 ? strerrorname_np(errno) : len ? "bytes" : "empty");
    if (fd >= 0)
        close(fd);
}

static void report_write(FILE *out, const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    fprintf(out, "write %s=%s\n", path, fd < 0 ? strerrorname_np(errno) : "ok");
    if (fd >= 0)
        close(fd);
}

static void report_mount(FILE *out, const char *path)
{
    struct statvfs facts = {0};
    int result = statvfs(path, &facts);
    fprintf(out, "mount of %s=%s\n", path,
            result == 0 && (facts.f_flag & ST_RDONLY) ? "read-only" : "writable");
}

static void report_limits(FILE *out)
{
    struct rlimit files;
    char host[65] = "";
    gethostname(host, sizeof(host) - 1);
    getrlimit(RLIMIT_NOFILE, &files);
    fprintf(out, "pid=%d\nhostname=%s\nnofile=%llu\n", (int)getpid(), host,
            (unsigned long long)files.rlim_max);
}

static void report(void)
{
    static const char *const status[] = {"CapBnd", "CapEff",     "CapPrm",   "CapInh",
                                         "CapAmb", "NoNewPrivs", "Seccomp:", NULL};
    FILE *out = fopen("/report.new", "we");
    if (!out)
        return;
    copy_lines(out, "/proc/self/status", status);
    report_limits(out);
    report_call(out, "unshare", unshare(CLONE_NEWUSER));
    report_call(out, "clone newns", syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
    report_call(out, "clone3", syscall(SYS_clone3, NULL, 0));
    report_call(out, "mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    report_call(out, "keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    report_call(out, "bpf", syscall(SYS_bpf, 0, NULL, 0));
    report_call(out, "perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    report_call(out, "io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
    report_call(out, "vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
    report_call(out, "alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
    report_call(out, "inet", socket(AF_INET, SOCK_STREAM, 0));
    report_call(out, "packet", socket(AF_PACKET, SOCK_RAW, 0));
    report_read(out, "/proc/kcore");
    report_read(out, "/proc/keys");
    report_write(out, "/proc/sysrq-trigger");
    report_write(out, "/proc/sys/kernel/hostname");
    report_write(out, "/.sandkeep/guest");
    report_mount(out, "/.sandkeep");
    report_mount(out, "/.sandkeep/guest");
    report_call(out, "create in /.sandkeep", open("/.sandkeep/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    report_call(out, "mknod", syscall(SYS_mknodat, AT_FDCWD, "/disk", 0060600, 0x700));
    fclose(out);
    rename("/report.new", "/report");
}

static void eat_memory(void)
{
    pid_t child = fork();
    while (child == 0) {
        char *bytes = malloc(1 << 20);
        if (bytes)
            memset(bytes, 1, 1 << 20);
    }
}

int main(void)
{
    sigset_t set;
    int signo = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    report();
    while (sigwait(&set, &signo) == 0 && signo != SIGUSR1) {
        if (signo == SIGUSR2)
            eat_memory();
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    }
    return 7;
}
