#include "drivers/agent/guest/boot.h"

#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HOSTS_MAX 16384 /* a longer file is somebody's own work; left alone */

/* Later code relies on every new descriptor being 3 or more. */
static void occupy_stdio(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR | O_NONBLOCK);
        if (fd < 0)
            fd = eventfd(0, 0);
    } while (fd >= 0 && fd < 3);
    if (fd >= 0)
        (void)close(fd);
}

/* Raw calls, since libc keeps two of the signals to itself and would leave
 * them ignored for everything that is ever started. */
static void signals_reset(void)
{
    static const long plain[4]; /* the kernel's struct sigaction: SIG_DFL, no flags, no mask */
    for (int signo = 1; signo < NSIG; signo++)
        (void)syscall(SYS_rt_sigaction, signo, plain, NULL, 8);
}

int sk_boot_self(void)
{
    occupy_stdio();
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)umask(022);
    (void)!chdir("/");
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    signals_reset();
    return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void raise_loopback(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    struct ifreq lo = {.ifr_name = "lo"};
    if (ioctl(fd, SIOCGIFFLAGS, &lo) == 0 && !(lo.ifr_flags & IFF_UP)) {
        lo.ifr_flags = (short)(lo.ifr_flags | IFF_UP);
        (void)ioctl(fd, SIOCSIFFLAGS, &lo);
    }
    (void)close(fd);
}

static bool is_regular(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Whether /etc/hosts is ours to complete: absent, or a plain file that does
 * not know localhost. */
static bool hosts_lack_localhost(void)
{
    static const char name[] = "localhost";
    char text[HOSTS_MAX];
    int fd = open("/etc/hosts", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return true;
    ssize_t len = is_regular(fd) ? read(fd, text, sizeof text) : -1;
    (void)close(fd);
    return len >= 0 && (size_t)len < sizeof text && !memmem(text, (size_t)len, name, sizeof name - 1);
}

static void complete_hosts(void)
{
    static const char known[] = "\n127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 ";
    char host[66] = "";
    if (!hosts_lack_localhost())
        return;
    int fd = open("/etc/hosts", O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0)
        return;
    if (gethostname(host, sizeof host - 2) < 0 || !host[0])
        memcpy(host, "sandbox", sizeof "sandbox");
    host[strlen(host)] = '\n';
    if (is_regular(fd)) {
        (void)!write(fd, known, sizeof known - 1);
        (void)!write(fd, host, strlen(host));
    }
    (void)close(fd);
}

void sk_boot_sandbox(void)
{
    raise_loopback();
    complete_hosts();
}
