#include "drivers/cni/plugin.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/own.h"
#include "drivers/cni/list.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define LIMIT SK_SEC(30)

/* --- starting ------------------------------------------------------------------ */

/* What it reads lies in a file: no pipe that it may leave full. */
static int open_request(const char *request)
{
    size_t len = strlen(request);
    int fd = memfd_create("cni", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, request, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    sk_close_fd(&fd);
    return -1;
}

/* Its environment is what the specification says and no more; the rest is the daemon's own business. */
static int spawn(const struct sk_cni_call *call, int in, int out, pid_t *out_pid)
{
    SK_AUTO_FREE char *path = sk_printf("%s/%s", call->plugins, call->type);
    SK_AUTO_FREE char *command = sk_printf("CNI_COMMAND=%s", call->command);
    SK_AUTO_FREE char *id = sk_printf("CNI_CONTAINERID=%s", call->id);
    SK_AUTO_FREE char *netns = sk_printf("CNI_NETNS=%s", call->netns);
    SK_AUTO_FREE char *plugins = sk_printf("CNI_PATH=%s", call->plugins);
    char ifname[] = "CNI_IFNAME=eth0", search[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *argv[] = {path, NULL}, *env[] = {command, id, netns, plugins, ifname, search, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int sys = posix_spawn(out_pid, path, &actions, &attributes, argv, env);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return sys;
}

static enum sk_code start(const struct sk_cni_call *call, int *out_fd, pid_t *out_pid, struct sk_err *err)
{
    int ends[2];
    SK_AUTO_FD int in = open_request(call->request);
    if (in < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, errno, "run a CNI plugin");
    int sys = spawn(call, in, ends[1], out_pid);
    sk_close_fd(&ends[1]);
    *out_fd = ends[0];
    if (sys == 0)
        return SK_OK;
    sk_close_fd(out_fd);
    return sk_fail_sys(err, SK_FAILED_PRECONDITION, sys, "run the CNI plugin %s/%s", call->plugins,
                       call->type);
}

/* --- listening ------------------------------------------------------------------ */

static int left_ms(struct sk_instant end)
{
    int64_t left = sk_duration_ms(sk_instant_diff(end, sk_clock_boot()));
    return left > 0 ? (int)left : 0;
}

/* True: it has closed its end in time, and said no more than it may. */
static bool collect(int fd, struct sk_buf *out)
{
    struct sk_instant end = sk_instant_add(sk_clock_boot(), LIMIT);
    struct pollfd item = {.fd = fd, .events = POLLIN};
    char part[4096];
    for (;;) {
        int ready = poll(&item, 1, left_ms(end));
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t len = ready > 0 ? read(fd, part, sizeof(part)) : -1;
        if (len == 0)
            return true;
        if (len < 0 || sk_buf_append(out, part, (size_t)len) != SK_OK)
            return false;
    }
}

static int reap(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

enum sk_code sk_cni_run(const struct sk_cni_call *call, char **out_answer, struct sk_err *err)
{
    struct sk_buf out;
    char words[160];
    pid_t pid = -1;
    SK_AUTO_FD int fd = -1;
    enum sk_code code = start(call, &fd, &pid, err);
    if (code != SK_OK)
        return code;
    sk_buf_init(&out, SK_CNI_TEXT_MAX);
    bool ended = collect(fd, &out);
    if (!ended)
        (void)kill(pid, SIGKILL);
    int status = reap(pid);
    SK_AUTO_FREE char *answer = sk_buf_take_text(&out);
    if (!ended)
        return sk_fail(err, SK_DEADLINE_EXCEEDED, "the CNI plugin %s did not end, or said too much",
                       call->type);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        *out_answer = sk_take(answer);
        return SK_OK;
    }
    sk_cni_error_read(answer, words);
    return sk_fail(err, SK_FAILED_PRECONDITION, "the CNI plugin %s failed %s: %s", call->type, call->command,
                   words[0] ? words : "it does not say why");
}
