/* daemon_rig.h: a real sandkeepd with fake drivers, in a folder of its own. */
#ifndef SK_TEST_DAEMON_RIG_H
#define SK_TEST_DAEMON_RIG_H

#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

/* What should come is waited for until it is there, within reason. */
#define RIG_LIMIT_MS 60000

struct rig {
    char dir[32];
    char program[512];
    char config[64];
    char log[64];
    pid_t pid; /* 0 = not running */
};

static inline int64_t rig_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void rig_nap(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* A file of the rig's folder as a string, "" when there is none; heap. */
static inline char *rig_read(const struct rig *rig, const char *name)
{
    SK_AUTO_FREE char *path = sk_printf("%s/%s", rig->dir, name);
    FILE *file = fopen(path, "r");
    char *text = sk_alloc(256 * 1024);

    if (file) {
        (void)fread(text, 1, 256 * 1024 - 1, file);
        (void)fclose(file);
    }
    return text;
}

/* The config: the rig's own folders and fake drivers, then `more` ("" or `, "key": value…`). */
static inline void rig_configure(const struct rig *rig, const char *listen, const char *more)
{
    FILE *file = fopen(rig->config, "w");

    assert_non_null(file);
    (void)fprintf(file,
                  "{\"listen\": [\"%s\"], \"state_dir\": \"%s/state\", \"run_dir\": \"%s/run\", "
                  "\"http_listen\": \"127.0.0.1:0\"%s}\n",
                  listen, rig->dir, rig->dir, more);
    assert_int_equal(fclose(file), 0);
}

/* What daemons do to networks stays in one of this program's own, with loopback alone; false where that is
 * not allowed. Before anything else. */
static inline bool rig_own_network(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    SK_AUTO_FD int fd = -1;

    if (unshare(CLONE_NEWNET))
        return false;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &lo);
}

#define RIG_FAKE ", \"drivers\": \"fake\""

#define RIG_REAL ", \"guest_path\": \"/bin/true\", \"runtime\": \"crun\""

static inline int rig_set_up(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));
    const char *build = getenv("SK_BUILD");

    (void)snprintf(rig->dir, sizeof(rig->dir), "/tmp/skd.XXXXXX");
    (void)snprintf(rig->program, sizeof(rig->program), "%s/sandkeepd", build ? build : ".");
    if (access(rig->program, X_OK) || !mkdtemp(rig->dir))
        return -1;
    (void)snprintf(rig->config, sizeof(rig->config), "%s/config.json", rig->dir);
    (void)snprintf(rig->log, sizeof(rig->log), "%s/log", rig->dir);
    rig_configure(rig, "127.0.0.1:0", RIG_FAKE);
    *state = rig;
    return 0;
}

/* Starts with these arguments; output goes to the log, afresh. */
static inline pid_t rig_spawn(struct rig *rig, const char *const *args)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (!pid) {
        int fd = open(rig->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        const char *argv[8] = {rig->program};
        for (size_t i = 0; i < 6 && args[i]; i++)
            argv[i + 1] = args[i];
        if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
            _exit(126);
        (void)execv(rig->program, (char **)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

static inline void rig_start(struct rig *rig)
{
    rig->pid = rig_spawn(rig, (const char *const[]){"--config", rig->config, NULL});
}

/* The exit code, or 128 + signal; -1 and a kill when it does not end in time. */
static inline int rig_wait(pid_t pid)
{
    int64_t until = rig_now_ms() + RIG_LIMIT_MS;
    int status;

    while (!waitpid(pid, &status, WNOHANG)) {
        if (rig_now_ms() > until) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            return -1;
        }
        rig_nap();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int rig_stop(struct rig *rig, int signo)
{
    pid_t pid = rig->pid;

    rig->pid = 0;
    (void)kill(pid, signo);
    return rig_wait(pid);
}

/* Whether the log says it, waiting for it a while. */
static inline bool rig_says(const struct rig *rig, const char *what)
{
    for (int64_t until = rig_now_ms() + RIG_LIMIT_MS; rig_now_ms() < until; rig_nap()) {
        SK_AUTO_FREE char *log = rig_read(rig, "log");
        if (strstr(log, what))
            return true;
    }
    return false;
}

static inline void rig_must_say(const struct rig *rig, const char *what)
{
    if (rig_says(rig, what))
        return;
    SK_AUTO_FREE char *log = rig_read(rig, "log");
    fail_msg("the log does not say \"%s\":\n%s", what, log);
}

static inline void rig_start_ready(struct rig *rig)
{
    rig_start(rig);
    rig_must_say(rig, "daemon.ready");
}

/* Starts what must refuse to: exit code 1, and the log says why. */
static inline void rig_must_refuse(struct rig *rig, const char *because)
{
    int code = rig_wait(rig_spawn(rig, (const char *const[]){"--config", rig->config, NULL}));

    assert_int_equal(code, 1);
    rig_must_say(rig, because);
    rig_must_say(rig, "daemon.failed");
}

/* The first line of the address file. */
static inline void rig_address(const struct rig *rig, char out_address[64])
{
    SK_AUTO_FREE char *text = rig_read(rig, "run/address");

    (void)snprintf(out_address, 64, "%.*s", (int)strcspn(text, "\n"), text);
}

static inline void rig_remove(const char *dir, const char *sub)
{
    SK_AUTO_FREE char *path = sk_printf("%s/%s", dir, sub);
    DIR *entries = opendir(path);

    for (const struct dirent *entry; entries && (entry = readdir(entries));)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries)
        (void)closedir(entries);
    (void)rmdir(path);
}

static inline int rig_tear_down(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *pins = sk_printf("%s/run/net", rig->dir);

    if (rig->pid)
        (void)rig_stop(rig, SIGKILL);
    (void)umount2(pins, MNT_DETACH);
    rig_remove(rig->dir, "state/audit");
    rig_remove(rig->dir, "state/logs");
    rig_remove(rig->dir, "state");
    rig_remove(rig->dir, "run/agent");
    rig_remove(rig->dir, "run/edge");
    rig_remove(rig->dir, "run/net");
    rig_remove(rig->dir, "run");
    rig_remove(rig->dir, ".");
    if (rmdir(rig->dir))
        return -1;
    free(rig);
    return 0;
}

#endif
