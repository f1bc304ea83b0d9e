#include "doctor/host.h"

#include "base/clock.h"
#include "base/program.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAUSE_MS 20

char *sk_doctor_path(const struct sk_doctor *d, const char *path)
{
    return sk_printf("%s%s", d->root, path);
}

bool sk_doctor_read(const struct sk_doctor *d, const char *path, char out[SK_DOCTOR_TEXT])
{
    SK_AUTO_FREE char *whole = sk_doctor_path(d, path);
    SK_AUTO_FD int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t len = 0;
    ssize_t n = fd >= 0 ? 1 : -1;

    while (n > 0 && len < SK_DOCTOR_TEXT - 1) {
        n = read(fd, out + len, SK_DOCTOR_TEXT - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    out[len] = '\0';
    return n >= 0;
}

bool sk_doctor_stat(const struct sk_doctor *d, const char *path, struct stat *out)
{
    SK_AUTO_FREE char *whole = sk_doctor_path(d, path);

    return stat(whole, out) == 0;
}

/* --- programs ---------------------------------------------------------------------- */

static char *find_below(const struct sk_doctor *d, const char *name)
{
    static const char *const folders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                          "/usr/bin",        "/sbin",          "/bin"};

    for (size_t i = 0; i < sk_array_len(folders); i++) {
        char *path = *name == '/' ? sk_doctor_path(d, name) : sk_printf("%s%s/%s", d->root, folders[i], name);
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

/* What a program has said so far; what there is no room for is lost. */
struct answer {
    char *text;
    size_t len, size;
};

/* What is there by now; false at the end. */
static bool take(int fd, struct answer *answer)
{
    char more[512];
    ssize_t n = read(fd, more, sizeof(more));
    size_t room = answer->size - 1 - answer->len;

    if (n <= 0)
        return n < 0 && errno == EINTR;
    size_t len = (size_t)n < room ? (size_t)n : room;
    memcpy(answer->text + answer->len, more, len);
    answer->len += len;
    return true;
}

/* Nobody is left to wait for where SIGCHLD is ignored. */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};

    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        return errno == ECHILD;
    return info.si_pid == pid;
}

/* Until it has ended: it may close its output and go on, and others may hold that for longer. False: it took
 * too long. */
static bool await_end(const struct sk_doctor *d, pid_t pid, int fd, struct answer *answer)
{
    struct sk_instant latest = sk_instant_add(sk_clock_boot(), SK_MSEC(d->senses->answer_ms));
    bool ended;

    do {
        struct pollfd asked = {.fd = fd, .events = POLLIN};
        ended = has_ended(pid);
        bool says = poll(&asked, 1, ended ? 0 : PAUSE_MS) > 0;
        if (says && !take(fd, answer))
            fd = -1;
        if (ended && !says)
            break;
    } while (sk_clock_boot().ns < latest.ns);
    answer->text[answer->len] = '\0';
    return ended;
}

/* In a group of its own, to be ended with whatever it started: a terminal's Ctrl-C does not. */
static bool start(const char *path, const char *option, int out, const sigset_t *mask, pid_t *out_pid)
{
    char *const argv[] = {(char *)path, (char *)option, NULL};
    char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                         NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawnattr_setsigmask(&attributes, mask);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    int failed = posix_spawn(out_pid, path, &actions, &attributes, argv, env);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed == 0;
}

/* What would end this process, and leave the program behind, waits. */
static void hold_signals(sigset_t *out_before)
{
    sigset_t ends;

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGHUP);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &ends, out_before);
}

bool sk_doctor_ask(const struct sk_doctor *d, const char *name, const char *option, char *out, size_t size)
{
    SK_AUTO_FREE char *path = *d->root ? find_below(d, name) : sk_program_find(name);
    struct answer answer = {.text = out, .size = size};
    sigset_t before;
    int pipes[2];
    pid_t pid;
    int status = -1;

    out[0] = '\0';
    if (!path || pipe2(pipes, O_CLOEXEC) != 0)
        return false;
    hold_signals(&before);
    bool started = start(path, option, pipes[1], &before, &pid);
    (void)close(pipes[1]);
    bool ended = started && await_end(d, pid, pipes[0], &answer);
    (void)close(pipes[0]);
    if (started)
        (void)kill(-pid, SIGKILL);
    while (started && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- versions ------------------------------------------------------------------------ */

/* Neither in a word ("containerd2.x" is none) nor a lonely number. */
static const char *find_number(const char *text)
{
    for (const char *at = text; *at; at++) {
        bool begins = at == text || isspace((unsigned char)at[-1]) || at[-1] == 'v';
        if (begins && isdigit((unsigned char)*at) && at[strspn(at, "0123456789")] == '.')
            return at;
    }
    return NULL;
}

bool sk_version_find(const char *text, struct sk_version *out)
{
    const char *at = find_number(text);

    *out = (struct sk_version){{0}};
    return at && sscanf(at, "%6d.%6d.%6d", &out->part[0], &out->part[1], &out->part[2]) >= 2;
}

int sk_version_compare(struct sk_version a, struct sk_version b)
{
    for (int i = 0; i < 3; i++) {
        if (a.part[i] != b.part[i])
            return a.part[i] < b.part[i] ? -1 : 1;
    }
    return 0;
}
