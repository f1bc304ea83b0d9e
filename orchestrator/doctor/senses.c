/* senses.c: what only the kernel can say. */
#include "doctor/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static bool disk(const char *path, struct sk_doctor_disk *out)
{
    struct statvfs fs;

    if (statvfs(path, &fs) != 0)
        return false;
    *out = (struct sk_doctor_disk){.total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize,
                                   .free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize,
                                   .total_inodes = fs.f_files,
                                   .free_inodes = fs.f_ffree};
    return true;
}

static bool clock_sense(struct sk_doctor_clock *out)
{
    struct timex timex = {0};
    int state = adjtimex(&timex);

    if (state < 0)
        return false;
    *out = (struct sk_doctor_clock){.is_synchronized = state != TIME_ERROR && !(timex.status & STA_UNSYNC),
                                    .error_us = timex.maxerror};
    return true;
}

/* With arguments that no call takes. */
static bool has_call(int number)
{
    return syscall(number, -1, -1, -1, -1, -1) >= 0 || errno != ENOSYS;
}

static bool connects(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    SK_AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    /* EAGAIN: it listens, and many wait for it already (unix(7)). */
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN;
}

static int64_t now_s(void)
{
    return time(NULL);
}

static uint64_t files_max(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : 0;
}

const struct sk_doctor_senses sk_doctor_real_senses = {.disk = disk,
                                                       .clock = clock_sense,
                                                       .has_call = has_call,
                                                       .connects = connects,
                                                       .now_s = now_s,
                                                       .files_max = files_max,
                                                       .answer_ms = 5000};
